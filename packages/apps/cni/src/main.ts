/**
 * The CNI plugin where there is no compiler: the same as launcher/launcher.c, at the cost of starting Node.js for each
 * call. The two are held to each other by test/cni.
 *
 * @packageDocumentation
 */
import { AgentClient } from '@trilane/agent-socket'
import { aboutText, CniError, encodeInvocation, LATEST_VERSION, versionText } from '@trilane/cni'
import { TrilaneError } from '@trilane/contracts'
import { FileSpool } from '@trilane/state-files'
import { VERSION } from './version.ts'

const LARGEST_STDIN_BYTES = 4 * 1_048_576

/** Codes of the specification. */
const IO = 5
const INVALID = 7
const TRY_LATER = 11
const UNAVAILABLE = 50

/** An empty variable counts as not set. */
function setting(name: string, fallback: string): string {
  return process.env[name] || fallback
}

async function readStdin(): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > LARGEST_STDIN_BYTES) break
      chunks.push(chunk)
    }
  } catch (error) {
    throw new CniError(IO, 'error reading from stdin', error instanceof Error ? error.message : String(error))
  }
  if (size <= LARGEST_STDIN_BYTES) return Buffer.concat(chunks)
  throw new CniError(INVALID, 'the network config is too large', 'at most 4 MiB are read')
}

/** @returns what goes to stdout. @throws CniError */
async function call(command: string): Promise<{ readonly isSuccess: boolean; readonly text: string }> {
  const variables = Object.entries(process.env).filter(([name]) => name.startsWith('CNI_'))
  const env = new Map(variables.map(([name, value = '']) => [name, value]))
  const invocation = encodeInvocation({ env, stdin: await readStdin() })
  const socketPath = setting('TRILANE_SOCKET_PATH', '/run/trilane/api.sock')
  const timeoutMs = (Number(setting('TRILANE_CNI_TIMEOUT_SECONDS', '60')) || 60) * 1_000
  try {
    return await new AgentClient(socketPath, { timeoutMs }).cni(invocation)
  } catch (error) {
    if (!TrilaneError.is(error, 'TRI_DAEMON_UNREACHABLE')) throw notReached(command, error)
    if (command !== 'DEL' && command !== 'GC') throw notReached(command, error)
  }
  const spool = new FileSpool({ stateDirectory: setting('TRILANE_STATE_DIRECTORY', '/var/lib/trilane') })
  try {
    await spool.put(invocation, Date.now())
    return { isSuccess: true, text: '' }
  } catch (error) {
    throw new CniError(
      TRY_LATER,
      'no daemon answers, and the request cannot be kept for later',
      TrilaneError.from(error).message
    )
  }
}

function notReached(command: string, error: unknown): CniError {
  const { message, remedy } = TrilaneError.from(error)
  return new CniError(command === 'STATUS' ? UNAVAILABLE : TRY_LATER, message, remedy)
}

/** @returns the exit status */
async function main(): Promise<number> {
  const command = process.env.CNI_COMMAND ?? ''
  if (command === '') {
    process.stderr.write(aboutText(VERSION))
    return 0
  }
  if (command === 'VERSION') {
    process.stdout.write(versionText())
    return 0
  }
  try {
    const { isSuccess, text } = await call(command)
    process.stdout.write(text)
    return isSuccess ? 0 : 1
  } catch (error) {
    if (!(error instanceof CniError)) throw error
    process.stdout.write(error.toText(LATEST_VERSION))
    return 1
  }
}

process.exitCode = await main()
// A runtime may keep its end of stdin open after it has sent the config that was too large.
process.stdin.destroy()
