import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Place, reachability, type Switch, Testbed } from '../src/index.ts'

let bed: Testbed
let lan: Switch
let a: Place
let b: Place

beforeAll(async () => {
  bed = await Testbed.create({ name: 'reach' })
  lan = await bed.addSwitch('lan')
  a = await bed.addNode('a', { switch: lan, addresses: ['192.168.77.1/24', 'fd77::1/64'] })
  b = await bed.addNode('b', { switch: lan, addresses: ['192.168.77.2/24', 'fd77::2/64'] })
})
afterAll(() => bed?.dispose())

const V4 = '192.168.77.2'
const V6 = 'fd77::2'

describe('reachability', () => {
  it('holds for ways that are open and for ways that are shut, in both families', async () => {
    const report = await reachability()
      .expectSome(a, b, { address: V4 })
      .expectSome(a, b, { address: V6 })
      .expectNone(a, b, { address: '192.168.77.99' })
      .expectNone(a, b, { address: 'fd77::99' })
      .expectNone(a, b, { address: '198.51.100.1' })
      .expectNone(a, b, { address: 'fd99::1' })
      .mustHold()
    expect(report).toMatchObject({ expected: 6, passed: 6, failed: [] })
  })

  it('reports a forbidden way that is open', async () => {
    const report = await reachability().expectNone(a, b, { address: V4 }).verify({ withinMs: 0 })
    expect(report.failed).toEqual([{ from: 'a', to: 'b', address: V4, expected: false, actual: true }])
  })

  it('reports a way that should be open, and shows the whole table', async () => {
    const table = reachability().expectSome(a, b, { address: V4 }).expectSome(a, b, { address: 'fd77::99' })
    await expect(table.mustHold({ withinMs: 0 })).rejects.toThrow(
      [
        '1 of 2 are otherwise:',
        'from  to  address       bytes  expected  actual',
        'a     b   192.168.77.2         answer    answer',
        'a     b   fd77::99             answer    nothing  <<<'
      ].join('\n')
    )
  })

  it.each([
    ['v4', V4],
    ['v6', V6]
  ])('finds the edge of the MTU with DF set, in %s', async (_, address) => {
    await reachability()
      .expectSome(a, b, { address, sizeBytes: 1500, dontFragment: true })
      .expectNone(a, b, { address, sizeBytes: 1501, dontFragment: true })
      .expectSome(a, b, { address, sizeBytes: 1501 })
      .mustHold()
  })

  it('waits until all hold in one round', async () => {
    await lan.setCable(b, 'out')
    const waiting = reachability()
      .expectSome(a, b, { address: V4 })
      .expectNone(a, b, { address: '192.168.77.99' })
      .mustHold({ withinMs: 20_000 })
    setTimeout(() => void lan.setCable(b, 'in'), 1500)
    await waiting
  })

  it('does not take a broken apparatus for a way that is shut', async () => {
    const gone = await bed.addContainer(a, 'gone')
    await bed.remove(gone)
    const way = reachability().expectNone(gone, b, { address: V4 })
    await expect(way.verify()).rejects.toMatchObject({ code: 'TRI_COMMAND_FAILED' })
    await expect(
      reachability().expectNone(a, b, { address: 'no.such.host.invalid' }).verify()
    ).rejects.toMatchObject({ code: 'TRI_COMMAND_FAILED' })
    await expect(reachability().verify()).rejects.toThrow('nothing is expected')
  })
})
