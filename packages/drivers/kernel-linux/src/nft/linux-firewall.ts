import {
  FIREWALL_TABLE,
  type Firewall,
  type FirewallSurroundings,
  type FirewallTable,
  type FirewallWatch,
  type FlannelLeftover,
  type ForwardAccept,
  type ForwardChain,
  nftReplacementOf,
  nftTextOf,
  TrilaneError,
  type UdpFlows
} from '@trilane/contracts'
import { EventSource } from '../event-source.ts'
import { NetworkNamespace, warmThreadPool } from '../namespaces.ts'
import type { NetlinkSocket } from '../netlink-socket.ts'
import { Place } from '../place.ts'
import { messagesOf } from '../reader.ts'
import { forgetUdpFlows } from './conntrack.ts'
import {
  acceptCommands,
  flannelLeftovers,
  foreignForwardChains,
  type ListRules,
  readForwardChain,
  removalCommands
} from './foreign-chains.ts'
import { LegacyIptables } from './legacy-iptables.ts'
import { NftContext, OUTPUT } from './libnftables.ts'
import { endsTransaction, generationOf, listChains, openNfnetlink, openNftEvents } from './nfnetlink.ts'
import { rulesIn } from './rules.ts'
import { comparable } from './table-text.ts'

/** How libnftables says that something is not there; it may go on with a guess of what was meant. */
const NOT_FOUND = 'No such file or directory'
const NOT_PERMITTED = 'Operation not permitted'

export interface LinuxFirewallOptions {
  /** Path of a namespace. Default: this process's own. */
  readonly namespace?: string
}

/** {@link Firewall} on libnftables, nfnetlink and, for the tables of the old iptables, its programs. */
export class LinuxFirewall implements Firewall {
  readonly #place: Place
  readonly #legacy: LegacyIptables
  readonly #watches = new Set<FirewallWatch>()
  #context: NftContext | undefined
  #socket: NetlinkSocket | undefined
  /** How nft prints what was written here last, where that is not as `nftTextOf` has it. */
  #printed: { readonly wanted: string; readonly listing: string } | undefined

  private constructor(place: Place) {
    this.#place = place
    this.#legacy = new LegacyIptables(place)
  }

  /** Opens nothing of nft's: where there is none the methods say so. @throws TrilaneError `TRI_NAMESPACE_INVALID` */
  static async open({ namespace }: LinuxFirewallOptions = {}): Promise<LinuxFirewall> {
    await warmThreadPool()
    return new LinuxFirewall(
      new Place(namespace === undefined ? undefined : NetworkNamespace.open(namespace))
    )
  }

  async holds(table: FirewallTable | undefined): Promise<boolean> {
    const listing = await this.#listing()
    if (table === undefined || listing === undefined) return table === undefined && listing === undefined
    const wanted = nftTextOf(table)
    if (listing === comparable(wanted)) return true
    return this.#printed?.wanted === wanted && this.#printed.listing === listing
  }

  async replace(table: FirewallTable): Promise<void> {
    const nft = this.#nft()
    const before = generationOf(this.#nfnetlink())
    const { problem } = await nft.run(nftReplacementOf(table))
    if (problem?.startsWith(NOT_PERMITTED)) throw refused('nft -f -', problem)
    if (problem !== undefined) {
      const details = nftReplacementOf(table)
      throw TrilaneError.of(
        'TRI_KERNEL_REFUSED',
        { command: 'nft -f -', errno: problem, text: '' },
        { details }
      )
    }
    const listing = await this.#listing()
    const wanted = nftTextOf(table)
    this.#printed = undefined
    if (listing === undefined || listing === comparable(wanted)) return
    // Another version of nft may print it otherwise. What was read is ours if nobody has written in between.
    if (generationOf(this.#nfnetlink()) === before + 1) this.#printed = { wanted, listing }
  }

  async remove(): Promise<void> {
    const command = `delete table inet ${FIREWALL_TABLE}`
    const { problem } = await this.#nft().run(command)
    if (problem !== undefined && !problem.startsWith(NOT_FOUND)) throw refused(`nft ${command}`, problem)
  }

  async surroundings(): Promise<FirewallSurroundings> {
    const chains = await listChains(this.#nfnetlink())
    const forwardChains: ForwardChain[] = []
    const problems: TrilaneError[] = []
    for (const chain of foreignForwardChains(chains)) {
      try {
        forwardChains.push(await readForwardChain(chain, chains, this.#listRules))
      } catch (error) {
        problems.push(TrilaneError.from(error))
      }
    }
    const leftovers = flannelLeftovers(chains)
    try {
      forwardChains.push(...this.#legacy.forwardChains())
      leftovers.push(...this.#legacy.leftovers())
    } catch (error) {
      problems.push(TrilaneError.from(error))
    }
    return { forwardChains, leftovers, problems }
  }

  async setAccepts(chain: ForwardChain, accepts: readonly ForwardAccept[]): Promise<void> {
    if (chain.tool === 'legacy') return this.#legacy.setAccepts(chain, accepts)
    const { family, table, entry } = chain
    const rules = await this.#listRules({ family, table, chain: chain.chain })
    if (entry !== chain.chain) rules.push(...(await this.#listRules({ family, table, chain: entry })))
    const commands = acceptCommands(chain, accepts, rules)
    if (commands.length === 0) return
    try {
      await this.#transact(commands, `nft insert rule ${family} ${table} ${entry}`)
    } catch (error) {
      // Root may do anything but change a table with the flag `owner`.
      if (!TrilaneError.is(error, 'TRI_KERNEL_PERMISSION')) throw error
      const values = {
        chain: `nft chain ${family} ${table} ${chain.chain}`,
        networks: [...new Set(accepts.map(({ prefix }) => String(prefix)))].join(', '),
        reason: 'its policy is drop, and only the program that owns the table may change it',
        fix: 'let these networks through in the settings of that program'
      }
      throw TrilaneError.of('TRI_FORWARD_REFUSED', values, { cause: error })
    }
  }

  async removeLeftovers(leftovers: readonly FlannelLeftover[]): Promise<void> {
    for (const leftover of leftovers) {
      if (leftover.tool === 'legacy') {
        await this.#legacy.removeLeftover(leftover)
        continue
      }
      const { family, table, chain } = leftover
      const rules = chain === undefined ? [] : await this.#listRules({ family, table })
      const command = chain === undefined ? `table ${family} ${table}` : `chain ${family} ${table} ${chain}`
      await this.#transact(removalCommands(leftover, rules), `nft delete ${command}`)
    }
  }

  async forgetFlows(flows: readonly UdpFlows[]): Promise<void> {
    if (flows.length > 0) await forgetUdpFlows(this.#nfnetlink(), flows)
  }

  watch(listener: () => void): FirewallWatch {
    const events = openNftEvents(this.#place)
    const source = new EventSource(events, (datagram) => {
      if (datagram === 'overrun' || [...messagesOf(datagram)].some(endsTransaction)) listener()
    })
    const watch = {
      close: () => {
        if (!this.#watches.delete(watch)) return
        source.close()
        events.close()
      }
    }
    this.#watches.add(watch)
    return watch
  }

  close(): void {
    for (const watch of this.#watches) watch.close()
    this.#context?.close()
    this.#socket?.close()
    this.#place.close()
  }

  /** Our table in the form that is compared; `undefined` when there is none. */
  async #listing(): Promise<string | undefined> {
    const command = `list table inet ${FIREWALL_TABLE}`
    const { output, problem } = await this.#nft().run(command, OUTPUT.STATELESS)
    if (problem === undefined) return comparable(output)
    if (problem.startsWith(NOT_FOUND)) return undefined
    throw refused(`nft ${command}`, problem)
  }

  // In JSON, as a name of somebody else's may be no word of nft's grammar.
  readonly #listRules: ListRules = async ({ family, table, chain }) => {
    const what =
      chain === undefined ? { table: { family, name: table } } : { chain: { family, table, name: chain } }
    const command = JSON.stringify({ nftables: [{ list: what }] })
    const { output, problem } = await this.#nft().run(command, OUTPUT.JSON | OUTPUT.HANDLE)
    if (problem === undefined) return rulesIn(output)
    if (problem.startsWith(NOT_FOUND)) return []
    throw refused(`nft -j list ${family} ${table}`, problem, command)
  }

  async #transact(commands: readonly object[], words: string): Promise<void> {
    const text = JSON.stringify({ nftables: commands })
    const { problem } = await this.#nft().run(text, OUTPUT.JSON)
    if (problem !== undefined) throw refused(words, problem, text)
  }

  #nft(): NftContext {
    if (this.#context === undefined) {
      // libnftables ends the process where nfnetlink does not answer.
      generationOf(this.#nfnetlink())
      this.#context = this.#place.inside(() => NftContext.open())
    }
    return this.#context
  }

  #nfnetlink(): NetlinkSocket {
    if (this.#socket === undefined || this.#socket.broken) {
      this.#socket?.close()
      this.#socket = openNfnetlink(this.#place)
    }
    return this.#socket
  }
}

function refused(command: string, problem: string, details?: string): TrilaneError {
  const more = details === undefined ? {} : { details }
  if (problem.startsWith(NOT_FOUND))
    return TrilaneError.of('TRI_KERNEL_NOT_FOUND', { command, what: 'it' }, more)
  if (problem.startsWith(NOT_PERMITTED)) return TrilaneError.of('TRI_KERNEL_PERMISSION', { command }, more)
  return TrilaneError.of('TRI_KERNEL_REFUSED', { command, errno: problem, text: '' }, more)
}
