import {
  type AttachmentKey,
  type HostPort,
  type HostPortOwner,
  type PublishedPort,
  TrilaneError
} from '@trilane/contracts'
import { type IpAddress, type PerFamily, valuesOf } from '@trilane/ip'

/** Which pod of the node has which host ports. No two pods have one that catches the same packet. */
export class HostPortBook {
  readonly #claims = new Map<
    string,
    { readonly owner: HostPortOwner; readonly ports: readonly PublishedPort[] }
  >()
  /** Of all claims, by protocol and number: a claim looks at those of its own numbers alone. */
  readonly #byPort = new Map<string, Claim[]>()

  /** In the order of their claims. */
  get ports(): readonly PublishedPort[] {
    return [...this.#claims.values()].flatMap(({ ports }) => ports)
  }

  /**
   * Instead of what the owner had.
   *
   * @returns its ports, family by family
   * @throws TrilaneError `TRI_HOST_PORT_REFUSED`; then nothing is claimed
   */
  claim(
    owner: HostPortOwner,
    hostPorts: readonly HostPort[],
    addresses: PerFamily<IpAddress>
  ): readonly PublishedPort[] {
    this.release(owner)
    const ports: PublishedPort[] = []
    try {
      for (const hostPort of hostPorts) {
        for (const port of publishedOf(owner.key, hostPort, addresses)) {
          if (ports.some((other) => isSame(port, other))) continue
          this.#enter(owner, port)
          ports.push(port)
        }
      }
    } catch (error) {
      for (const port of ports) this.#leave(port)
      throw error
    }
    this.#claims.set(textOf(owner), { owner, ports })
    return ports
  }

  /** @returns what it had */
  release(owner: HostPortOwner): readonly PublishedPort[] {
    const { ports = [] } = this.#claims.get(textOf(owner)) ?? {}
    this.#claims.delete(textOf(owner))
    for (const port of ports) this.#leave(port)
    return ports
  }

  has(owner: HostPortOwner): boolean {
    return this.#claims.has(textOf(owner))
  }

  #enter(owner: HostPortOwner, port: PublishedPort): void {
    const there = this.#byPort.get(keyOf(port)) ?? []
    const other = there.find((claim) => catchesSame(claim.port, port))
    if (other !== undefined) throw refused(owner.key, port, holderOf(owner, other.owner))
    this.#byPort.set(keyOf(port), [...there, { owner, port }])
  }

  #leave(port: PublishedPort): void {
    const left = (this.#byPort.get(keyOf(port)) ?? []).filter((claim) => claim.port !== port)
    if (left.length === 0) this.#byPort.delete(keyOf(port))
    else this.#byPort.set(keyOf(port), left)
  }
}

interface Claim {
  readonly owner: HostPortOwner
  readonly port: PublishedPort
}

function publishedOf(
  key: AttachmentKey,
  hostPort: HostPort,
  addresses: PerFamily<IpAddress>
): readonly PublishedPort[] {
  const { hostAddress } = hostPort
  const ports = valuesOf(addresses)
    .filter(({ family }) => hostAddress === undefined || hostAddress.family === family)
    .map((podAddress) => ({ ...hostPort, podAddress }))
  if (ports.length === 0) throw refused(key, hostPort, 'the pod has no address of that family')
  return ports
}

function catchesSame(a: PublishedPort, b: PublishedPort): boolean {
  if (a.podAddress.family !== b.podAddress.family) return false
  return a.hostAddress === undefined || b.hostAddress === undefined || a.hostAddress.equals(b.hostAddress)
}

/** Runtimes may name one port twice. */
function isSame(a: PublishedPort, b: PublishedPort): boolean {
  return (
    keyOf(a) === keyOf(b) &&
    a.podPort === b.podPort &&
    catchesSame(a, b) &&
    String(a.hostAddress) === String(b.hostAddress)
  )
}

function refused(
  { containerId, ifname }: AttachmentKey,
  { protocol, hostPort, hostAddress }: HostPort,
  reason: string
): TrilaneError {
  const port = `${hostAddress === undefined ? '' : `${hostAddress} `}${hostPort}/${protocol}`
  return TrilaneError.of('TRI_HOST_PORT_REFUSED', { port, containerId, ifname, reason })
}

function holderOf(owner: HostPortOwner, other: HostPortOwner): string {
  if (textOf(owner) === textOf(other)) return 'it is wanted twice, for different ports of the pod'
  const { network, key } = other
  return `${key.containerId}/${key.ifname} of network ${network} has it`
}

function keyOf({ protocol, hostPort }: HostPort): string {
  return `${protocol} ${hostPort}`
}

function textOf({ network, key }: HostPortOwner): string {
  return `${network}\0${key.containerId}\0${key.ifname}`
}
