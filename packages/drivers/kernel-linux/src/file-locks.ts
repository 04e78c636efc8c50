import { setTimeout as sleep } from 'node:timers/promises'
import { type FileLock, type FileLocks, TrilaneError } from '@trilane/contracts'
import { ERRNO, errnoName, lastErrno, O_CLOEXEC, sys } from './syscalls.ts'

const O_RDWR = 2
const O_CREAT = 0o100
const LOCK_EX = 2
const LOCK_NB = 4

/** Waiting for somebody who holds it for a millisecond must not take many. */
const POLL_MS = { first: 1, last: 20 } as const

/**
 * `flock(2)`, asked again and again without waiting in the kernel, so that the event loop goes on. Two descriptors of
 * one process exclude each other as those of two processes do.
 */
export class LinuxFileLocks implements FileLocks {
  async acquire(path: string, timeoutMs: number): Promise<FileLock> {
    const fd = openLockFile(path)
    const startedMs = performance.now()
    let delayMs: number = POLL_MS.first
    try {
      while (sys.flock(fd, LOCK_EX | LOCK_NB) < 0) {
        const errno = lastErrno()
        if (errno !== ERRNO.EAGAIN && errno !== ERRNO.EINTR) throw fileError('lock', path, errno)
        const waitedMs = Math.round(performance.now() - startedMs)
        if (waitedMs >= timeoutMs) throw TrilaneError.of('TRI_LOCK_TIMEOUT', { path, waitedMs })
        await sleep(Math.min(delayMs, timeoutMs - waitedMs))
        delayMs = Math.min(delayMs * 2, POLL_MS.last)
      }
    } catch (error) {
      sys.close(fd)
      throw error
    }
    let held = true
    return {
      release() {
        // Closing the only descriptor of the open file frees the lock.
        if (held) sys.close(fd)
        held = false
      }
    }
  }
}

function openLockFile(path: string): number {
  const fd = sys.openNew(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
  if (fd < 0) throw fileError('open', path, lastErrno())
  return fd
}

function fileError(operation: string, path: string, errno: number): TrilaneError {
  return TrilaneError.of('TRI_FILE', { operation, path, problem: errnoName(errno) })
}
