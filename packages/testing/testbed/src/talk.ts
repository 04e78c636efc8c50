import type { Place } from './place.ts'

/** Waits so long for what should not come. */
const PATIENCE_MS = 700

const SERVER = `
const [name, port, address] = process.argv.slice(1)
const who = (remote) => remote.replace(/^::ffff:/, '')
// Who hangs up before the answer resets the connection, which ends nobody but itself.
const answer = (s) => s.on('error', () => {}).end(name + ' sees ' + who(s.remoteAddress))
require('net').createServer(answer).listen(+port, address, () => {
  const udp = require('dgram').createSocket(address.includes(':') ? 'udp6' : 'udp4')
  udp.on('message', (_, from) => udp.send(name + ' sees ' + who(from.address), from.port, from.address))
  udp.bind(+port, address, () => console.log('up'))
})`

/** Answers on a port of TCP and of UDP with its name and the address that it sees. */
export async function answerOn(place: Place, port: number, address = '::'): Promise<void> {
  const program = await place.spawn([process.execPath, '-e', SERVER, place.name, String(port), address])
  while (!program.stdout.includes('up')) {
    if (!program.running) throw new Error(`no server in ${place.name}: ${program.stderr}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const TCP = `
const [address, port, ms] = process.argv.slice(1)
const socket = require('net').connect(+port, address)
const end = (words) => { process.stdout.write(words); process.exit() }
socket.on('data', (data) => end(String(data))).on('error', () => end('refused'))
setTimeout(() => end('silence'), +ms)`

/** Asks a server of {@link answerOn} by TCP. @returns its answer, `refused` or `silence` */
export async function askTcp(from: Place, address: string, port: number): Promise<string> {
  return (await from.run([process.execPath, '-e', TCP, address, String(port), String(PATIENCE_MS)])).stdout
}

const UDP = `
const [address, port] = process.argv.slice(1)
const socket = require('dgram').createSocket('udp4')
socket.on('message', (data) => console.log(String(data)))
setInterval(() => socket.send('?', +port, address, () => {}), 50)`

/** One sender that goes on asking by UDP from the same port. @returns the answers that came so far, when asked */
export async function keepAskingUdp(from: Place, address: string, port: number): Promise<() => string> {
  const program = await from.spawn([process.execPath, '-e', UDP, address, String(port)])
  return () => program.stdout
}
