import { readFileSync, writeFileSync } from 'node:fs'
import { commandOf, type Sysctl, TrilaneError } from '@trilane/contracts'
import { kernelError } from './kernel-errors.ts'
import { ERRNO } from './syscalls.ts'

/** Below /proc/sys, and staying there. */
const KEY = /^(?!.*(?:^|\/)\.\.?(?:\/|$))[^/\0][^\0]*$/

/**
 * `sysctl -w KEY=VALUE`. /proc/sys/net is that of the namespace which this thread is in when the file is opened;
 * hence the synchronous calls.
 */
export function writeSysctl(sysctl: Sysctl): void {
  const command = commandOf({ action: 'set', kind: 'sysctl', value: sysctl })
  if (!KEY.test(sysctl.key))
    throw kernelError(command, { errno: ERRNO.EINVAL, text: 'not a key below /proc/sys' })
  try {
    writeFileSync(`/proc/sys/${sysctl.key}`, `${sysctl.value}\n`)
  } catch (cause) {
    throw sysctlError(command, cause)
  }
}

/** Those that exist, without surrounding white space. */
export function readSysctls(keys: readonly string[]): Sysctl[] {
  return keys.flatMap((key) => {
    if (!KEY.test(key)) return []
    try {
      return [{ key, value: readFileSync(`/proc/sys/${key}`, 'utf8').trim() }]
    } catch {
      return []
    }
  })
}

function sysctlError(command: string, cause: unknown): TrilaneError {
  const errno =
    cause instanceof Error && 'errno' in cause && typeof cause.errno === 'number' ? -cause.errno : 0
  if (errno === 0) return TrilaneError.from(cause)
  // /proc says EACCES of a file that may only be read.
  return kernelError(command, { errno: errno === ERRNO.EACCES ? ERRNO.EPERM : errno })
}
