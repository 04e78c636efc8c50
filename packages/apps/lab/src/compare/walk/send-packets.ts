import type { Place } from '@trilane/testbed'
import { PATIENCE } from '../../patience.ts'

/** Of the pod that is reached. */
export const TCP_PORT = 7_777
/** One segment has it whole. */
export const TCP_PAYLOAD_BYTES = 64
/** Header with time stamps (RFC 7323), which Linux puts into every segment. */
export const TCP_HEADER_BYTES = 32
/** What ping sends when nobody asks for another size. */
export const PING_PAYLOAD_BYTES = 56

/** Takes connections of both families, and reads until they end. */
const SERVER = `
require('net').createServer((s) => s.on('error', () => {}).resume())
  .listen(+process.argv[1], '::', () => console.log('up'))`

/** Listens when it returns; ends with its place. */
export async function listenIn(place: Place): Promise<void> {
  const program = await place.spawn([process.execPath, '-e', SERVER, `${TCP_PORT}`], { outlives: false })
  while (!program.stdout.includes('up')) {
    if (!program.running) throw new Error(`no server in ${place.name}: ${program.stderr}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** One echo request. */
export async function ping(place: Place, address: string): Promise<void> {
  await place.run(['ping', '-n', '-c', '1', '-W', `${PATIENCE}`, address])
}

/** One connection, and one segment with content on it. */
export async function sendSegment(place: Place, address: string): Promise<void> {
  const script = `exec 3<>/dev/tcp/${address}/${TCP_PORT} && printf '%0${TCP_PAYLOAD_BYTES}d' 0 >&3`
  await place.run(['timeout', `${5 * PATIENCE}`, 'bash', '-c', script])
}
