import type { Kernel, KernelChange } from '@trilane/contracts'

/** @throws the first error */
export async function applyAll(kernel: Kernel, changes: readonly KernelChange[]): Promise<void> {
  for (const { error } of await kernel.apply(changes)) if (error !== undefined) throw error
}
