import { type FirewallFixture, failuresOf, firewallSuite, testNames } from '@trilane/compliance'
import { type Firewall, type FirewallSurroundings, type ForwardChain, TrilaneError } from '@trilane/contracts'
import { MemoryFirewall, MemoryRules } from '@trilane/kernel-memory'
import { describe, expect, it } from 'vitest'

type Mutation = (firewall: MemoryFirewall) => Partial<Firewall>

interface Mutant {
  readonly name: string
  /** Promises that fail for it; `*` stands for anything. */
  readonly breaks: readonly string[]
  readonly mutation: Mutation
}

/** Reads something else than there is. */
const reading =
  (falsify: (read: FirewallSurroundings) => FirewallSurroundings): Mutation =>
  (firewall) => ({ surroundings: async () => falsify(await firewall.surroundings()) })

const readingChains = (falsify: (chain: ForwardChain) => ForwardChain[]): Mutation =>
  reading((read) => ({ ...read, forwardChains: read.forwardChains.flatMap(falsify) }))

/** Compares less than there is. */
const comparing =
  (text: (table: MemoryRules['table']) => unknown): Mutation =>
  (firewall) => ({
    holds: async (table) => JSON.stringify(text(firewall.rules.table)) === JSON.stringify(text(table))
  })

const NOT_OURS = {
  chain: 'forward',
  entry: 'forward',
  policy: 'accept',
  accepts: [],
  letsThrough: []
} as const

const MUTANTS: readonly Mutant[] = [
  {
    name: 'takes any table for ours',
    breaks: ['holds > there is no table at first', 'holds > a flush is noticed', 'holds > * is noticed'],
    mutation: () => ({ holds: async () => true })
  },
  {
    name: 'never knows its table',
    breaks: [
      'holds > what was written is held*',
      'replace > makes it *',
      'replace > of a table that is refused *'
    ],
    mutation: () => ({ holds: async () => false })
  },
  {
    name: 'compares rules as a set',
    breaks: ['holds > rules in another order is noticed', 'holds > a rule twice is noticed'],
    mutation: comparing((table) => table?.chains.map(({ rules }) => [...new Set(rules)].sort()))
  },
  {
    name: 'empties the table before it writes',
    breaks: ['replace > of a table that is refused changes nothing'],
    mutation: (firewall) => ({
      async replace(table) {
        await firewall.remove()
        await firewall.replace(table)
      }
    })
  },
  {
    name: 'flushes everything to replace',
    breaks: ['replace > leaves what others have'],
    mutation: (firewall) => ({
      async replace(table) {
        await firewall.rules.flush()
        await firewall.replace(table)
      }
    })
  },
  {
    name: 'flushes everything to remove',
    breaks: ['remove > removes it and nothing else'],
    mutation: (firewall) => ({ remove: () => firewall.rules.flush() })
  },
  {
    name: 'refuses to remove what is not there',
    breaks: ['remove > of what is not there succeeds'],
    mutation: (firewall) => ({
      async remove() {
        const { table } = firewall.rules
        if (table === undefined) throw TrilaneError.of('TRI_KERNEL_NOT_FOUND', { command: 'rm', what: 'it' })
        await firewall.remove()
      }
    })
  },
  {
    name: 'takes its own chain for a foreign one',
    breaks: ['surroundings > are empty where nobody else is*'],
    mutation: reading((read) => ({
      ...read,
      forwardChains: [...read.forwardChains, { tool: 'nft', family: 'inet', table: 'trilane', ...NOT_OURS }]
    }))
  },
  {
    name: 'sees no chains of others',
    breaks: ['surroundings > have * of policy *', 'setAccepts > in a chain that is gone *'],
    mutation: readingChains(() => [])
  },
  {
    name: 'sees no rules that refuse',
    breaks: ['surroundings > have the rule that rejects everything *'],
    mutation: readingChains(({ refusal: _refusal, ...chain }) => [chain])
  },
  {
    name: 'sees nothing of the old flannel',
    breaks: ['surroundings > have every chain and table of flannel'],
    mutation: reading((read) => ({ ...read, leftovers: read.leftovers.slice(1) }))
  },
  {
    name: 'puts accepts in the wrong order',
    breaks: ['setAccepts > puts them in order *'],
    mutation: (firewall) => ({
      setAccepts: (chain, accepts) => firewall.setAccepts(chain, accepts.toReversed())
    })
  },
  {
    name: 'never takes accepts out',
    breaks: ['setAccepts > takes them out again *'],
    mutation: (firewall) => ({
      setAccepts: (chain, accepts) =>
        firewall.setAccepts(chain, [...chain.accepts.flatMap((a) => a ?? []), ...accepts])
    })
  },
  {
    name: 'knows no DOCKER-USER',
    breaks: ['setAccepts > puts them into DOCKER-USER *'],
    mutation: readingChains((chain) => [{ ...chain, entry: chain.chain }])
  },
  {
    name: 'does not say that a chain is gone',
    breaks: ['setAccepts > in a chain that is gone gives TRI_KERNEL_NOT_FOUND'],
    mutation: (firewall) => ({
      setAccepts: (chain, accepts) => firewall.setAccepts(chain, accepts).catch(() => {})
    })
  },
  {
    name: 'removes chains of others with those of flannel',
    breaks: ['removeLeftovers > removes them and nothing else'],
    mutation: (firewall) => ({ removeLeftovers: () => firewall.rules.flush() })
  },
  {
    name: 'forgets no flow',
    breaks: [
      'forgetFlows > forgets those of a port, to whatever address*',
      'forgetFlows > forgets those of one address*',
      'forgetFlows > forgets those of both families*'
    ],
    mutation: () => ({ forgetFlows: async () => {} })
  },
  {
    name: 'forgets all flows',
    breaks: ['forgetFlows > *'],
    mutation: (firewall) => ({
      forgetFlows: async () => {
        firewall.rules.flows = []
      }
    })
  },
  {
    name: 'forgets every flow of the port',
    breaks: ['forgetFlows > forgets those of one address*'],
    mutation: (firewall) => ({
      forgetFlows: (flows) => firewall.forgetFlows(flows.map(({ family, port }) => ({ family, port })))
    })
  },
  {
    name: 'does not look where maps lead',
    breaks: ['holds > an element of a map*'],
    mutation: comparing((table) => ({ ...table, lookups: [] }))
  },
  {
    name: 'hears nothing',
    breaks: ['watch > tells of *'],
    mutation: () => ({ watch: () => ({ close() {} }) })
  },
  {
    name: 'goes on after close',
    breaks: ['watch > calls no more after close*', 'close > ends its watches*'],
    mutation: (firewall) => ({
      close() {},
      watch(listener) {
        firewall.watch(listener)
        return { close() {} }
      }
    })
  }
]

const NAMES = testNames(firewallSuite)

function fixture(mutation: Mutation): FirewallFixture {
  const foreign = new MemoryRules()
  return {
    firewall: mutated(new MemoryFirewall(foreign), mutation),
    other: mutated(new MemoryFirewall(foreign), mutation),
    foreign,
    eventWaitMs: 60
  }
}

function mutated(firewall: MemoryFirewall, mutation: Mutation): Firewall {
  return {
    holds: (table) => firewall.holds(table),
    replace: (table) => firewall.replace(table),
    remove: () => firewall.remove(),
    surroundings: () => firewall.surroundings(),
    setAccepts: (chain, accepts) => firewall.setAccepts(chain, accepts),
    removeLeftovers: (leftovers) => firewall.removeLeftovers(leftovers),
    forgetFlows: (flows) => firewall.forgetFlows(flows),
    watch: (listener) => firewall.watch(listener),
    close: () => firewall.close(),
    ...mutation(firewall)
  }
}

function named(pattern: string): string[] {
  const parts = pattern.split('*').map((part) => part.replace(/[.()/]/g, '\\$&'))
  const expression = new RegExp(`^${parts.join('.*')}$`)
  return NAMES.filter((name) => expression.test(name))
}

describe('the firewall suite', () => {
  it('passes for the firewall that the mutants are made of', async () => {
    expect(await failuresOf(firewallSuite, () => fixture(() => ({})))).toEqual([])
  })

  it.each(MUTANTS)('finds a firewall that $name', async ({ breaks, mutation }) => {
    const expected = breaks.flatMap(named)
    expect(breaks.filter((pattern) => named(pattern).length === 0)).toEqual([])
    const failed = await failuresOf(firewallSuite, () => fixture(mutation), { only: expected })
    expect(NAMES.filter((name) => expected.includes(name) && !failed.includes(name))).toEqual([])
  })

  it('has a mutant for every promise', () => {
    const broken = new Set(MUTANTS.flatMap(({ breaks }) => breaks.flatMap(named)))
    expect(NAMES.filter((name) => !broken.has(name))).toEqual([])
  })
})
