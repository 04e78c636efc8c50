import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Site, WISH } from './site.ts'

const TRILANE = new URL('../../trilane', import.meta.url).pathname

let site: Site
beforeAll(async () => {
  site = await Site.create('fw-uninstall')
})
afterAll(() => site?.dispose())

/** Everything that filters on the node, without counters and handles. */
async function everything(): Promise<string> {
  const listings = [
    ['nft', '-s', 'list', 'ruleset'],
    ['iptables-legacy', '-S'],
    ['ip6tables-legacy', '-S']
  ].map((argv) => site.run(...argv))
  return (await Promise.all(listings)).join('\n')
}

it('trilane uninstall leaves the packet filter as it was without us', async () => {
  await site.nft(
    'table inet site { chain through { type filter hook forward priority 0; policy drop; counter; }; }'
  )
  await site.run('iptables-nft', '-P', 'FORWARD', 'DROP')
  await site.run('ip6tables-legacy', '-P', 'FORWARD', 'DROP')
  const without = await everything()
  await site.loop.wish(WISH)
  site.loop.stop()
  expect((await everything()).match(/trilane/g)?.length).toBeGreaterThan(8)

  const directory = join(site.node.directory, 'files')
  const flags = ['run', 'state', 'store', 'cni-data'].map(
    (name) => `--${name}-directory=${join(directory, name)}`
  )
  const run = (...more: string[]) =>
    site.node.run(
      [TRILANE, 'uninstall', `--subnet-file=${join(directory, 'subnet.env')}`, ...flags, ...more],
      {
        anyStatus: true
      }
    )
  const planned = await run('--dry-run')
  expect(planned).toMatchObject({ status: 0, stderr: '' })
  expect(planned.stdout).toContain('nft delete table inet trilane\n')
  expect(planned.stdout).toContain('nft delete rule inet site through # 4 rules with the comment trilane\n')
  expect(planned.stdout).toContain(
    'ip6tables-legacy -t filter -D FORWARD # 2 rules with the comment trilane\n'
  )
  expect((await everything()).includes('trilane')).toBe(true)

  expect(await run()).toMatchObject({ status: 0, stderr: '', stdout: planned.stdout })
  expect(await everything()).toBe(without)
  expect((await run()).stdout).not.toMatch(/nft|iptables/)
})
