import { readFileSync } from 'node:fs'
import { SUPPORTED_VERSIONS } from '@trilane/cni'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LAUNCHER } from './plugin.ts'
import { CniWorld } from './world.ts'

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const PAGE = read('docs/cni.md')
const blocks = (language: string): string[] =>
  [...PAGE.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(([, text = '']) => text)

describe('docs/cni.md', () => {
  let world: CniWorld
  beforeAll(async () => {
    world = await CniWorld.create({ config: 'host-gw' })
  })
  afterAll(() => world?.dispose())

  it('shows the config that is installed, and the one with a chain', () => {
    const configs = ['10-trilane', '10-trilane-portmap'].map((name) => read(`configs/cni/${name}.conflist`))
    expect(blocks('json').slice(0, 2)).toEqual(configs)
  })

  it('shows a config of another plugin that has its addresses from here', () => {
    const [, , shown = ''] = blocks('json')
    const { plugins } = JSON.parse(shown) as { readonly plugins: readonly object[] }
    expect(plugins).toMatchObject([{ ipam: { type: 'trilane' } }])
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
      expect(stdout).toMatch(/inet 10\.5\.\d+\.2\/24 .*\beth0/)
    } finally {
      await world.node.place.run(['ip', 'netns', 'del', name], { anyStatus: true })
    }
    expect(await world.leftovers()).toBe(before)
  })
})
