import { ManualClock } from '@trilane/compliance'
import {
  type FirewallWish,
  type ForwardChain,
  type LogFields,
  type Logger,
  nftTextOf,
  SILENT_LOGGER,
  TrilaneError
} from '@trilane/contracts'
import { Prefix } from '@trilane/ip'
import { MemoryFirewall, MemoryRules } from '@trilane/kernel-memory'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FirewallLoop, type FirewallStatus, firewallTable } from '../src/index.ts'

const RESYNC_MS = 5_000

const WISH: FirewallWish = {
  networks: [
    {
      name: 'default',
      network: { v4: Prefix.parse('10.5.0.0/16') },
      subnet: { v4: Prefix.parse('10.5.66.0/24') },
      masquerade: true,
      forwardAccept: true
    }
  ],
  keepSourceTo: [],
  fullyRandom: true
}
const OFF: FirewallWish = { ...WISH, networks: [] }
const OTHER: FirewallWish = { ...WISH, fullyRandom: false }

const DROPPING = {
  tool: 'nft',
  family: 'ip',
  table: 'filter',
  chain: 'FORWARD',
  policy: 'drop'
} as const

const UNAVAILABLE = TrilaneError.of('TRI_FIREWALL_UNAVAILABLE', { problem: 'no library' })

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

let clock: ManualClock
let rules: MemoryRules
let firewall: MemoryFirewall
let loop: FirewallLoop
let said: string[]
let checks: FirewallStatus[]

beforeEach(() => {
  clock = new ManualClock()
  rules = new MemoryRules()
  firewall = new MemoryFirewall(rules)
  said = []
  checks = []
  const note = (level: string) => (message: string, _fields?: LogFields) =>
    void said.push(`${level} ${message}`)
  const logger: Logger = {
    ...SILENT_LOGGER,
    info: note('info'),
    warn: note('warn'),
    error: note('error')
  }
  loop = new FirewallLoop({
    firewall,
    clock,
    logger,
    resyncMs: RESYNC_MS,
    onCheck: (status) => checks.push(status)
  })
})

afterEach(() => loop.stop())

/** Lets time pass in steps, and what is due happen. */
async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 10) {
    await turns()
    clock.advance(10)
  }
  await turns()
}

async function wished(wish: FirewallWish): Promise<FirewallStatus> {
  const status = loop.wish(wish)
  await pass(50)
  return status
}

function standingTable(): string {
  return rules.table === undefined ? 'none' : nftTextOf(rules.table)
}

function textFor(wish: FirewallWish): string {
  const table = firewallTable(wish)
  return table === undefined ? 'none' : nftTextOf(table)
}

function acceptsOf(chain: ForwardChain | undefined): string[] {
  return (chain?.accepts ?? []).map((accept) => `${accept?.direction} ${accept?.prefix}`)
}

describe('the table', () => {
  it('follows a wish at once, also in the pause after somebody else’s transaction', async () => {
    await wished(WISH)
    void loop.checkSoon(RESYNC_MS / 2)
    const status = loop.wish(OTHER)
    await turns()
    expect(standingTable()).toBe(textFor(OTHER))
    expect((await status).standing).toBe(true)
  })

  it('is not touched before the first wish', async () => {
    rules.table = firewallTable(OTHER)
    loop.start()
    await pass(2 * RESYNC_MS)
    expect(firewall.writes).toEqual([])
  })

  it('is written once, and an equal one costs nothing', async () => {
    loop.start()
    expect(await wished(WISH)).toMatchObject({ standing: true, writes: 1, repairs: 0, warnings: [] })
    expect(standingTable()).toBe(textFor(WISH))
    await pass(3 * RESYNC_MS)
    expect(firewall.writes).toEqual(['replace'])
  })

  it('of a former life that is as wished stays', async () => {
    rules.table = firewallTable(WISH)
    expect(await wished(WISH)).toMatchObject({ standing: true, writes: 0 })
  })

  it('follows the wish, which is no repair', async () => {
    await wished(WISH)
    expect(await wished(OTHER)).toMatchObject({ standing: true, writes: 2, repairs: 0 })
    expect(standingTable()).toBe(textFor(OTHER))
    expect(await wished(OFF)).toMatchObject({ standing: true, writes: 3, repairs: 0 })
    expect(standingTable()).toBe('none')
  })

  it('is back soon after a flush, without the timer', async () => {
    loop.start()
    await wished(WISH)
    await rules.flush()
    expect(standingTable()).toBe('none')
    await pass(50)
    expect(standingTable()).toBe(textFor(WISH))
    expect(loop.status).toMatchObject({ writes: 2, repairs: 1 })
    expect(said.filter((line) => line.startsWith('warn'))).toEqual([
      'warn firewall table was changed by somebody and is restored'
    ])
  })

  it('is back at the next resync where nobody tells of changes', async () => {
    loop.start()
    await wished(WISH)
    await pass(100)
    rules.listeners.clear()
    await rules.flush()
    await pass(RESYNC_MS - 200)
    expect(standingTable()).toBe('none')
    await pass(200)
    expect(standingTable()).toBe(textFor(WISH))
  })

  it('stays when the loop is stopped, and is left alone then', async () => {
    loop.start()
    await wished(WISH)
    loop.stop()
    expect(standingTable()).toBe(textFor(WISH))
    await rules.flush()
    await pass(2 * RESYNC_MS)
    expect(standingTable()).toBe('none')
  })
})

describe('what cannot be done', () => {
  it('is said once, and tried again until it can', async () => {
    firewall.broken = UNAVAILABLE
    loop.start()
    expect(await wished(WISH)).toMatchObject({ standing: false, problem: UNAVAILABLE, warnings: [] })
    await pass(2_000)
    expect(checks.length).toBeGreaterThan(2)
    expect(said).toEqual(['error firewall cannot be kept'])
    firewall.broken = undefined
    await pass(RESYNC_MS)
    expect(loop.status).toMatchObject({ standing: true })
    expect(loop.status.problem).toBeUndefined()
    // It hears of changes from now on.
    await rules.flush()
    await pass(50)
    expect(standingTable()).toBe(textFor(WISH))
  })

  it('in a chain of others does not stop the table', async () => {
    const missing = TrilaneError.of('TRI_FIREWALL_TOOL_MISSING', {
      command: 'iptables-legacy-restore',
      what: 'accepts in FORWARD'
    })
    firewall.setAccepts = async () => {
      throw missing
    }
    await rules.addForwardChain({ ...DROPPING, tool: 'legacy' })
    expect(await wished(WISH)).toMatchObject({ standing: true, warnings: [missing] })
  })

  it('because a rule refuses everything is a warning', async () => {
    await rules.addForwardChain({ ...DROPPING, policy: 'accept', rejects: true })
    const { standing, warnings } = await wished(WISH)
    expect(standing).toBe(true)
    expect(warnings.map(({ code }) => code)).toEqual(['TRI_FORWARD_REFUSED'])
  })
})

describe('chains of others', () => {
  it('of policy drop get accepts, again when they are gone, and lose them with the wish', async () => {
    await rules.addForwardChain(DROPPING)
    loop.start()
    await wished(WISH)
    const accepts = ['from 10.5.0.0/16', 'to 10.5.0.0/16']
    expect(acceptsOf(rules.forwardChains[0])).toEqual(accepts)
    rules.change({ forwardChains: rules.forwardChains.map((chain) => ({ ...chain, accepts: [] })) })
    await pass(50)
    expect(acceptsOf(rules.forwardChains[0])).toEqual(accepts)
    expect(loop.status.repairs).toBe(1)
    await wished(OFF)
    expect(acceptsOf(rules.forwardChains[0])).toEqual([])
  })

  it('that appear later get them, too', async () => {
    loop.start()
    await wished(WISH)
    await rules.addForwardChain(DROPPING)
    await pass(50)
    expect(acceptsOf(rules.forwardChains[0])).toHaveLength(2)
  })

  it('of policy accept are not touched', async () => {
    await rules.addForwardChain({ ...DROPPING, policy: 'accept' })
    await wished(WISH)
    expect(firewall.writes).toEqual(['replace'])
  })
})

describe('what flannel left', () => {
  const leftover = { tool: 'nft', family: 'ip', table: 'nat', chain: 'FLANNEL-POSTRTG' } as const

  it('goes after our table stands', async () => {
    await rules.addLeftover(leftover)
    await wished(WISH)
    expect(firewall.writes).toEqual(['replace', 'remove leftovers'])
    expect(rules.leftovers).toEqual([])
  })

  it('stays as long as ours cannot be written', async () => {
    await rules.addLeftover(leftover)
    firewall.replace = async () => {
      throw UNAVAILABLE
    }
    await wished(WISH)
    expect(rules.leftovers).toEqual([leftover])
  })
})
