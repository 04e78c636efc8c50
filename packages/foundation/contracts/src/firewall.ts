import type { Family, IpAddress, PerFamily, Prefix } from '@trilane/ip'
import type { TrilaneError } from './errors.ts'
import type { PublishedPort } from './host-port.ts'

/** What this node's firewall shall do for its networks. */
export interface FirewallWish {
  readonly networks: readonly FirewallNetwork[]
  /** Destinations outside that see a pod's own address (`--non-masquerade-cidrs`). Multicast is always one. */
  readonly keepSourceTo: readonly Prefix[]
  /** Ports of masqueraded connections are chosen at random, as flannel does where it can. */
  readonly fullyRandom: boolean
  /** Ports of the node that lead to pods; no two of them catch the same packet. */
  readonly hostPorts?: readonly PublishedPort[]
  /**
   * Devices that hand on packets to 127.0.0.0/8 (their `route_localnet` is on), as answers to what this node asked by
   * its loopback address: none may come in by them that claims such a destination on the wire.
   */
  readonly guardedDevices?: readonly string[]
}

/** One network as the firewall sees it. */
export interface FirewallNetwork {
  readonly name: string
  /** The whole network: every node's pods. */
  readonly network: PerFamily<Prefix>
  /** This node's part of it. */
  readonly subnet: PerFamily<Prefix>
  /** `--ip-masq` */
  readonly masquerade: boolean
  /** `--iptables-forward-rules` */
  readonly forwardAccept: boolean
}

/** The name of our one table, in the family `inet`: the mark of all that stands in it. */
export const FIREWALL_TABLE = 'trilane'

/** The comment of an accept that we put into a chain of somebody else: its mark. */
export const FIREWALL_COMMENT = 'trilane'

/** All of the table `inet trilane`, as plain data; `nftTextOf` gives its text. */
export interface FirewallTable {
  readonly sets: readonly FirewallSet[]
  /** After the sets. */
  readonly lookups?: readonly FirewallLookup[]
  readonly chains: readonly FirewallChain[]
}

/** A named set of prefixes of one family, or of pairs of them (source . destination). Not empty. */
export interface FirewallSet {
  readonly name: string
  readonly family: Family
  readonly elements: readonly (readonly [Prefix] | readonly [Prefix, Prefix])[]
}

/** A named set or map of single values: a packet is looked up in one step, however many elements there are. Not empty. */
export interface FirewallLookup {
  readonly kind: 'set' | 'map'
  readonly name: string
  /** As nft prints it: `inet_proto . inet_service : ipv4_addr . inet_service` */
  readonly type: string
  /** `6 . 8080 : 10.5.66.2 . 80`; protocols by number, since names need `/etc/protocols`. */
  readonly elements: readonly string[]
}

export interface FirewallChain {
  readonly name: string
  /** As nft prints it: `type nat hook postrouting priority srcnat; policy accept;` */
  readonly hook: string
  /** In order, each as nft prints it. */
  readonly rules: readonly string[]
}

/** Where a chain lives. `legacy` are the tables of the old iptables, which nft does not show. */
export interface ChainPlace {
  readonly tool: 'nft' | 'legacy'
  readonly family: 'ip' | 'ip6' | 'inet'
  readonly table: string
  readonly chain: string
}

/**
 * A base chain of somebody else's at the hook `forward`. A packet passes only if every one of them lets it: an accept
 * in our table does not outdo a drop in another.
 */
export interface ForwardChain extends ChainPlace {
  readonly policy: 'accept' | 'drop'
  /** Where accepts go: this chain, or `DOCKER-USER` where this one jumps there. */
  readonly entry: string
  /** Ours, in {@link entry} or in the chain itself, in order. `undefined` for one with our comment that is none of them. */
  readonly accepts: readonly (ForwardAccept | undefined)[]
  /** A rule that drops or rejects whatever comes to it, as it is written; absent when there is none before our accepts. */
  readonly refusal?: string
  /** Sources that some rule of this table sends on or accepts: what an administrator has let through himself. */
  readonly letsThrough: readonly Prefix[]
}

/** `ip saddr PREFIX accept` or `ip daddr PREFIX accept`. */
export interface ForwardAccept {
  readonly direction: 'from' | 'to'
  readonly prefix: Prefix
}

/** A chain of flanneld's, or a whole table (`chain` absent), left on a node that has moved over. */
export type FlannelLeftover = Omit<ChainPlace, 'chain'> & { readonly chain?: string }

/** What others have, as far as it concerns us. */
export interface FirewallSurroundings {
  readonly forwardChains: readonly ForwardChain[]
  readonly leftovers: readonly FlannelLeftover[]
  /** What could not be read; the rest is complete. */
  readonly problems: readonly TrilaneError[]
}

/**
 * The packet filter of one network namespace. It decides nothing: tables and accepts are computed elsewhere.
 *
 * Every method throws `TRI_FIREWALL_UNAVAILABLE` where this machine has no way to it, at each call anew, so that what is
 * installed later is used; `TRI_KERNEL_PERMISSION` and `TRI_KERNEL_REFUSED` in the kernel's words. Each write is one
 * transaction: all of it or nothing.
 */
export interface Firewall {
  /**
   * Is our table exactly this, `undefined` standing for none? Rules, their order, sets and their elements are compared;
   * anything added by hand counts.
   */
  holds(table: FirewallTable | undefined): Promise<boolean>

  /** Makes our table this one, whatever was in it: `nft -f` of {@link nftReplacementOf}. No packet sees a state between. */
  replace(table: FirewallTable): Promise<void>

  /** `nft delete table inet trilane`. What is not there is no error. */
  remove(): Promise<void>

  /** Costs a listing of all chains and of the rules of those at the hook `forward`. */
  surroundings(): Promise<FirewallSurroundings>

  /**
   * Makes our accepts in a foreign chain exactly these, at its head: `nft insert rule … accept comment "trilane"`, in
   * the form that iptables has too, or `iptables-legacy -I`. Its other rules stay as they are.
   *
   * @param chain as {@link surroundings} gave it
   * @throws TrilaneError `TRI_KERNEL_NOT_FOUND` when it is gone; `TRI_FORWARD_REFUSED` when its owner alone may
   * change it; `TRI_FIREWALL_TOOL_MISSING` where the old iptables is needed
   */
  setAccepts(chain: ForwardChain, accepts: readonly ForwardAccept[]): Promise<void>

  /** Removes chains with what jumps to them, and tables. @throws TrilaneError as {@link setAccepts} */
  removeLeftovers(leftovers: readonly FlannelLeftover[]): Promise<void>

  /**
   * Lets the kernel forget where it sent what comes to these UDP ports: `conntrack -D -p udp --orig-port-dst PORT`. A
   * connection of TCP ends and begins; a sender of UDP stays with what the first packet met, though the rules are others
   * now. Costs a listing of the tracked UDP flows of the families named.
   */
  forgetFlows(flows: readonly UdpFlows[]): Promise<void>

  /**
   * Calls `listener` soon after each change of any table of nft, whoever made it, until it is closed. The old iptables
   * tells nobody: look at it from time to time.
   */
  watch(listener: () => void): FirewallWatch

  /** Frees what it holds. Rules stay as they are. Repeating it is free. */
  close(): void
}

/** What was sent to this port, of this node or of any address. */
export interface UdpFlows {
  readonly family: Family
  readonly port: number
  /** Only what was sent to this address. */
  readonly address?: IpAddress
}

export interface FirewallWatch {
  /** No listener call after this returns. Repeating it is free. */
  close(): void
}
