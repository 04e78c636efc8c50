import { commandOf, type JsonValue, type Lease, objectsOf, TrilaneError } from '@trilane/contracts'
import { describe, expect, it } from 'vitest'
import {
  droppedLanes,
  laneClaim,
  lanesHere,
  networkLanes,
  nodeStateOf,
  offersNews,
  podLinkOf
} from '../src/index.ts'
import { direct, KNOWN, leaseOf, nodeAt, tunnel, underlay } from './fixtures.ts'

const both = [
  { type: 'direct', options: {} },
  { type: 'tunnel', options: {} }
]

describe('networkLanes', () => {
  it('is Backend.Type alone unless the config says more; what needs nothing here is a fall-back', () => {
    const lanes = networkLanes({ type: 'tunnel', options: { VNI: 3 } }, tunnel, KNOWN)
    expect(lanes.configured).toEqual([{ backend: tunnel, options: { VNI: 3 } }])
    expect(lanes.primary).toBe(lanes.configured[0])
    expect(lanes.fallbacks.map(({ backend }) => backend.type)).toEqual(['direct'])
  })

  it('keeps the order of the config, and has no fall-back that is a lane', () => {
    const lanes = networkLanes({ type: 'tunnel', options: {}, lanes: both }, tunnel, KNOWN)
    expect(lanes.configured.map(({ backend }) => backend.type)).toEqual(['direct', 'tunnel'])
    expect(lanes.primary).toBe(lanes.configured[1])
    expect(lanes.fallbacks).toEqual([])
  })

  it.each([
    [{ type: 'tunel', options: {} }, 'Backend.Lanes[1]', 'did you mean "tunnel"?'],
    [{ type: 'underlay', options: {} }, 'Backend.Lanes[1]', "are on the nodes' own network"],
    [{ type: 'tunnel', options: { Port: 'x' } }, 'Backend.Lanes[1].Port', 'a port']
  ])('refuses %j with the place', (lane, path, allowed) => {
    const config = { type: 'direct', options: {}, lanes: [{ type: 'direct', options: {} }, lane] }
    expect(() => networkLanes(config, direct, KNOWN)).toThrow(TrilaneError)
    try {
      networkLanes(config, direct, KNOWN)
    } catch (error) {
      const { code, values } = TrilaneError.from(error)
      expect({ code, path: values.path }).toEqual({ code: 'TRI_CONFIG_INVALID', path })
      expect(values.allowed).toContain(allowed)
    }
  })

  it('has no fall-back for pods on the nodes’ own network', () => {
    expect(networkLanes({ type: 'underlay', options: {} }, underlay, KNOWN).fallbacks).toEqual([])
  })
})

describe('this node’s part', () => {
  const lanes = networkLanes({ type: 'tunnel', options: {}, lanes: both }, tunnel, KNOWN)
  const own = leaseOf(1).lease

  it('offers the primary as flannel does, and the others beside it', () => {
    expect(laneClaim(lanesHere(lanes, nodeAt(), undefined))).toEqual({
      backendType: 'tunnel',
      backendData: { v4: { end: 'here' } },
      lanes: { direct: {} }
    })
  })

  it('offers a fall-back too, and says nothing where there is nothing besides the primary', () => {
    const single = networkLanes({ type: 'tunnel', options: {} }, tunnel, KNOWN)
    expect(laneClaim(lanesHere(single, nodeAt(), undefined)).lanes).toEqual({ direct: {} })
    const plain = networkLanes({ type: 'direct', options: {} }, direct, KNOWN)
    expect(laneClaim(lanesHere(plain, nodeAt(), undefined))).toEqual({
      backendType: 'direct',
      backendData: {}
    })
  })

  it('leaves out what it cannot take part in, with the reason', () => {
    const here = lanesHere(lanes, nodeAt('203.0.113.1'), undefined)
    expect(laneClaim(here)).not.toHaveProperty('lanes')
    expect(here.lanes[0]?.problem?.message).toContain('NAT')
  })

  it('fails when it is the primary', () => {
    const plain = networkLanes({ type: 'direct', options: {} }, direct, KNOWN)
    expect(() => lanesHere(plain, nodeAt('203.0.113.1'), undefined)).toThrow('NAT')
  })

  it('gives pods an MTU that fits every lane; a fall-back costs nothing', () => {
    const mtuOf = (primary: typeof tunnel, order: typeof both) => {
      const config = { type: primary.type, options: {}, lanes: order }
      return podLinkOf(lanesHere(networkLanes(config, primary, KNOWN), nodeAt(), undefined), own).mtuBytes
    }
    expect(mtuOf(direct, both)).toBe(1450)
    expect(mtuOf(tunnel, both)).toBe(1450)
    expect(mtuOf(direct, both.slice(0, 1))).toBe(1500)
  })

  it('knows what peers would send by before it is there, and what they may still send by', () => {
    const here = lanesHere(lanes, nodeAt(), undefined)
    const formerly = (
      backendType: string,
      data: JsonValue | undefined,
      more: readonly string[] = []
    ): Lease => ({
      ...own,
      backendType,
      backendData: data === undefined ? {} : { v4: data },
      node: { machineId: 'm', name: 'n', lanes: Object.fromEntries(more.map((type) => [type, {}])) }
    })
    expect(offersNews(here, formerly('tunnel', { end: 'here' }))).toBe(false)
    expect(offersNews(here, formerly('tunnel', { end: 'elsewhere' }))).toBe(true)
    expect(offersNews(here, formerly('direct', undefined))).toBe(true)
    expect(droppedLanes(here, formerly('tunnel', { end: 'here' }, ['direct']))).toEqual([])
    expect(droppedLanes(here, formerly('wire', undefined, ['direct', 'pigeon']))).toEqual(['wire', 'pigeon'])
    expect(droppedLanes(here, formerly('', undefined))).toEqual([])
  })

  it('wants what every lane needs, the pods’ side once, and no strict reverse path where there are several', () => {
    const text = (order: typeof both) => {
      const config = { type: 'tunnel', options: {}, lanes: order }
      const here = lanesHere(networkLanes(config, tunnel, KNOWN), nodeAt(), undefined)
      return objectsOf(nodeStateOf(here, own)).map((object) => commandOf({ action: 'create', ...object }))
    }
    expect(text(both)).toEqual([
      'ip link add name tun0 type vxlan id 1',
      'ip link add name cni0 mtu 1450 type bridge',
      'sysctl -w net/ipv4/conf/tun0/rp_filter=2'
    ])
    expect(text(both.slice(1)).join()).not.toContain('rp_filter')
  })
})
