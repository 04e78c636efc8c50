import {
  type ChainPlace,
  FIREWALL_TABLE,
  type Firewall,
  type FirewallSurroundings,
  type FirewallTable,
  type FirewallWatch,
  type FlannelLeftover,
  type ForwardAccept,
  type ForwardChain,
  nftTextOf,
  TrilaneError,
  type UdpFlows
} from '@trilane/contracts'

/** What is in the packet filter of one namespace, whoever put it there; its methods are what other programs do. */
export class MemoryRules {
  table: FirewallTable | undefined
  forwardChains: readonly ForwardChain[] = []
  leftovers: readonly FlannelLeftover[] = []
  readonly listeners = new Set<() => void>()
  /** Tracked flows of UDP. */
  flows: readonly Required<UdpFlows>[] = []

  /** `nft flush ruleset`, which leaves the tables of the old iptables. */
  async flush(): Promise<void> {
    const isLegacy = ({ tool }: FlannelLeftover): boolean => tool === 'legacy'
    this.change({
      table: undefined,
      forwardChains: this.forwardChains.filter(isLegacy),
      leftovers: this.leftovers.filter(isLegacy)
    })
  }

  async rewrite(table: FirewallTable): Promise<void> {
    this.change({ table })
  }

  /** A base chain at the hook forward. `rejects`: its last rule is a reject; `docker`: the first goes to `DOCKER-USER`. */
  async addForwardChain(
    chain: ChainPlace &
      Pick<ForwardChain, 'policy'> & { readonly rejects?: boolean; readonly docker?: boolean }
  ): Promise<void> {
    const { rejects = false, docker = false, ...place } = chain
    const entry = docker ? 'DOCKER-USER' : chain.chain
    const refusal = rejects ? { refusal: 'reject' } : {}
    const added: ForwardChain = { ...place, entry, accepts: [], letsThrough: [], ...refusal }
    this.change({ forwardChains: [...this.forwardChains, added] })
  }

  async addLeftover(leftover: FlannelLeftover): Promise<void> {
    this.change({ leftovers: [...this.leftovers, leftover] })
  }

  async track(flow: Required<UdpFlows>): Promise<void> {
    this.flows = [...this.flows, flow]
  }

  async tracked(): Promise<readonly Required<UdpFlows>[]> {
    return this.flows
  }

  /** Anything else; whoever watches is told. */
  change(change: Partial<Pick<MemoryRules, 'table' | 'forwardChains' | 'leftovers'>>): void {
    Object.assign(this, change)
    for (const listener of this.listeners) setImmediate(() => this.listeners.has(listener) && listener())
  }
}

/** {@link Firewall} without Linux: one handle on {@link MemoryRules}. */
export class MemoryFirewall implements Firewall {
  readonly rules: MemoryRules
  /** While set, every method throws it. */
  broken: TrilaneError | undefined
  /** Every write through this handle, in order. */
  readonly writes: string[] = []
  readonly #watches = new Set<FirewallWatch>()

  constructor(rules: MemoryRules = new MemoryRules()) {
    this.rules = rules
  }

  async holds(table: FirewallTable | undefined): Promise<boolean> {
    this.#check()
    return textOf(this.rules.table) === textOf(table)
  }

  async replace(table: FirewallTable): Promise<void> {
    this.#check()
    refuseUnknownSets(table)
    this.#write('replace', { table })
  }

  async remove(): Promise<void> {
    this.#check()
    this.#write('remove', { table: undefined })
  }

  async surroundings(): Promise<FirewallSurroundings> {
    this.#check()
    const { forwardChains, leftovers } = this.rules
    return { forwardChains: forwardChains.map(asRead), leftovers, problems: [] }
  }

  async setAccepts(chain: ForwardChain, accepts: readonly ForwardAccept[]): Promise<void> {
    this.#check()
    const name = nameOf(chain)
    const there = this.rules.forwardChains.find((each) => nameOf(each) === name)
    if (there === undefined) {
      throw TrilaneError.of('TRI_KERNEL_NOT_FOUND', { command: `nft insert rule ${name}`, what: 'it' })
    }
    this.#write(`accepts in ${name}`, {
      forwardChains: this.rules.forwardChains.map((each) => (each === there ? { ...there, accepts } : each))
    })
  }

  async removeLeftovers(leftovers: readonly FlannelLeftover[]): Promise<void> {
    this.#check()
    const names = new Set(leftovers.map(nameOf))
    this.#write('remove leftovers', {
      leftovers: this.rules.leftovers.filter((leftover) => !names.has(nameOf(leftover)))
    })
  }

  async forgetFlows(flows: readonly UdpFlows[]): Promise<void> {
    this.#check()
    this.rules.flows = this.rules.flows.filter((flow) => !flows.some((wanted) => isAmong(flow, wanted)))
  }

  watch(listener: () => void): FirewallWatch {
    this.#check()
    const heard = (): void => listener()
    this.rules.listeners.add(heard)
    const watch = {
      close: () => {
        this.#watches.delete(watch)
        this.rules.listeners.delete(heard)
      }
    }
    this.#watches.add(watch)
    return watch
  }

  close(): void {
    for (const watch of this.#watches) watch.close()
  }

  #write(what: string, change: Parameters<MemoryRules['change']>[0]): void {
    this.writes.push(what)
    this.rules.change(change)
  }

  #check(): void {
    if (this.broken !== undefined) throw this.broken
  }
}

/** Accepts stand at the head: what refuses comes after them and is no matter. */
function asRead(chain: ForwardChain): ForwardChain {
  const { refusal: _refusal, ...rest } = chain
  return chain.accepts.length > 0 ? rest : chain
}

function textOf(table: FirewallTable | undefined): string {
  return table === undefined ? '' : nftTextOf(table)
}

function nameOf({ tool, family, table, chain }: FlannelLeftover): string {
  return `${tool} ${family} ${table} ${chain ?? ''}`
}

function isAmong(flow: Required<UdpFlows>, { family, port, address }: UdpFlows): boolean {
  return flow.family === family && flow.port === port && (address?.equals(flow.address) ?? true)
}

/** What nft refuses in a table that was computed wrongly. */
function refuseUnknownSets(table: FirewallTable): void {
  const { sets, lookups = [] } = table
  const names = new Set([...sets, ...lookups].map(({ name }) => name))
  const used = table.chains.flatMap(({ rules }) =>
    rules.flatMap((rule) => [...rule.matchAll(/@(\w+)/g)].map(([, name = '']) => name))
  )
  const unknown = used.find((name) => !names.has(name))
  if (unknown === undefined) return
  const command = `nft -f - # table inet ${FIREWALL_TABLE}`
  throw TrilaneError.of('TRI_KERNEL_REFUSED', { command, errno: 'ENOENT', text: ` (no set ${unknown})` })
}
