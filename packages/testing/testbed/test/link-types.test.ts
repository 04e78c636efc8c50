import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { filesForGuest, statedLinkTypes } from '../src/guest-files.ts'
import { LINK_TYPES, type LinkType, missingLinkTypes, needsLinkTypes } from '../src/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'trilane-link-types-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('statedLinkTypes', () => {
  it.each([
    ["import 'a'\n\nneedsLinkTypes('vlan', 'ipvlan')\n", ['ipvlan', 'vlan']],
    ['needsLinkTypes(\n  "macvlan"\n)', ['macvlan']],
    ["needsLinkTypes('vxlan') // not macvlan", ['vxlan']],
    ["  needsLinkTypes('vlan')", []],
    ["// needsLinkTypes('vlan')", []],
    ["import { needsLinkTypes } from '@trilane/testbed'", []]
  ])('of %j', (text, types) => {
    expect(statedLinkTypes(text)).toEqual(types)
  })
})

describe('filesForGuest', () => {
  it('has the test files that state what is missing, at any depth', () => {
    const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
    mkdirSync(join(folder, 'a/b'), { recursive: true })
    write('a/b/lacking.test.ts', "needsLinkTypes('vlan', 'macvlan')")
    write('lacking.test.ts', "needsLinkTypes('vlan')")
    write('fine.test.ts', "needsLinkTypes('macvlan')")
    write('plain.test.ts', "it('is a test')")
    write('no-test.ts', "needsLinkTypes('vlan')")
    const missing = (types: readonly LinkType[]) => types.filter((type) => type === 'vlan')
    expect(filesForGuest(folder, missing)).toEqual(
      ['a/b/lacking.test.ts', 'lacking.test.ts'].map((name) => join(folder, name))
    )
  })
})

describe('missingLinkTypes', () => {
  it('does not take another failure for a missing type', () => {
    const path = process.env.PATH
    process.env.PATH = folder
    try {
      // ipip stands for a type that was not asked for yet: answers are remembered.
      expect(() => missingLinkTypes(['ipip' as LinkType])).toThrow(/cannot be told/)
    } finally {
      process.env.PATH = path
    }
  })

  it('is what needsLinkTypes fails by', () => {
    const missing = missingLinkTypes()
    for (const type of LINK_TYPES) {
      const state = () => needsLinkTypes(type)
      if (missing.includes(type)) expect(state).toThrow(`no ${type}: \`npm run test:guest`)
      else expect(state).not.toThrow()
    }
  })
})
