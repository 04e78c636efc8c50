import { readFileSync } from 'node:fs'
import { TrilaneError } from '@trilane/contracts'

/** What `scripts/guest/prepare` made. */
export interface GuestKernel {
  readonly kernel: string
  readonly initramfs: string
  /** `/lib/modules` of the guest. */
  readonly modules: string
  /** Of qemu's `-accel`. */
  readonly accelerator: string
}

const DIRECTORY = '/var/cache/trilane/guest'

/** @throws TrilaneError `TRI_GUEST_UNPREPARED` */
export function guestKernel(): GuestKernel {
  const directory = process.env.TRILANE_GUEST_DIRECTORY || DIRECTORY
  if (textOf(`${directory}/prepared`) === '') throw TrilaneError.of('TRI_GUEST_UNPREPARED', { directory })
  return {
    kernel: `${directory}/kernel`,
    initramfs: `${directory}/initramfs`,
    modules: `${directory}/modules`,
    accelerator: accelerator(textOf(`${directory}/accelerator`))
  }
}

/** What was tried in another boot, or on another machine that shares the folder, says nothing about this one. */
function accelerator(tried: string): string {
  const bootId = textOf('/proc/sys/kernel/random/boot_id')
  return tried === `kvm ${bootId}` ? 'kvm' : 'tcg,thread=multi'
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}
