import { TrilaneError } from '@trilane/contracts'
import { errnoName, lastErrno, O_CLOEXEC, sys } from './syscalls.ts'

const AF_UNIX = 1
const SOCK_DGRAM = 2
const SOCK_NONBLOCK = 0o4000
/** SOCK_CLOEXEC is O_CLOEXEC. */
const SOCKET_TYPE = SOCK_DGRAM | SOCK_NONBLOCK | O_CLOEXEC
/** A receiver that is gone must not kill this process with SIGPIPE. */
const MSG_NOSIGNAL = 0x4000
/** `sun_path` of struct sockaddr_un. */
const LONGEST_PATH = 108

/**
 * Sends one datagram to a Unix socket, as sd_notify(3) does: systemd learns by it that a service is ready. Node has no
 * Unix datagram sockets. Does not wait: a receiver with a full queue is an error.
 *
 * @param path of the socket; one that begins with `@` is in the abstract namespace
 * @throws TrilaneError `TRI_FILE`
 */
export function sendDatagram(path: string, text: string): void {
  const address = addressOf(path)
  const fd = sys.socket(AF_UNIX, SOCKET_TYPE, 0)
  if (fd < 0) throw failure(path)
  try {
    const data = Buffer.from(text)
    if (sys.sendto(fd, data, data.length, MSG_NOSIGNAL, address, address.length) < 0) throw failure(path)
  } finally {
    sys.close(fd)
  }
}

/** struct sockaddr_un: u16 family, then the name: with a closing zero, or without one behind a leading zero. */
function addressOf(path: string): Buffer {
  const isAbstract = path.startsWith('@')
  const name = Buffer.from(isAbstract ? `\0${path.slice(1)}` : `${path}\0`)
  if ((!isAbstract && !path.startsWith('/')) || name.length > LONGEST_PATH) {
    const problem = `not a path or an @name of less than ${LONGEST_PATH} bytes`
    throw TrilaneError.of('TRI_FILE', { operation: 'send to', path, problem })
  }
  const family = Buffer.alloc(2)
  // In the machine's own order; every machine that Node runs on with these system calls is little-endian.
  family.writeUInt16LE(AF_UNIX, 0)
  return Buffer.concat([family, name])
}

function failure(path: string): TrilaneError {
  return TrilaneError.of('TRI_FILE', { operation: 'send to', path, problem: errnoName(lastErrno()) })
}
