import type { Kernel, KernelWatch } from '@trilane/contracts'

/**
 * Tells when a bridge port forwards.
 *
 * When the pod's end of a veth pair comes up, both ends have their carrier at once, but the kernel starts the bridge port
 * from a work queue (`linkwatch_work`): what the pod sends in between, its announcement above all, is dropped without a
 * trace (up to 6 of 100 announcements, measured on Linux 6.18). The link event that shows the device operational is sent
 * when that work is done.
 *
 * All expectations share one watch of the kernel, which is open only while there are any.
 */
export class CarrierWatch {
  readonly #kernel: Pick<Kernel, 'watch'>
  readonly #expected = new Map<string, () => void>()
  #watch: KernelWatch | undefined

  constructor(kernel: Pick<Kernel, 'watch'>) {
    this.#kernel = kernel
  }

  /**
   * Looks out for one device. What came before does not show: ask whether it is operational afterwards.
   *
   * `seen` resolves when it is operational, and also when there is nothing more to wait for: the device vanished or events
   * were lost. `end` must be called in any case.
   */
  expect(device: string): { readonly seen: Promise<void>; end(): void } {
    const seen = new Promise<void>((resolve) => this.#expected.set(device, resolve))
    this.#watch ??= this.#kernel.watch((event) => {
      if (event.kind === 'lost') for (const resolve of this.#expected.values()) resolve()
      if (event.kind === 'link' && (event.gone || event.value.operational))
        this.#expected.get(event.value.name)?.()
    })
    return {
      seen,
      end: () => {
        this.#expected.delete(device)
        if (this.#expected.size > 0) return
        this.#watch?.close()
        this.#watch = undefined
      }
    }
  }
}
