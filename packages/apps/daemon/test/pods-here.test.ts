import { type AttachmentRecord, type NetworkConfig, type NodeFacts, TrilaneError } from '@trilane/contracts'
import { IpAddress, Mac, Prefix } from '@trilane/ip'
import { memoryNode } from '@trilane/kernel-memory'
import { hostChildName } from '@trilane/parent-device'
import { describe, expect, it } from 'vitest'
import { readFacts } from '../src/facts-reading.ts'
import { factsAfterClash, heldBy, kindsOf } from '../src/pods-here.ts'
import { factsOf } from './facts.ts'

const ip = (text: string): IpAddress => IpAddress.parse(text)
const MACVLAN = { type: 'macvlan', parent: 'eth0', mode: 'bridge' } as const
const LEASE = { subnets: { v4: Prefix.parse('192.168.77.64/28') } }

const network: NetworkConfig = {
  ...factsOf().network,
  families: {
    v4: {
      network: Prefix.parse('192.168.77.0/24'),
      subnetLength: 28,
      subnetMin: ip('192.168.77.64'),
      subnetMax: ip('192.168.77.208')
    }
  }
}

describe('factsAfterClash', () => {
  const among = (...pods: readonly string[]): NodeFacts => ({
    ...factsOf(),
    network,
    pods: { addresses: pods.map(ip), nodeAddresses: [], kinds: [] }
  })
  const heldNow =
    (...pods: readonly string[]) =>
    async () => ({ addresses: pods.map(ip), kinds: [] })

  it('is nothing as long as no pod has what the node takes', async () => {
    expect(await factsAfterClash(among(), LEASE, heldNow('192.168.77.65'))).toBeUndefined()
    expect(await factsAfterClash({ ...factsOf(), network }, LEASE, heldNow('192.168.77.64'))).toBeUndefined()
  })

  it('knows the pod that got it meanwhile, so that the node takes another', async () => {
    const again = await factsAfterClash(among(), LEASE, heldNow('192.168.77.64'))
    expect(again?.pods?.addresses.map(String)).toEqual(['192.168.77.64'])
    if (again === undefined) throw new Error('there was a clash')
    expect(await factsAfterClash(again, LEASE, heldNow('192.168.77.64'))).toBeUndefined()
  })
})

describe('heldBy', () => {
  const record = {
    network: 'lan',
    key: { containerId: 'a', ifname: 'eth0' },
    namespace: '/run/netns/a',
    phase: 'plugged',
    addresses: { v4: ip('192.168.77.70') }
  } as const
  const attachments = { list: async () => [record] }

  it('has what is reserved, by whomever', async () => {
    const reservations = [{ address: ip('192.168.77.71'), key: record.key }]
    const pool = { list: async () => ({ reservations, problems: [] }) }
    expect((await heldBy(pool as never, attachments)).addresses.map(String)).toEqual(['192.168.77.71'])
  })

  it('has what the records say where no lock is to be had: the disk cannot be written', async () => {
    const values = { operation: 'open', path: '/lock', problem: 'EROFS' }
    const pool = { list: () => Promise.reject(TrilaneError.of('TRI_FILE', values)) }
    expect((await heldBy(pool, attachments)).addresses.map(String)).toEqual(['192.168.77.70'])
    const broken = { list: () => Promise.reject(new Error('a defect')) }
    await expect(heldBy(broken, attachments)).rejects.toThrow('a defect')
  })
})

describe('kindsOf', () => {
  it('has each kind of those that are plugged in once', () => {
    const record = (containerId: string, child: object, phase: AttachmentRecord['phase'] = 'plugged') =>
      ({
        network: 'lan',
        key: { containerId, ifname: 'eth0' },
        namespace: '/run/netns/pod',
        phase,
        addresses: {},
        link: { podMac: Mac.derive(containerId), mtuBytes: 1500, child, addresses: {} }
      }) as AttachmentRecord
    const half = record('c', { ...MACVLAN, parent: 'eth1' }, 'plugging')
    expect(kindsOf([record('a', MACVLAN), record('b', { ...MACVLAN }), half])).toEqual([MACVLAN])
  })
})

describe('readFacts', () => {
  async function read(own: string) {
    const kernel = memoryNode({ links: ['eth0 192.168.77.1/24'] })
    const child = hostChildName('lan')
    const kind = { type: 'ipvlan', parent: 'eth0', mode: 'l3', flag: 'bridge' } as const
    const address = { device: child, address: ip('192.168.77.64'), prefixLength: 32 }
    const outcomes = await kernel.apply([
      { kind: 'link', action: 'create', value: { name: child, kind, alias: own, up: true } },
      { kind: 'link', action: 'create', value: { name: 'host-blue', kind, alias: 'trilane:blue' } },
      { kind: 'link', action: 'create', value: { name: 'theirs', kind } },
      { kind: 'address', action: 'create', value: address }
    ])
    expect(outcomes.flatMap(({ error }) => error ?? [])).toEqual([])
    const lanes = {
      primary: { backend: { traits: { podsOnNodeNetwork: true } }, options: {} }
    } as never
    return readFacts(
      {
        kernel,
        identity: { name: 'node1', machineId: '1'.repeat(32) },
        bridge: 'cni0',
        uplinkWish: async () => ({ iface: ['eth0'], ifaceRegex: [], publicAddresses: {} }),
        held: async () => ({ addresses: [ip('192.168.77.65')], kinds: [] }),
        kindOf: (name, device) => (name === 'blue' ? { ...kind, parent: device, mode: 'l2' } : undefined)
      },
      { network: { ...network, name: 'lan' }, lanes },
      undefined
    )
  }

  it('says what pods have, and what the node has among them by the device that carries the mark', async () => {
    const { pods } = await read('trilane:lan')
    expect(JSON.parse(JSON.stringify(pods))).toEqual({
      addresses: ['192.168.77.65'],
      nodeAddresses: ['192.168.77.64'],
      kinds: []
    })
    expect((await read('somebody')).pods?.nodeAddresses).toEqual([])
  })

  it('shows what other networks of this daemon made there as they make it, and what others made as it is', async () => {
    const { parent } = await read('trilane:lan')
    expect(parent?.children.map(({ name, kind }) => [name, 'mode' in kind && kind.mode])).toEqual([
      ['host-blue', 'l2'],
      ['theirs', 'l3']
    ])
  })
})
