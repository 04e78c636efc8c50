import { TrilaneError } from '@trilane/contracts'
import { errnoName, lastErrno, sys } from './syscalls.ts'

const SOL_SOCKET = 1
const SO_PEERCRED = 17
/** `struct ucred`: pid, uid, gid, 32 bits each. */
const UCRED_BYTES = 12

/** Who connected, as the kernel noted it at that moment: nobody can claim to be somebody else. */
export interface PeerCredentials {
  readonly pid: number
  readonly uid: number
  readonly gid: number
}

/**
 * `SO_PEERCRED` of unix(7).
 *
 * @param fd of a connected Unix socket
 * @throws TrilaneError `TRI_FILE`
 */
export function peerCredentials(fd: number): PeerCredentials {
  const into = Buffer.alloc(UCRED_BYTES)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(UCRED_BYTES)
  if (sys.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, into, length) < 0) {
    throw TrilaneError.of('TRI_FILE', {
      operation: 'ask who connected at',
      path: `descriptor ${fd}`,
      problem: errnoName(lastErrno())
    })
  }
  return { pid: into.readInt32LE(0), uid: into.readUInt32LE(4), gid: into.readUInt32LE(8) }
}
