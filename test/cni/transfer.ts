import type { Place } from '@trilane/testbed'

const SENDER = `
const [bytes] = process.argv.slice(1)
require('net').createServer((s) => s.on('error', () => {}).end(Buffer.alloc(+bytes)))
  .listen(0, '::', function () { console.log('up ' + this.address().port) })`

const RECEIVER = `
const [address, port] = process.argv.slice(1)
const startedMs = performance.now()
let bytes = 0
require('net').connect(+port, address).on('data', (data) => { bytes += data.length })
  .on('close', () => console.log(JSON.stringify({ bytes, tookMs: performance.now() - startedMs })))`

/** Sends so many bytes by TCP. @returns ms from the connection's begin to the last byte */
export async function transferMs(from: Place, to: Place, address: string, bytes: number): Promise<number> {
  const sender = await from.spawn([process.execPath, '-e', SENDER, String(bytes)])
  let port: string | undefined
  while (port === undefined) {
    if (!sender.running) throw new Error(`no sender in ${from.name}: ${sender.stderr}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
    port = /up (\d+)/.exec(sender.stdout)?.[1]
  }
  const { stdout } = await to.run([process.execPath, '-e', RECEIVER, address, port])
  sender.kill()
  await sender.exited
  const received = JSON.parse(stdout) as { readonly bytes: number; readonly tookMs: number }
  if (received.bytes !== bytes) throw new Error(`${received.bytes} of ${bytes} bytes arrived`)
  return received.tookMs
}
