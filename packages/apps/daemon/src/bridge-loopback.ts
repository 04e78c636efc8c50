import { EMPTY_KERNEL_STATE, type Kernel, type KernelState } from '@trilane/contracts'

/** What lets this node reach host ports by 127.0.0.1: `route_localnet` of the bridge, which the answers come back by. */
export interface Loopback {
  /** The device. */
  readonly device: string
  /** Is it on, whoever has set it? */
  isOpen(): Promise<boolean>
  /** Sets it, and again when somebody resets it. Only behind a guard: see `FirewallWish.guardedDevice`. */
  open(): void
}

export class BridgeLoopback implements Loopback {
  readonly device: string
  readonly #kernel: Pick<Kernel, 'read'>
  readonly #wish: (state: KernelState) => void
  #opened = false

  /** @param parts wish: keeps a state in the kernel from then on */
  constructor(parts: {
    readonly device: string
    readonly kernel: Pick<Kernel, 'read'>
    readonly wish: (state: KernelState) => void
  }) {
    this.device = parts.device
    this.#kernel = parts.kernel
    this.#wish = parts.wish
  }

  async isOpen(): Promise<boolean> {
    if (this.#opened) return true
    const { sysctls } = await this.#kernel.read({ sysctls: [this.#key] })
    return sysctls.some(({ value }) => value !== '0')
  }

  open(): void {
    if (this.#opened) return
    this.#opened = true
    this.#wish({ ...EMPTY_KERNEL_STATE, sysctls: [{ key: this.#key, value: '1' }] })
  }

  get #key(): string {
    return `net/ipv4/conf/${this.device}/route_localnet`
  }
}
