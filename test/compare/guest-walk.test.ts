import { needsLinkTypes } from '@trilane/testbed'
import { expect, it } from 'vitest'
import { startTrilane } from '../daemon/trilane.ts'
import type { WalkJson } from './json.ts'

needsLinkTypes('ipvlan')

/** Two laboratories in an emulated machine. */
const LONGEST_MS = 400_000

it(
  'an ipvlan’s packets are seen where they were predicted, in both modes and families, with nothing added',
  async () => {
    const argv = ['lab', 'walk', '--backends', 'ipvlan-l2,ipvlan-l3', '--json']
    const { stdout } = await startTrilane(argv, LONGEST_MS).ended
    const { walks, leftOut } = JSON.parse(stdout) as { walks: readonly WalkJson[]; leftOut: string[] }
    expect(leftOut).toEqual([])
    expect(walks.map(({ mode, family, packet }) => `${mode} ${family} ${packet}`)).toEqual(
      ['ipvlan-l2', 'ipvlan-l3'].flatMap((mode) =>
        ['v4', 'v6'].flatMap((family) => ['ping', 'tcp'].map((packet) => `${mode} ${family} ${packet}`))
      )
    )
    for (const { hops, equal, addedBytes } of walks) {
      expect(hops.filter((hop) => !hop.equal)).toEqual([])
      expect(equal).toBe(true)
      expect(addedBytes).toBe(0)
      const [first, last] = [hops[0], hops.at(-1)]
      expect([first?.place, last?.place]).toEqual(['node1/pod1', 'node2/pod1'])
    }
  },
  LONGEST_MS
)
