import { sys } from './syscalls.ts'

/**
 * Closes a packet socket. Linux waits for a grace period in it (`synchronize_net` in `packet_release`), 10 ms and more, so
 * it is done on a thread of Node's pool; and on one thread only, one after the other, because the pool has four, and what
 * a burst of pods waits for, their reservations on the disk, needs them at the same time.
 */
export const closeSlowly = oneAtATime((fd, done) => sys.close.async(fd, done))

/** @param close calls `done` when it is closed, not before it returns */
export function oneAtATime(close: (fd: number, done: () => void) => void): (fd: number) => void {
  const waiting: number[] = []
  let isClosing = false
  const closeNext = (): void => {
    const fd = waiting.shift()
    isClosing = fd !== undefined
    if (fd !== undefined) close(fd, closeNext)
  }
  return (fd) => {
    waiting.push(fd)
    if (!isClosing) closeNext()
  }
}
