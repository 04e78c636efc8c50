import { commandOf, type KernelChange, TrilaneError } from '@trilane/contracts'

/** The errors of rtnetlink that this kernel gives, by the names of errno(3). */
export type Errno =
  | 'EADDRINUSE'
  | 'EADDRNOTAVAIL'
  | 'EAFNOSUPPORT'
  | 'EBUSY'
  | 'EEXIST'
  | 'EHOSTUNREACH'
  | 'EINVAL'
  | 'EIO'
  | 'ELOOP'
  | 'ENETDOWN'
  | 'ENETUNREACH'
  | 'ENODEV'
  | 'ENOENT'
  | 'ENOMEM'
  | 'ENOSPC'
  | 'EOPNOTSUPP'
  | 'EPERM'
  | 'ERANGE'
  | 'ESRCH'

/** What a change is refused with, in the kernel's words where it has some (`NLMSGERR_ATTR_MSG`). */
export class Refusal extends Error {
  readonly errno: Errno
  readonly words: string

  constructor(errno: Errno, words: string) {
    super(`${errno}: ${words}`)
    this.errno = errno
    this.words = words
  }
}

/** Removing what is not there is refused with one of these; the port makes a success of it. */
const ABSENT: readonly Errno[] = ['EADDRNOTAVAIL', 'ENODEV', 'ENOENT', 'ESRCH']

/** The outcome of a refused change: `undefined` when it counts as done. */
export function errorOf(change: KernelChange, refusal: Refusal): TrilaneError | undefined {
  const { errno, words } = refusal
  if (change.action === 'remove' && ABSENT.includes(errno)) return undefined
  const command = commandOf(change)
  switch (errno) {
    case 'EEXIST':
      return TrilaneError.of('TRI_KERNEL_EXISTS', { command }, { details: `the kernel says: ${words}` })
    case 'EADDRNOTAVAIL':
    case 'ENODEV':
    case 'ENOENT':
    case 'ESRCH':
      return TrilaneError.of('TRI_KERNEL_NOT_FOUND', { command, what: words })
    case 'EOPNOTSUPP':
      return TrilaneError.of('TRI_KERNEL_UNSUPPORTED', { command, errno, text: ` (${words})` })
    case 'EPERM':
      return TrilaneError.of('TRI_KERNEL_PERMISSION', { command })
    default:
      return TrilaneError.of('TRI_KERNEL_REFUSED', { command, errno, text: ` (${words})` })
  }
}
