import { lstat, mkdir, unlink } from 'node:fs/promises'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { TrilaneError } from '@trilane/contracts'
import { AgentClient } from './agent-client.ts'

/** `sun_path` of unix(7) without its NUL; older libuv cuts longer paths in silence. */
export const LONGEST_SOCKET_PATH = 107

/** A daemon that lives says its pid at once; one that hangs still holds the socket. */
const PID_PATIENCE_MS = 500

/**
 * Makes sure that the path can be bound: its directory exists, no daemon listens there, the socket file of a dead
 * one is gone.
 *
 * @throws TrilaneError `TRI_DAEMON_RUNNING`, `TRI_FILE` (also for a file there that is no socket: it is not ours)
 */
export async function prepareSocketPath(path: string): Promise<void> {
  if (Buffer.byteLength(path) > LONGEST_SOCKET_PATH) {
    throw fileError('listen', path, `the path of a socket has at most ${LONGEST_SOCKET_PATH} bytes`)
  }
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o755 })
    const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    if (found === undefined) return
    if (!found.isSocket()) throw fileError('listen', path, 'there is a file that is no socket')
    if (await isListening(path)) throw await running(path)
    await unlink(path)
  } catch (error) {
    if (TrilaneError.is(error)) throw error
    throw fileError('listen', path, error instanceof Error ? error.message : String(error), error)
  }
}

/** A dead daemon's socket refuses; one that only has its queue full (EAGAIN) is alive. */
function isListening(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false)
      else if (error.code === 'EAGAIN') resolve(true)
      else reject(error)
    })
  })
}

async function running(path: string): Promise<TrilaneError> {
  const client = new AgentClient(path, { timeoutMs: PID_PATIENCE_MS })
  const pid = await client.status().then(
    (status) => status.pid,
    () => 'unknown'
  )
  return TrilaneError.of('TRI_DAEMON_RUNNING', { pid })
}

export function fileError(operation: string, path: string, problem: string, cause?: unknown): TrilaneError {
  return TrilaneError.of('TRI_FILE', { operation, path, problem }, { cause })
}
