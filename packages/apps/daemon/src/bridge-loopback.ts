import { EMPTY_KERNEL_STATE, type Kernel, type KernelState } from '@trilane/contracts'

/** What lets this node reach host ports by 127.0.0.1: `route_localnet` of the bridges, which the answers come back by. */
export interface Loopback {
  /** For which of them is it on, whoever has set it? */
  openAmong(devices: readonly string[]): Promise<readonly string[]>
  /** Sets it, and again when somebody resets it. Only behind a guard: see `FirewallWish.guardedDevices`. */
  open(devices: readonly string[]): void
}

export class BridgeLoopback implements Loopback {
  readonly #kernel: Pick<Kernel, 'read'>
  readonly #wish: (state: KernelState) => void
  readonly #opened = new Set<string>()

  /** @param parts wish: keeps a state in the kernel from then on */
  constructor(parts: { readonly kernel: Pick<Kernel, 'read'>; readonly wish: (state: KernelState) => void }) {
    this.#kernel = parts.kernel
    this.#wish = parts.wish
  }

  async openAmong(devices: readonly string[]): Promise<readonly string[]> {
    const unknown = devices.filter((device) => !this.#opened.has(device))
    if (unknown.length === 0) return devices
    const { sysctls } = await this.#kernel.read({ sysctls: unknown.map(keyOf) })
    const open = new Set(sysctls.filter(({ value }) => value !== '0').map(({ key }) => key))
    return devices.filter((device) => this.#opened.has(device) || open.has(keyOf(device)))
  }

  open(devices: readonly string[]): void {
    if (devices.every((device) => this.#opened.has(device))) return
    for (const device of devices) this.#opened.add(device)
    const sysctls = [...this.#opened].map((device) => ({ key: keyOf(device), value: '1' }))
    this.#wish({ ...EMPTY_KERNEL_STATE, sysctls })
  }
}

function keyOf(device: string): string {
  return `net/ipv4/conf/${device}/route_localnet`
}
