import { readFileSync } from 'node:fs'
import { SUPPORTED_VERSIONS } from '@trilane/cni'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { configOf, LAUNCHER } from './plugin.ts'
import { addressesOf, CniWorld } from './world.ts'

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const PAGE = read('docs/cni.md')
const blocks = (language: string): string[] =>
  [...PAGE.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(([, text = '']) => text)

interface ShownPlugin {
  readonly ipam: { readonly type: string }
}

describe('docs/cni.md', () => {
  let world: CniWorld
  beforeAll(async () => {
    world = await CniWorld.create({ config: 'host-gw' })
  })
  afterAll(() => world?.dispose())

  it('shows the config that is installed, and the one with a chain', () => {
    const configs = ['10-trilane', '10-trilane-portmap'].map((name) => read(`configs/cni/${name}.conflist`))
    for (const config of configs) expect(blocks('json')).toContain(config)
  })

  const shown = (ipam: string): { readonly name: string; readonly plugins: readonly ShownPlugin[] } => {
    const found = blocks('json').find((text) => text.includes(`"ipam": { "type": "${ipam}"`))
    return JSON.parse(found ?? '')
  }

  it('shows a config of another plugin that has its addresses from here', () => {
    expect(shown('trilane').plugins).toMatchObject([{ ipam: { type: 'trilane' } }])
  })

  it('shows one with addresses of another plugin, and ranges, and they work', async () => {
    const before = await world.leftovers()
    const { name, plugins } = shown('host-local')
    const [plugin] = plugins
    const ipam = { ...plugin?.ipam, dataDir: world.node.file('theirs') }
    const { target } = await world.container()
    const config = { ...plugin, ipam, cniVersion: '1.0.0', name }
    expect(addressesOf(await world.plugin.call('ADD', target, config, '/usr/lib/cni'))).toEqual(['10.90.0.2'])
    expect((await world.plugin.call('DEL', target, config, '/usr/lib/cni')).status).toBe(0)

    const [lease = ''] = (await world.node.network()).lease?.subnets ?? []
    const text = blocks('json').find((block) => block.includes('ipRanges')) ?? ''
    const asked = JSON.parse(text.replaceAll('10.5.71.', lease.replace(/\d+\/\d+$/, ''))) as object
    const [address] = addressesOf(await world.plugin.add(target, configOf('1.0.0', asked)))
    expect(address).toMatch(/\.65$/)
    expect((await world.plugin.del(target, configOf('1.0.0'))).status).toBe(0)
    expect(await world.leftovers()).toBe(before)
  })

  it('names every version', () => {
    expect(PAGE).toContain(`| ${SUPPORTED_VERSIONS.join(', ')} `)
  })

  it('says what to type by hand, and that works', async () => {
    const [script = ''] = blocks('sh')
    const name = `by-hand-${process.pid}`
    const typed = script.replaceAll('/opt/cni/bin/trilane', LAUNCHER).replaceAll(/\bblue\b/g, name)
    expect(typed.split(name)).toHaveLength(script.split('blue').length)
    const before = await world.leftovers()
    try {
      const { stdout } = await world.node.place.run(['sh', '-euc', typed], { env: world.plugin.paths })
      expect(stdout).toMatch(/"sandbox": "\/run\/netns\/by-hand-\d+"/)
      expect(stdout).toMatch(/inet 10\.5\.\d+\.\d+\/24 .*\beth0/)
    } finally {
      await world.node.place.run(['ip', 'netns', 'del', name], { anyStatus: true })
    }
    expect(await world.leftovers()).toBe(before)
  })
})
