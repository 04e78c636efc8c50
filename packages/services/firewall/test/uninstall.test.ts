import type { ForwardAccept } from '@trilane/contracts'
import { Prefix } from '@trilane/ip'
import { MemoryFirewall, MemoryRules } from '@trilane/kernel-memory'
import { expect, it } from 'vitest'
import { firewallRemoval } from '../src/index.ts'

const ACCEPT: ForwardAccept = { direction: 'from', prefix: Prefix.parse('10.5.0.0/16') }
const CHAIN = { tool: 'nft', family: 'ip', table: 'filter', chain: 'FORWARD', policy: 'drop' } as const

it('removes our table and our accepts, and says so before', async () => {
  const rules = new MemoryRules()
  const firewall = new MemoryFirewall(rules)
  await rules.rewrite({ sets: [], chains: [] })
  await rules.addForwardChain(CHAIN)
  await rules.addForwardChain({ ...CHAIN, tool: 'legacy', family: 'ip6' })
  for (const chain of rules.forwardChains) await firewall.setAccepts(chain, [ACCEPT])
  const { commands, run } = await firewallRemoval(firewall)
  expect(commands).toEqual([
    'nft delete rule ip filter FORWARD # 1 rules with the comment trilane',
    'ip6tables-legacy -t filter -D FORWARD # 1 rules with the comment trilane',
    'nft delete table inet trilane'
  ])
  expect(rules.table).toBeDefined()
  await run()
  expect(rules.table).toBeUndefined()
  expect(rules.forwardChains.map(({ accepts }) => accepts)).toEqual([[], []])
})

it('has nothing to do where nothing of ours is', async () => {
  const rules = new MemoryRules()
  const firewall = new MemoryFirewall(rules)
  await rules.addForwardChain(CHAIN)
  const { commands, run } = await firewallRemoval(firewall)
  await run()
  expect(commands).toEqual([])
  expect(firewall.writes).toEqual([])
})
