import { beforeAll, describe, expect, it } from 'vitest'
import { type Ended, startTrilane } from '../daemon/trilane.ts'
import type { Matrix } from './matrix.ts'

const MODES = ['macvlan', 'host-gw', 'vxlan-direct', 'vxlan'] as const
const TOPOLOGIES = ['flat', 'routed', 'one-mac-port', 'anti-spoof'] as const
const FAMILIES = ['v4', 'v6'] as const

/** In the order of the report. */
const EXPECTED: Readonly<Record<string, string>> = {
  // Pods: same node, other node, behind the router; node to own, own to node, node to remote; out as itself, masqueraded, in.
  'macvlan flat': '        yes yes n/a yes yes yes yes n/a yes',
  'macvlan routed': '      yes yes no  yes yes yes yes n/a yes',
  'macvlan one-mac-port': 'yes no  n/a yes yes no  no  n/a no',
  'macvlan anti-spoof': '  yes no  n/a yes yes no  no  n/a no',
  'host-gw flat': '        yes yes n/a yes yes yes yes yes yes',
  'host-gw routed': '      yes yes no  yes yes yes yes yes yes',
  'host-gw one-mac-port': 'yes yes n/a yes yes yes yes yes yes',
  'host-gw anti-spoof': '  yes no  n/a yes yes no  no  yes no',
  'vxlan-direct flat': '        yes yes n/a yes yes yes yes yes yes',
  'vxlan-direct routed': '      yes yes yes yes yes yes yes yes yes',
  'vxlan-direct one-mac-port': 'yes yes n/a yes yes yes yes yes yes',
  // The neighbour answers, so the peer is carried by its preferred lane, plain routes.
  'vxlan-direct anti-spoof': '  yes no  n/a yes yes no  no  yes no',
  'vxlan flat': '        yes yes n/a yes yes yes yes yes yes',
  'vxlan routed': '      yes yes yes yes yes yes yes yes yes',
  'vxlan one-mac-port': 'yes yes n/a yes yes yes yes yes yes',
  'vxlan anti-spoof': '  yes yes n/a yes yes yes no  yes no'
}

const SHORT = { yes: 'yes', no: 'no', 'not-applicable': 'n/a' } as const

const LONGEST_MS = 240_000

let ended: Ended
let matrices: readonly Matrix[]

beforeAll(async () => {
  const argv = ['--backends', MODES.join(','), '--topology', TOPOLOGIES.join(',')]
  ended = await startTrilane(['lab', 'function', ...argv], LONGEST_MS).ended
  expect(ended.status, ended.stderr).toBe(0)
  const part = JSON.parse(ended.stdout)
  expect(part.leftOut).toEqual([])
  matrices = part.matrices
}, LONGEST_MS)

function matrix(mode: string, topology: string, family: string): Matrix {
  const found = matrices.find(
    (one) => one.mode === mode && one.topology === topology && one.family === family
  )
  if (found === undefined) throw new Error(`no matrix of ${mode}, ${topology}, ${family}`)
  return found
}

/** Reasons of the noes, each once, with where they are from. */
function reasons(mode: string, topology: string, family: string): string[] {
  const noes = matrix(mode, topology, family).cells.filter(({ answer }) => answer === 'no')
  return [...new Set(noes.map(({ reason, reasonFrom }) => `${reasonFrom}: ${reason}`))]
}

const LABELS: Readonly<Record<string, string>> = { v4: 'IPv4', v6: 'IPv6' }

describe('who reaches whom', () => {
  it('is told of each mode and topology in both families, in order', () => {
    const order = matrices.map(({ mode, topology, family }) => `${mode} ${topology} ${family}`)
    const expected = MODES.flatMap((mode) =>
      TOPOLOGIES.flatMap((topology) => FAMILIES.map((family) => `${mode} ${topology} ${family}`))
    )
    expect(order).toEqual(expected)
  })

  it.each(
    Object.entries(EXPECTED).flatMap(([which, answers]) =>
      FAMILIES.map((family) => ({ which, answers, family }))
    )
  )('$which, $family', ({ which, answers, family }) => {
    const [mode = '', topology = ''] = which.split(' ')
    const { cells } = matrix(mode, topology, family)
    expect(cells.map(({ answer }) => SHORT[answer])).toEqual(answers.trim().split(/ +/))
    expect(cells.every(({ packet }) => / → /.test(packet))).toBe(true)
    const untold = cells.filter(
      ({ answer, reason, reasonFrom }) =>
        answer !== 'yes' && (reason === undefined || reasonFrom === 'unexplained')
    )
    expect(untold).toEqual([])
  })
})

describe.each(FAMILIES)('why not, in the words of the product, %s', (family) => {
  it('behind a router: host-gw names the peer that is not on its segment', () => {
    expect(reasons('host-gw', 'routed', family)).toEqual([
      'status: host-gw cannot reach node3 at 192.168.88.3: eth0 is 192.168.77.1/24, another network'
    ])
  })

  it('behind a router: macvlan refuses to start where the network is not', () => {
    const [reason, ...others] = reasons('macvlan', 'routed', family)
    expect(reason).toMatch(
      /^daemon: TRI_PARENT_UNFIT: macvlan cannot be used on eth0: the network 192\.168\.77\.0\/24 is not on its segment/
    )
    expect(others).toEqual([])
  })

  it('a port that takes one MAC', () => {
    expect(reasons('macvlan', 'one-mac-port', family)).toEqual([
      'doctor: macvlan cannot: only one MAC is answered'
    ])
  })

  it('a port that takes the node’s own addresses', () => {
    const dropped = `cannot: ${LABELS[family]} addresses that the network does not know are dropped`
    expect(reasons('macvlan', 'anti-spoof', family)).toEqual([`doctor: macvlan ${dropped}`])
    expect(reasons('host-gw', 'anti-spoof', family)).toEqual([`doctor: host-gw ${dropped}`])
    const [limit, ...others] = reasons('vxlan', 'anti-spoof', family)
    expect(limit).toMatch(
      new RegExp(`^doctor: ${LABELS[family]} packets with the addresses of pods are dropped: .* --ip-masq`)
    )
    expect(others).toEqual([])
    expect(reasons('vxlan-direct', 'anti-spoof', family)).toEqual([`doctor: host-gw ${dropped}`, limit])
  })

  it('DirectRouting uses both lanes where a router is', () => {
    const { lanes } = matrix('vxlan-direct', 'routed', family)
    expect(lanes).toEqual([
      expect.stringMatching(/^node1 → node2: host-gw – the preferred lane; an answer from 192\.168\.77\.2/),
      expect.stringMatching(/^node1 → node3: vxlan – in place of host-gw: host-gw cannot reach node3/)
    ])
    expect(matrix('host-gw', 'routed', family).lanes[1]).toMatch(
      /^node1 → node3: none – host-gw cannot reach/
    )
  })

  it('nothing is masqueraded where pods are on the nodes’ own network', () => {
    const cell = matrix('macvlan', 'flat', family).cells.find(
      ({ way }) => way === 'pod → outside, masqueraded'
    )
    const [pod = ''] = cell?.packet.split(' → ') ?? []
    expect(cell).toMatchObject({ answer: 'not-applicable', reasonFrom: 'config' })
    expect(cell?.reason).toContain(`it arrives as ${pod}: `)
  })
})
