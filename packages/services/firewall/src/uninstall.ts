import {
  FIREWALL_COMMENT,
  FIREWALL_TABLE,
  type Firewall,
  type FirewallWish,
  type ForwardChain
} from '@trilane/contracts'
import { forwardAccepts } from './forward-accepts.ts'

const NOTHING: FirewallWish = { networks: [], keepSourceTo: [], fullyRandom: false }

/** What removes all of ours from a packet filter. */
export interface FirewallRemoval {
  /** What it would be by hand; empty when nothing of ours is there. */
  readonly commands: readonly string[]
  /** Does it: accepts in chains of others first. @throws TrilaneError as {@link Firewall} */
  run(): Promise<void>
}

/** Looks for our table and for our accepts in chains of others; writes nothing. */
export async function firewallRemoval(firewall: Firewall): Promise<FirewallRemoval> {
  const isGone = await firewall.holds(undefined)
  const { forwardChains } = await firewall.surroundings()
  const { changes } = forwardAccepts(NOTHING, forwardChains)
  return {
    commands: [
      ...changes.map(({ chain }) => commandFor(chain)),
      ...(isGone ? [] : [`nft delete table inet ${FIREWALL_TABLE}`])
    ],
    run: async () => {
      for (const { chain, accepts } of changes) await firewall.setAccepts(chain, accepts)
      if (!isGone) await firewall.remove()
    }
  }
}

function commandFor({ tool, family, table, entry, accepts }: ForwardChain): string {
  const which = `${accepts.length} rules with the comment ${FIREWALL_COMMENT}`
  if (tool === 'nft') return `nft delete rule ${family} ${table} ${entry} # ${which}`
  return `${family === 'ip6' ? 'ip6tables-legacy' : 'iptables-legacy'} -t ${table} -D ${entry} # ${which}`
}
