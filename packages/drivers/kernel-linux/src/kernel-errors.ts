import { type ErrorCode, TrilaneError } from '@trilane/contracts'
import type { Verdict } from './reader.ts'
import { ERRNO, errnoName } from './syscalls.ts'

const CODES: ReadonlyMap<number, ErrorCode> = new Map<number, ErrorCode>([
  [ERRNO.EEXIST, 'TRI_KERNEL_EXISTS'],
  [ERRNO.ENODEV, 'TRI_KERNEL_NOT_FOUND'],
  [ERRNO.ENOENT, 'TRI_KERNEL_NOT_FOUND'],
  [ERRNO.ESRCH, 'TRI_KERNEL_NOT_FOUND'],
  [ERRNO.EADDRNOTAVAIL, 'TRI_KERNEL_NOT_FOUND'],
  [ERRNO.EOPNOTSUPP, 'TRI_KERNEL_UNSUPPORTED'],
  // Not EACCES: over netlink it means "IPv6 is disabled on this device".
  [ERRNO.EPERM, 'TRI_KERNEL_PERMISSION']
])

/** The one place where an errno becomes an error of ours. `command` is what `ip` would have been told. */
export function kernelError(command: string, verdict: Verdict): TrilaneError {
  const { errno } = verdict
  const name = errnoName(errno)
  const text = verdict.text === undefined ? '' : ` (${verdict.text})`
  switch (CODES.get(errno)) {
    case 'TRI_KERNEL_EXISTS':
      return TrilaneError.of('TRI_KERNEL_EXISTS', { command }, detailed(verdict))
    case 'TRI_KERNEL_NOT_FOUND':
      return TrilaneError.of('TRI_KERNEL_NOT_FOUND', { command, what: verdict.text ?? name })
    case 'TRI_KERNEL_UNSUPPORTED':
      return TrilaneError.of('TRI_KERNEL_UNSUPPORTED', { command, errno: name, text })
    case 'TRI_KERNEL_PERMISSION':
      return TrilaneError.of('TRI_KERNEL_PERMISSION', { command }, detailed(verdict))
    default:
      return TrilaneError.of('TRI_KERNEL_REFUSED', { command, errno: name, text })
  }
}

/** Removing what is not there is what was asked for. */
export function isAbsent(errno: number): boolean {
  return CODES.get(errno) === 'TRI_KERNEL_NOT_FOUND'
}

function detailed({ text }: Verdict): { readonly details?: string } {
  return text === undefined ? {} : { details: `the kernel says: ${text}` }
}
