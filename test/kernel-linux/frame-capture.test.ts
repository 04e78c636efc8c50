import { writeFile } from 'node:fs/promises'
import { FrameCapture } from '@trilane/kernel-linux'
import { echo, layersOf, pcapFile, startCapture, Testbed } from '@trilane/testbed'
import { afterEach, beforeEach, expect, it } from 'vitest'

let bed: Testbed

beforeEach(async () => {
  bed = await Testbed.create({ name: 'capture' })
})

afterEach(() => bed?.dispose())

async function pair() {
  const lan = await bed.addSwitch('lan')
  const a = await bed.addNode('a', { switch: lan, addresses: ['192.168.77.1/24', 'fd77::1/64'] })
  const b = await bed.addNode('b', { switch: lan, addresses: ['192.168.77.2/24', 'fd77::2/64'] })
  const point = (place: { namespacePath: string; name: string }, device: string) => ({
    namespace: place.namespacePath,
    device,
    name: `${place.name} ${device}`
  })
  const points = [point(a, 'eth0'), point(lan, 'a'), point(lan, 'b'), point(b, 'eth0')]
  return { lan, a, b, points }
}

it('sees a frame at every hop, which way it goes and when, byte by byte as tcpdump does', async () => {
  const { a, b, points } = await pair()
  const oracle = await startCapture({ place: b, device: 'eth0' })
  const capture = await FrameCapture.start(points)
  try {
    for (const address of ['192.168.77.2', 'fd77::2']) {
      expect((await echo({ from: a, address })).answered).toBe(true)
    }
    const isEcho = (bytes: Buffer): boolean =>
      layersOf(bytes).layers.some(({ fields }) => 'sequence' in fields)
    const requests = () =>
      capture.frames.filter(({ bytes }) =>
        layersOf(bytes).layers.some(
          ({ name, fields }) => /^icmp/.test(name) && ['8', '128'].includes(fields.type ?? '')
        )
      )
    const answers = () =>
      capture.frames.filter(({ point, bytes }) => point.name === 'a eth0' && isEcho(bytes))
    expect(await capture.until(() => requests().length === 8 && answers().length === 4, 5_000)).toBe(true)
    const way = ['a eth0 out', 'lan a in', 'lan b out', 'b eth0 in']
    expect(requests().map(({ point, direction }) => `${point.name} ${direction}`)).toEqual([...way, ...way])
    expect(capture.drops).toBe(0)
    const now = BigInt(Date.now()) * 1_000_000n
    for (const { atNs } of capture.frames) {
      expect(now - atNs).toBeGreaterThan(-1_000_000_000n)
      expect(now - atNs).toBeLessThan(30_000_000_000n)
    }
    const [first, last] = [requests()[0], requests()[3]]
    expect(Number((last?.atNs ?? 0n) - (first?.atNs ?? 0n))).toBeGreaterThan(0)
    await oracle.waitFor('the last answer', ({ icmp }) => icmp?.type === 129)
    const theirs = (await oracle.stop()).filter(({ icmp }) => [0, 8, 128, 129].includes(icmp?.type ?? -1))
    const ours = capture.frames.filter(({ point, bytes }) => point.name === 'b eth0' && isEcho(bytes))
    const macs = ours.map(({ bytes }) => layersOf(bytes).layers[0]?.fields.source)
    expect(theirs.map(({ ethernet }) => ethernet.source)).toEqual(macs)
    expect(theirs.map(({ bytes }) => bytes)).toEqual(ours.map(({ wireBytes }) => wireBytes))
  } finally {
    capture.close()
  }
})

/** Frame in hexadecimal, index of the device: `struct sockaddr_ll`. */
const SEND_FRAME = `
socket(my $s, 17, 3, 0) or die "socket: $!";
send($s, pack("H*", $ARGV[0]), 0, pack("SnlSCCa8", 17, 0x8100, $ARGV[1], 0, 0, 6, "")) or die "send: $!"`

it('puts the tag of a VLAN back where it was', async () => {
  const { a, points } = await pair()
  const capture = await FrameCapture.start(points)
  const tagged = Buffer.alloc(80)
  tagged.write('ffffffffffff020000000001810060080800', 'hex')
  try {
    const [link] = JSON.parse((await a.run(['ip', '-json', 'link', 'show', 'eth0'])).stdout)
    await a.run(['perl', '-e', SEND_FRAME, tagged.toString('hex'), `${link.ifindex}`])
    const isTagged = (bytes: Buffer): boolean => bytes.readUInt16BE(12) === 0x8100
    const all = () => capture.frames.filter(({ bytes }) => isTagged(bytes))
    // The kernel takes the tag out where the frame comes in.
    expect(await capture.until(() => all().length === 4, 5_000)).toBe(true)
    for (const { bytes, wireBytes } of all()) {
      expect(bytes).toEqual(tagged)
      expect(wireBytes).toBe(80)
      expect(layersOf(bytes).layers[1]).toMatchObject({ name: 'vlan', fields: { id: '8', priority: '3' } })
    }
  } finally {
    capture.close()
  }
})

it('its frames are a file that tcpdump reads, to the nanosecond', async () => {
  const { a, points } = await pair()
  const capture = await FrameCapture.start(points)
  try {
    await echo({ from: a, address: '192.168.77.2' })
    await capture.until((frames) => frames.length >= 8, 5_000)
  } finally {
    capture.close()
  }
  const file = `${a.directory}/walk.pcap`
  await writeFile(file, pcapFile(capture.frames))
  const { stdout } = await a.run(['tcpdump', '-nn', '-e', '-tt', '--nano', '-r', file])
  const lines = stdout.trim().split('\n')
  expect(lines).toHaveLength(capture.frames.length)
  for (const [index, { atNs, wireBytes }] of capture.frames.entries()) {
    expect(lines[index]).toContain(`${atNs / 1_000_000_000n}.${`${atNs % 1_000_000_000n}`.padStart(9, '0')}`)
    expect(lines[index]).toContain(`length ${wireBytes}:`)
  }
})

it('says which device is not there, and listens to none then', async () => {
  const { points } = await pair()
  const [first] = points
  if (first === undefined) throw new Error('no point')
  const missing = FrameCapture.start([first, { ...first, device: 'eth9' }])
  await expect(missing).rejects.toThrow(/eth9/)
})
