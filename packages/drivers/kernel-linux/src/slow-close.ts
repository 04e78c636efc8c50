import { sys } from './syscalls.ts'

const waiting: number[] = []
let isClosing = false

/**
 * Closes a packet socket. Linux waits for a grace period in it (`synchronize_net` in `packet_release`), 10 ms and more, so
 * it is done on a thread of Node's pool; and on one thread only, one after the other, because the pool has four, and what
 * a burst of pods waits for, their reservations on the disk, needs them at the same time.
 */
export function closeSlowly(fd: number): void {
  waiting.push(fd)
  if (!isClosing) closeNext()
}

function closeNext(): void {
  const fd = waiting.shift()
  isClosing = fd !== undefined
  if (fd !== undefined) sys.close.async(fd, closeNext)
}
