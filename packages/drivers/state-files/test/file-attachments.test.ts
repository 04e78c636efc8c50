import { mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { AttachmentRecord, PluggedLink } from '@trilane/contracts'
import { IpAddress, Mac, Prefix } from '@trilane/ip'
import { FileAttachments } from '@trilane/state-files'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { scratch } from './scratch.ts'

const address = IpAddress.parse('10.5.71.2')
const plugging: AttachmentRecord = {
  network: 'default',
  key: { containerId: '4f0c', ifname: 'eth0' },
  namespace: '/run/netns/a',
  phase: 'plugging',
  addresses: { v4: address, v6: IpAddress.parse('fd00::2') }
}
const link: PluggedLink = {
  hostDevice: 'veth1',
  hostMac: Mac.parse('02:00:00:00:00:01'),
  podMac: Mac.parse('02:00:00:00:00:02'),
  mtuBytes: 1450,
  addresses: { v4: { address, prefixLength: 24, gateway: IpAddress.parse('10.5.71.1') } }
}
const plugged: AttachmentRecord = { ...plugging, phase: 'plugged', link }

function setUp() {
  const stateDirectory = scratch()
  const directory = join(stateDirectory, 'attachments', 'default')
  return { directory, stateDirectory, store: new FileAttachments({ stateDirectory }) }
}

/** As it is written, for the key of the file `bad:eth0.json`. */
function lineOf(body: object): string {
  return `${JSON.stringify({ version: 1, ...body, containerId: 'bad', ifname: 'eth0' })}\n`
}

describe('FileAttachments', () => {
  it.each([
    ['plugging', plugging],
    ['plugged', plugged],
    [
      'attached by a runtime, to a bridge',
      { ...plugged, link: { ...link, bridge: 'cni0' }, cniNetwork: 'blue' }
    ],
    [
      'limited in both directions',
      {
        ...plugged,
        link: {
          ...link,
          bandwidth: {
            ingress: { bytesPerSecond: 125_000, burstBytes: 12_500 },
            egress: { bytesPerSecond: 1, burstBytes: 1_514 }
          }
        }
      }
    ],
    [
      'reached by ports of the node',
      {
        ...plugged,
        hostPorts: [
          { protocol: 'tcp', hostPort: 8080, podPort: 80 },
          { protocol: 'udp', hostPort: 53, hostAddress: IpAddress.parse('192.0.2.1'), podPort: 53 }
        ] as const
      }
    ],
    [
      'of a macvlan, which has nothing on the node',
      {
        ...plugged,
        link: {
          podMac: link.podMac,
          mtuBytes: 1500,
          child: { type: 'macvlan', parent: 'eth0', mode: 'bridge' },
          addresses: { v4: { address: IpAddress.parse('192.168.77.66'), prefixLength: 24 } },
          routes: [
            { destination: Prefix.parse('0.0.0.0/0'), gateway: IpAddress.parse('192.168.77.1') },
            { destination: Prefix.parse('192.168.77.0/28') }
          ]
        }
      } as const
    ],
    [
      'of an ipvlan',
      {
        ...plugged,
        link: { ...link, child: { type: 'ipvlan', parent: 'eth0.7', mode: 'l3s', flag: 'vepa' } }
      } as const
    ],
    [
      'with routes of its own',
      {
        ...plugged,
        link: { ...link, routes: [{ destination: Prefix.parse('10.5.0.0/16'), gateway: address }] }
      }
    ],
    [
      'with addresses of another plugin',
      {
        ...plugged,
        ipam: { type: 'theirs', env: { CNI_PATH: '/opt/cni/bin' }, config: '{"name":"net"}' },
        link: {
          ...link,
          addresses: { v4: { address, prefixLength: 24 } },
          given: {
            addresses: [
              { address, prefixLength: 24 },
              { address, prefixLength: 16, gateway: address }
            ],
            routes: [
              {
                destination: Prefix.parse('::/0'),
                gateway: address,
                metric: 7,
                table: 100,
                scope: 'link' as const
              },
              { destination: Prefix.parse('10.0.0.0/8') }
            ],
            bridgeIsGateway: true
          }
        }
      }
    ],
    ['without addresses', { ...plugging, addresses: {} }]
  ])('gives back a record that is %s, in a new life too', async (_, record) => {
    const { stateDirectory, store } = setUp()
    await store.write(record)
    const again = new FileAttachments({ stateDirectory })
    expect(await again.read(record.network, record.key)).toEqual(record)
    expect(await again.list()).toEqual({ records: [record], problems: [] })
  })

  it('replaces the record of the same key, and no other', async () => {
    const { store } = setUp()
    const other = { ...plugging, key: { containerId: '4f0c', ifname: 'net1' } }
    await store.write(plugging)
    await store.write(other)
    await store.write({ ...plugging, network: 'second' })
    await store.write(plugged)
    expect(await store.read('default', plugging.key)).toEqual(plugged)
    expect(await store.read('default', other.key)).toEqual(other)
    expect((await store.list()).records).toHaveLength(3)
  })

  it('is one readable file a record, for root alone', async () => {
    const { directory, store } = setUp()
    await store.write(plugged)
    expect(readdirSync(directory)).toEqual(['4f0c:eth0.json'])
    expect(statSync(join(directory, '4f0c:eth0.json')).mode & 0o777).toBe(0o600)
    expect(JSON.parse(readFileSync(join(directory, '4f0c:eth0.json'), 'utf8'))).toMatchObject({
      version: 1,
      containerId: '4f0c',
      addresses: { v4: '10.5.71.2' }
    })
  })

  it('keeps the last record of a key in one file', async () => {
    const { directory, store } = setUp()
    for (const record of [plugged, plugging, plugged, plugging]) {
      await store.write(record)
      expect(await store.read('default', plugging.key)).toEqual(record)
      expect(await store.list()).toEqual({ records: [record], problems: [] })
    }
    expect(readdirSync(directory)).toEqual(['4f0c:eth0.json'])
  })

  it('takes the record before one that a power failure tore, and can be written to again', async () => {
    const { directory, store } = setUp()
    const path = join(directory, '4f0c:eth0.json')
    await store.write(plugging)
    await store.write(plugged)
    truncateSync(path, statSync(path).size - 2)
    expect(await store.list()).toEqual({ records: [plugging], problems: [] })
    await store.write(plugged)
    expect(await store.list()).toEqual({ records: [plugged], problems: [] })
  })

  it('removes, also what is not there', async () => {
    const { store } = setUp()
    await store.remove('default', plugging.key)
    await store.write(plugging)
    await store.remove('default', plugging.key)
    await store.remove('default', plugging.key)
    expect(await store.read('default', plugging.key)).toBeUndefined()
    expect(await store.list()).toEqual({ records: [], problems: [] })
  })

  it('keeps whatever key in its own file below its directory', async () => {
    const { stateDirectory, store } = setUp()
    const hostile = [
      '..',
      '../../x',
      '',
      '.',
      'a/b',
      'a:b',
      'a\u0000b',
      'ü',
      '%',
      'x'.repeat(300),
      '.hidden',
      'a'
    ]
    const records = hostile.flatMap((containerId) =>
      hostile.map((ifname) => ({ ...plugging, network: ifname, key: { containerId, ifname } }))
    )
    for (const record of records) await store.write(record)
    const { records: found, problems } = await store.list()
    expect(problems).toEqual([])
    expect(found).toHaveLength(records.length)
    expect(readdirSync(stateDirectory)).toEqual(['attachments'])
    for (const record of records) expect(await store.read(record.network, record.key)).toEqual(record)
    for (const record of records) await store.remove(record.network, record.key)
    expect((await store.list()).records).toEqual([])
  })

  it('gives different keys different files', async () => {
    const { store } = setUp()
    const part = fc.string({ unit: fc.constantFrom('a', ':', '%', '.', '/'), maxLength: 4 })
    const anyKey = fc.record({ containerId: part, ifname: part })
    await fc.assert(
      fc.asyncProperty(anyKey, anyKey, async (a, b) => {
        fc.pre(a.containerId !== b.containerId || a.ifname !== b.ifname)
        await store.write({ ...plugging, key: a, namespace: 'a' })
        await store.write({ ...plugging, key: b, namespace: 'b' })
        const [first, second] = [await store.read('default', a), await store.read('default', b)]
        return first?.namespace === 'a' && second?.namespace === 'b'
      }),
      { numRuns: 50 }
    )
  })

  it.each([
    ['torn', '{"version": 1, "netw'],
    ['empty', ''],
    ['of another program', '{"hello": "world"}\n'],
    ['of a later version', lineOf({ ...plugging, version: 2 })],
    ['a list', '[]\n'],
    ['with a wrong address', lineOf({ ...plugging, addresses: { v4: '10.5' } })],
    ['plugged without a link', lineOf({ ...plugging, phase: 'plugged' })],
    ['not ended', lineOf(plugging).trimEnd()],
    ['too large', ' '.repeat(70_000)]
  ])('reports a file that is %s, keeps it, and reads the others', async (_, text) => {
    const { directory, store } = setUp()
    await store.write(plugging)
    writeFileSync(join(directory, 'bad:eth0.json'), text)
    const { records, problems } = await store.list()
    expect(records).toEqual([plugging])
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(join(directory, 'bad:eth0.json'))
    expect(await store.read('default', { containerId: 'bad', ifname: 'eth0' })).toBeUndefined()
    expect(readFileSync(join(directory, 'bad:eth0.json'), 'utf8')).toBe(text)
  })

  it('does not take a copy under another name for a record of that name', async () => {
    const { directory, store } = setUp()
    await store.write(plugging)
    const text = readFileSync(join(directory, '4f0c:eth0.json'), 'utf8')
    writeFileSync(join(directory, 'copy:eth0.json'), text)
    const { records, problems } = await store.list()
    expect(records).toEqual([plugging])
    expect(problems[0]).toContain('it is the record of default 4f0c/eth0')
    expect(await store.read('default', { containerId: 'copy', ifname: 'eth0' })).toBeUndefined()
  })

  it('reports files where directories belong and directories where files belong', async () => {
    const { directory, store } = setUp()
    await store.write(plugging)
    writeFileSync(join(dirname(directory), 'stray'), '')
    mkdirSync(join(directory, 'x:eth0.json'))
    const { records, problems } = await store.list()
    expect(records).toEqual([plugging])
    expect(problems).toHaveLength(2)
  })

  it('removes the unfinished file of a crash, and no other', async () => {
    const { directory, store } = setUp()
    await store.write(plugging)
    writeFileSync(join(directory, '.4f0c:eth0.json.1234.tmp'), '{')
    writeFileSync(join(directory, '.other'), '')
    expect(await store.list()).toEqual({ records: [plugging], problems: [] })
    expect(readdirSync(directory).sort()).toEqual(['.other', '4f0c:eth0.json'])
  })

  it('names the path that it cannot write', async () => {
    const { directory, store } = setUp()
    mkdirSync(dirname(directory), { recursive: true })
    writeFileSync(directory, '')
    await expect(store.write(plugging)).rejects.toMatchObject({
      code: 'TRI_FILE',
      values: { operation: 'write' }
    })
    await expect(store.remove('default', plugging.key)).rejects.toMatchObject({ code: 'TRI_FILE' })
  })
})
