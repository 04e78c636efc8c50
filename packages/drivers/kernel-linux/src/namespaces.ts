import { constants } from 'node:fs'
import { stat } from 'node:fs/promises'
import { TrilaneError } from '@trilane/contracts'
import { errnoName, lastErrno, O_CLOEXEC, sys } from './syscalls.ts'

const CLONE_NEWNET = 0x40000000
/** `f_type` of a namespace's file (linux/magic.h). A bind mount that is not visible here is an empty file of another type. */
const NSFS_MAGIC = 0x6e736673n
/** `ioctl_nsfs(2)`: gives the CLONE_NEW… constant of the kind. */
const NS_GET_NSTYPE = 0xb703
/** More than `struct statfs` has. */
const STATFS_BYTES = 128

let warm: Promise<unknown> | undefined

/**
 * libuv makes its pool threads at the first asynchronous file or DNS call, in the namespace of that moment, for ever.
 * This has them made now, in the process's own. Await it before the first {@link NetworkNamespace.run}.
 */
export function warmThreadPool(): Promise<unknown> {
  warm ??= stat('/')
  return warm
}

/** What {@link NetworkNamespace.run} needs of the system; replaced in tests of its guards. */
export interface NamespaceCalls {
  readonly setns: (fd: number, type: number) => number
  readonly abort: () => never
}

const SYSTEM: NamespaceCalls = { setns: sys.setns, abort: () => process.abort() }

let ownFd: number | undefined

/** An open network namespace: it stays as long as this is open, also without a path. */
export class NetworkNamespace {
  readonly path: string
  readonly fd: number
  readonly #calls: NamespaceCalls
  #closed = false

  private constructor(path: string, fd: number, calls: NamespaceCalls) {
    this.path = path
    this.fd = fd
    this.#calls = calls
  }

  /** @throws TrilaneError `TRI_NAMESPACE_INVALID` if there is no network namespace at that path */
  static open(path: string, calls: NamespaceCalls = SYSTEM): NetworkNamespace {
    const invalid = (problem: string): TrilaneError =>
      TrilaneError.of('TRI_NAMESPACE_INVALID', { path, problem })
    if (path === '' || path.includes('\0')) throw invalid('the path is empty or holds a NUL')
    // A FIFO would wait for its writer, and every pod with it.
    const fd = sys.open(path, O_CLOEXEC | constants.O_NONBLOCK)
    if (fd < 0) throw invalid(errnoName(lastErrno()))
    const statfs = Buffer.alloc(STATFS_BYTES)
    if (sys.fstatfs(fd, statfs) < 0 || statfs.readBigInt64LE(0) !== NSFS_MAGIC) {
      sys.close(fd)
      throw invalid('it is an ordinary file; perhaps its mount is not visible here')
    }
    if (sys.ioctl(fd, NS_GET_NSTYPE) !== CLONE_NEWNET) {
      sys.close(fd)
      throw invalid('it is a namespace of another kind')
    }
    return new NetworkNamespace(path, fd, calls)
  }

  /**
   * A new one, without a name: it ends with this process, or when this is closed and nothing else holds it. Its path is good
   * in this process only.
   *
   * @throws TrilaneError `TRI_NAMESPACE_INVALID`
   */
  static create(calls: NamespaceCalls = SYSTEM): NetworkNamespace {
    const back = ownNamespace()
    const path = 'a new network namespace'
    if (sys.unshare(CLONE_NEWNET) < 0) {
      throw TrilaneError.of('TRI_NAMESPACE_INVALID', { path, problem: errnoName(lastErrno()) })
    }
    const fd = sys.open('/proc/thread-self/ns/net', O_CLOEXEC)
    const errno = lastErrno()
    if (calls.setns(back, CLONE_NEWNET) < 0) {
      process.stderr.write('fatal: no way back from a new network namespace\n')
      calls.abort()
    }
    if (fd < 0) throw TrilaneError.of('TRI_NAMESPACE_INVALID', { path, problem: errnoName(errno) })
    return new NetworkNamespace(`/proc/self/fd/${fd}`, fd, calls)
  }

  /**
   * Runs `act` with this thread inside the namespace: sockets that it opens belong there, and /proc/sys/net is that
   * namespace's. Costs about 2 µs.
   *
   * `act` is synchronous – the whole process's callbacks would run inside otherwise – and a returned promise is an error.
   * If the way back fails the process aborts: in the wrong namespace it would write into a pod what is meant for the node.
   *
   * @throws TrilaneError `TRI_NAMESPACE_INVALID` if it cannot be entered
   */
  run<T>(act: () => T): T {
    const back = ownNamespace()
    if (this.#calls.setns(this.fd, CLONE_NEWNET) < 0) {
      const problem = `it cannot be entered: ${errnoName(lastErrno())}`
      throw TrilaneError.of('TRI_NAMESPACE_INVALID', { path: this.path, problem })
    }
    let result: T
    try {
      result = act()
    } finally {
      if (this.#calls.setns(back, CLONE_NEWNET) < 0) {
        process.stderr.write(`fatal: no way back from the namespace ${this.path}\n`)
        this.#calls.abort()
      }
    }
    if (isPromise(result)) {
      throw TrilaneError.of('TRI_INTERNAL', { text: 'what runs in a namespace must be synchronous' })
    }
    return result
  }

  /** The namespace itself stays. Repeating it is free. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    sys.close(this.fd)
  }
}

function ownNamespace(): number {
  if (ownFd !== undefined) return ownFd
  const fd = sys.open('/proc/thread-self/ns/net', O_CLOEXEC)
  if (fd < 0) {
    throw TrilaneError.of('TRI_NAMESPACE_INVALID', {
      path: '/proc/thread-self/ns/net',
      problem: errnoName(lastErrno())
    })
  }
  ownFd = fd
  return fd
}

function isPromise(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
