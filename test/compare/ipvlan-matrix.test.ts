import { needsLinkTypes } from '@trilane/testbed'
import { beforeAll, describe, expect, it } from 'vitest'
import { startTrilane } from '../daemon/trilane.ts'
import type { Matrix } from './matrix.ts'

needsLinkTypes('ipvlan')

const LONGEST_MS = 600_000

let matrices: readonly Matrix[]

beforeAll(async () => {
  const argv = ['--backends', 'ipvlan-l2,ipvlan-l3', '--topology', 'one-mac-port']
  const ended = await startTrilane(['lab', 'function', ...argv], LONGEST_MS).ended
  expect(ended.status, ended.stderr).toBe(0)
  const part = JSON.parse(ended.stdout)
  expect(part.leftOut).toEqual([])
  matrices = part.matrices
}, LONGEST_MS)

const answers = (mode: string, family: string): Record<string, string> => {
  const found = matrices.find((one) => one.mode === mode && one.family === family)
  return Object.fromEntries(found?.cells.map(({ way, answer }) => [way, answer]) ?? [])
}

describe.each(['v4', 'v6'])('behind ports that take one MAC, %s', (family) => {
  const EVERYTHING = {
    'pod → pod, same node': 'yes',
    'pod → pod, other node': 'yes',
    'pod → pod, behind the router': 'not-applicable',
    'node → own pod': 'yes',
    'pod → own node': 'yes',
    'node → remote pod': 'yes',
    'pod → outside, its own address': 'yes',
    'pod → outside, masqueraded': 'not-applicable',
    'outside → pod': 'yes'
  }

  it('pods of ipvlan in mode l2 reach everybody', () => {
    expect(answers('ipvlan-l2', family)).toEqual(EVERYTHING)
  })

  it('those of mode l3 everybody but their own node, as its status says', () => {
    expect(answers('ipvlan-l3', family)).toEqual({
      ...EVERYTHING,
      'node → own pod': 'no',
      'pod → own node': 'no'
    })
    const noes = matrices
      .filter(({ mode }) => mode === 'ipvlan-l3')
      .flatMap(({ cells }) => cells.filter(({ answer }) => answer === 'no'))
    expect(new Set(noes.map(({ reason, reasonFrom }) => `${reasonFrom}: ${reason}`))).toEqual(
      new Set(['status: in mode l3 nothing passes from a node to its own pods'])
    )
  })
})
