import type { Sysctl } from '@trilane/contracts'
import type { Family } from '@trilane/ip'

/** What the kernel says about devices that packets of pods come in by. */
export interface ForwardingFacts {
  /** Of the network. */
  readonly families: readonly Family[]
  /** Absent when its parameters are the operator's alone. */
  readonly uplink?: string | undefined
  /** Bridge and tunnels of the network. */
  readonly ownDevices: readonly string[]
  /** The uplink has addresses or routes out of router advertisements. */
  readonly livesByAdvertisements: boolean
  /** By key: what {@link forwardingKeys} asks for, as far as it exists. */
  readonly sysctls: ReadonlyMap<string, string>
}

/** A kernel parameter that is not as forwarding needs it. */
export interface ForwardingNeed {
  readonly sysctl: Sysctl
  /** For the log: what goes wrong without it. */
  readonly reason: string
}

/** What must be read for {@link forwardingNeeds}. */
export function forwardingKeys({ families, ...devices }: Omit<ForwardingFacts, 'sysctls'>): string[] {
  const uplink = devices.uplink === undefined ? [] : [devices.uplink]
  const keys: string[] = []
  if (families.includes('v4')) {
    keys.push('net/ipv4/ip_forward', 'net/ipv4/conf/all/rp_filter')
    for (const device of [...uplink, ...devices.ownDevices]) {
      keys.push(`net/ipv4/conf/${device}/rp_filter`, `net/ipv4/conf/${device}/forwarding`)
    }
  }
  if (families.includes('v6')) keys.push(...uplink.map((device) => `net/ipv6/conf/${device}/accept_ra`))
  return keys
}

/**
 * What forwarding needs besides the switches of the whole node, which the state of the bridge holds. A parameter that
 * is right already is not in the result: nothing is changed without need.
 *
 * `bridge-nf-call-iptables` is none of them: nothing here filters what a bridge hands from port to port.
 */
export function forwardingNeeds(facts: ForwardingFacts): ForwardingNeed[] {
  const { families, uplink, ownDevices, sysctls } = facts
  const needs: ForwardingNeed[] = []
  const need = (key: string, value: string, reason: string): void => {
    needs.push({ sysctl: { key, value }, reason })
  }
  const devices = uplink === undefined ? ownDevices : [uplink, ...ownDevices]
  if (families.includes('v4')) {
    for (const device of devices) {
      const filter = `net/ipv4/conf/${device}/rp_filter`
      if (rpFilterOf(sysctls, device) === 1) {
        need(filter, '2', 'a packet that comes by another lane than its answer goes would be dropped')
      }
      // Turning ip_forward on turns it on for every device; off again for one of them is somebody's own doing.
      const forwarding = `net/ipv4/conf/${device}/forwarding`
      if (sysctls.get('net/ipv4/ip_forward') === '1' && sysctls.get(forwarding) === '0') {
        need(forwarding, '1', 'packets that come in by this device would not be forwarded')
      }
    }
  }
  if (families.includes('v6') && uplink !== undefined && facts.livesByAdvertisements) {
    const key = `net/ipv6/conf/${uplink}/accept_ra`
    // 1 is "unless forwarding"; turning forwarding on then removes the default route at once.
    if (sysctls.get(key) === '1') {
      need(key, '2', 'a node that forwards would ignore router advertisements and lose its default route')
    }
  }
  return needs
}

/** The greater of the node's and the device's, as Linux takes it: 0 none, 1 strict, 2 loose. `undefined`: unknown. */
function rpFilterOf(sysctls: ReadonlyMap<string, string>, device: string): number | undefined {
  const own = sysctls.get(`net/ipv4/conf/${device}/rp_filter`)
  if (own === undefined) return undefined
  return Math.max(Number(own), Number(sysctls.get('net/ipv4/conf/all/rp_filter') ?? 0))
}
