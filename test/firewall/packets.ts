import type { Place, Program } from '@trilane/testbed'

/** Where packets to prove something are received. */
const PORT = 4_711

/** A packet that has not come in this time is taken for lost; one that is let through takes a few milliseconds. */
const LOST_AFTER_MS = 400

export const GROUPS = { v4: '224.0.0.251', v6: 'ff02::fb' } as const

/** Prints a line for each datagram: what was sent, and the source address that it came with. */
const RECEIVER = `
const { createSocket } = require('node:dgram')
const [port, device] = process.argv.slice(1)
for (const [type, group] of [['udp4', '${GROUPS.v4}'], ['udp6', '${GROUPS.v6}']]) {
  const socket = createSocket({ type, ipv6Only: type === 'udp6' })
  socket.on('message', (text, { address }) => console.log(text + ' ' + address))
  socket.bind(Number(port), () => {
    if (device !== '') socket.addMembership(group, type === 'udp6' ? '::%' + device : device4(device))
    console.log('ready ' + type)
  })
}
function device4(device) {
  return require('node:os').networkInterfaces()[device].find(({ family }) => family === 'IPv4').address
}
`

const SENDER = `
const { createSocket } = require('node:dgram')
const [port, to, text, from, device] = process.argv.slice(1)
const six = to.includes(':')
const socket = createSocket(six ? 'udp6' : 'udp4')
socket.bind(0, from === '' ? undefined : from, () => {
  if (device !== '') socket.setMulticastInterface(six ? '::%' + device : device)
  socket.send(text, Number(port), to, () => socket.close())
})
`

let sent = 0

/** Listens in one place. */
export class Receiver {
  readonly #program: Program

  private constructor(program: Program) {
    this.#program = program
  }

  /** @param device where it joins {@link GROUPS}; none unless given */
  static async start(place: Place, device = ''): Promise<Receiver> {
    const program = await place.spawn([process.execPath, '-e', RECEIVER, String(PORT), device])
    const receiver = new Receiver(program)
    const ready = (): boolean => ['ready udp4', 'ready udp6'].every((line) => program.stdout.includes(line))
    if (!(await within(5_000, ready))) throw new Error(`the receiver does not start: ${program.stderr}`)
    return receiver
  }

  /**
   * Sends a datagram here.
   *
   * @returns the source address that it arrived with; `undefined` when it did not arrive
   */
  async sourceOf(
    from: Place,
    to: string,
    { source = '', device = '' }: { readonly source?: string; readonly device?: string } = {}
  ): Promise<string | undefined> {
    sent += 1
    const text = `packet-${sent}`
    await from.run([process.execPath, '-e', SENDER, String(PORT), to, text, source, device])
    const line = (): string | undefined =>
      this.#program.stdout.split('\n').find((each) => each.startsWith(`${text} `))
    await within(LOST_AFTER_MS, () => line() !== undefined)
    return line()?.split(' ')[1]
  }
}

async function within(ms: number, holds: () => boolean): Promise<boolean> {
  const end = performance.now() + ms
  while (!holds()) {
    if (performance.now() > end) return false
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return true
}
