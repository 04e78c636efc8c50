import type { Place } from '@trilane/testbed'

/** What only some plugins can do. A target says of each that it lacks why. */
export type Capability =
  | 'GC'
  | 'STATUS'
  | 'agent'
  | 'bandwidth'
  | 'bridge'
  | 'bridge keys'
  | 'delegation'
  | 'forward rules'
  | 'gateway keys'
  | 'ipam keys'
  | 'ipvlan'
  | 'layer 2'
  | 'macvlan'
  | 'own namespace'
  | 'parent by default route'
  | 'parent in the pod'
  | 'port mappings'
  | 'random names'
  | 'requested MAC'
  | 'requested ranges'
  | 'route MTU'
  | 'routes of macvlan'
  | 'vlan devices'

/** How a pod is plugged in. */
export type Mode = 'bridge' | 'macvlan' | 'ipvlan'

/**
 * Where addresses come from: `v4` a /24, `dual` the same and an IPv6 /64, `small` a /29, `small v6` a /126.
 * Gateways are the first addresses.
 */
export type Pool = 'v4' | 'dual' | 'small' | 'small v6'

export interface Setup {
  readonly mode: Mode
  readonly pool: Pool
}

/** One network of this machine, made for a subject: nobody else is on it. */
export interface Ground {
  /** The node. Its uplink is `eth0`; default routes lead by it to `outside`. */
  readonly host: Place
  /** A machine beside the node that knows nothing of pods. */
  readonly outside: Place
  /** For whatever the subject keeps; it exists. */
  readonly directory: string
}

/** A kind of plugin, and how to set one up. */
export interface Target {
  readonly name: string
  /** Of the specification, ascending. */
  readonly versions: readonly string[]
  readonly lacks: Readonly<Partial<Record<Capability, string>>>
  /** @returns when pods can be added */
  open(ground: Ground, setup: Setup): Promise<Subject>
}

/** One plugin of a list. */
export interface Link {
  /** Path of the executable. */
  readonly program: string
  /** Without `name` and `cniVersion`. */
  readonly config: Readonly<Record<string, unknown>>
}

/** One behind the main plugin. */
export interface ChainedLink extends Link {
  /** What it takes from `runtimeConfig`; it is run only when some of it is asked for. */
  readonly capabilities: readonly string[]
}

/** How pods stand on a device of the node, as macvlan's and ipvlan's config spells it; what is absent is the default. */
export interface ChildKeys {
  readonly master?: string
  readonly mode?: string
  readonly mtu?: number
}

/** A plugin that is ready on a ground. */
export interface Subject {
  /** The plugin that is judged; of `runtimeConfig` it gets what none behind it takes. */
  readonly main: Link
  /** In order. */
  readonly chained: readonly ChainedLink[]
  /** Variables that it needs besides `CNI_…`. */
  readonly env: Readonly<Record<string, string>>
  /** `CNI_PATH`: where delegates are looked for. */
  readonly path: readonly string[]

  /** What scenarios lay their keys of an IPAM plugin over: a whole `ipam` of host-local. */
  readonly ipam: Readonly<Record<string, unknown>>
  /** Keys of the main plugin's config with values of the wrong type. */
  readonly wrongKeys: readonly Readonly<Record<string, unknown>>[]
  /** Name of the bridge that pods are ports of. */
  readonly bridge: string
  /** Where a file stands for each address, in host-local's format. */
  readonly reservations: string
  /** Where anything is kept about pods, `reservations` among or below them. */
  readonly directories: readonly string[]
  /** What goes on running between two calls. */
  readonly agent?: Agent
  /**
   * For a plugin that is told elsewhere than in its config how pods stand on a device: tells it there. A plugin that
   * refuses it does so in this moment, in its agent's log, and in each ADD from then on.
   */
  stand?(keys: ChildKeys): Promise<void>
  dispose(): Promise<void>
}

export interface Agent {
  /** What it wrote since its last start. */
  log(): string
  /** At once, as a crash or a power cut. */
  kill(): Promise<void>
  /**
   * @param within words before its own that run it in a surrounding of the test's
   * @param untilReady `false` where it cannot become ready
   */
  start(within?: readonly string[], untilReady?: boolean): Promise<void>
}
