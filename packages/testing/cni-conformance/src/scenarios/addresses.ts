import { strict as assert } from 'node:assert'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { reaches } from '../look.ts'
import type { Scenario } from '../scenario.ts'
import { added, failed, failedNaming, succeeded } from '../verify.ts'

/** A /29 without its network, gateway and broadcast address. */
const SMALL_ROOM = 5

const last = (address: string): number => Number(address.split('.').at(-1))
const withLast = (address: string, number: number): string => address.replace(/\d+$/, String(number))

/** How plugins say that there is no address; 999 is the reference's word for anything. */
const FULL_CODES = [11, 999, ...Array.from({ length: 100 }, (_, index) => 100 + index)]

export const ADDRESSES: readonly Scenario[] = [
  {
    id: 'P90',
    title: 'the first address of a /24 is .2',
    tag: 'R',
    isFresh: true,
    run: async (bench) => {
      assert.equal(last((await bench.addedPod()).address), 2)
    }
  },
  {
    id: 'P91',
    title: 'an address that was just freed is not the next one',
    tag: 'R',
    run: async (bench) => {
      const pod = await bench.addedPod()
      const first = pod.address
      succeeded(await pod.del())
      await pod.must()
      assert.equal(last(pod.address), last(first) + 1)
    }
  },
  {
    id: 'P92',
    title: 'behind the last address the round begins again with the first that is free',
    tag: 'R',
    setup: { pool: 'small' },
    run: async (bench) => {
      const pods = await bench.pods(SMALL_ROOM)
      for (const pod of pods) await pod.must()
      const freed = pods.slice(1, 3).map(({ address }) => address)
      for (const pod of pods.slice(1, 3)) succeeded(await pod.del())
      const again = [await bench.addedPod(), await bench.addedPod()].map(({ address }) => address)
      assert.deepEqual(again, freed)
    }
  },
  {
    id: 'P93',
    title: 'the gateway’s address is never a pod’s',
    tag: 'R',
    setup: { pool: 'small' },
    run: async (bench) => {
      for (const pod of await bench.pods(SMALL_ROOM)) {
        const { ips = [] } = await pod.must()
        assert.notEqual(pod.address, ips[0]?.gateway)
      }
    }
  },
  {
    id: 'P94',
    title: 'a /29 has five pods; the sixth is told that there is no address',
    tag: 'R',
    setup: { pool: 'small' },
    run: async (bench) => {
      for (const pod of await bench.pods(SMALL_ROOM)) await pod.must()
      const pod = await bench.pod()
      failed(await pod.add(), { code: FULL_CODES, msg: /no (?:IP|free) address/ })
    }
  },
  {
    id: 'P95',
    title: 'an IPv6 /126 has two pods, and the all-ones address is one’s',
    tag: 'R',
    setup: { pool: 'small v6' },
    run: async (bench) => {
      const pods = [await bench.addedPod(), await bench.addedPod()]
      const ends = pods
        .map(({ address }) => address.replace(/.*:/, ''))
        .map((end) => Number.parseInt(end, 16) % 4)
      assert.deepEqual(ends.sort(), [2, 3])
      failed(await (await bench.pod()).add(), { code: FULL_CODES })
    }
  },
  {
    id: 'P96',
    title: 'an ADD that finds no address leaves nothing',
    tag: 'B',
    setup: { pool: 'small' },
    run: async (bench) => {
      for (const pod of await bench.pods(SMALL_ROOM)) await pod.must()
      const pod = await bench.pod()
      await bench.unchanged(async () => failed(await pod.add()))
      const { stdout } = await pod.place.run(['ip', '-brief', 'link'])
      assert.doesNotMatch(stdout, /eth0/)
    }
  },
  {
    id: 'P97',
    title: 'where all addresses are taken, ADD takes one of a pod that has ended',
    tag: 'B',
    setup: { pool: 'small' },
    run: async (bench) => {
      const pods = await bench.pods(SMALL_ROOM)
      for (const pod of pods) await pod.must()
      const [dead, alive] = pods
      assert(dead !== undefined && alive !== undefined)
      await bench.kill(dead)
      const pod = await bench.pod()
      const deadline = performance.now() + 5_000
      let ran = await pod.add()
      // The kernel takes a namespace apart some time after its last user went.
      while (ran.status !== 0 && performance.now() < deadline) ran = await pod.add()
      added(ran)
      assert.equal(pod.address, dead.address)
      await reaches(bench.host, alive.address)
    }
  },
  {
    id: 'P98',
    title: 'a subnet with host bits, a /31 and a /32 are refused',
    tag: 'R',
    needs: ['ipam keys'],
    run: async (bench) => {
      const cases = [
        ['10.94.0.7/24', 'Network has host bits set'],
        ['10.94.0.0/31', 'too small to allocate from'],
        ['10.94.0.0/32', 'too small to allocate from']
      ]
      for (const [subnet, words = ''] of cases) {
        const pod = await bench.pod()
        failedNaming(await pod.add({ ipam: { ranges: [[{ subnet }]] } }), words)
      }
    }
  },
  {
    id: 'P99',
    title: 'ranges that are turned round, outside, overlapping, of mixed families, or none, are told apart',
    tag: 'R',
    needs: ['ipam keys'],
    run: async (bench) => {
      const subnet = '10.94.0.0/24'
      const cases: readonly (readonly [unknown, string])[] = [
        [[[{ subnet, rangeStart: '10.94.0.9', rangeEnd: '10.94.0.5' }]], 'range'],
        [[[{ subnet, rangeStart: '10.95.0.5' }]], 'not in network'],
        [[[{ subnet }, { subnet: '10.94.0.128/25' }]], 'overlap'],
        [[[{ subnet }], [{ subnet: '10.94.0.128/25' }]], 'overlaps with'],
        [[[{ subnet }, { subnet: 'fd94::/64' }]], 'mixed address families'],
        [[], 'no IP ranges specified']
      ]
      for (const [ranges, words] of cases) {
        const pod = await bench.pod()
        failedNaming(await pod.add({ ipam: { ranges } }), words)
      }
    }
  },
  {
    id: 'P100',
    title: 'ADD of a pod that is there is refused, and the first stays as it was',
    tag: 'R',
    run: async (bench) => {
      const pod = await bench.addedPod()
      const before = await bench.footprint()
      failed(await bench.raw(bench.podEnv('ADD', pod), JSON.stringify(bench.config())))
      await bench.leftAs(before)
      await reaches(bench.host, pod.address)
    }
  },
  {
    id: 'P101',
    title: 'an address asked for by `CNI_ARGS` is given, and the round goes on behind it',
    tag: 'R',
    run: async (bench) => {
      const asked = withLast((await bench.addedPod()).address, 150)
      for (const [index, text] of [asked, `${withLast(asked, 160)}/24`].entries()) {
        const pod = await bench.addedPod({ args: `IgnoreUnknown=1;IP=${text}` })
        assert.equal(last(pod.address), [150, 160][index])
        assert.equal(last((await bench.addedPod()).address), [151, 161][index])
      }
    }
  },
  {
    id: 'P102',
    title: 'addresses asked for by `args.cni` and `runtimeConfig` are given, one of each family',
    tag: 'R',
    setup: { pool: 'dual' },
    run: async (bench) => {
      const near = (await bench.addedPod()).addresses
      const asked = near.map((address) => address.replace(/[0-9a-f]+$/, '77'))
      const texts = [asked[0], `${asked[1]}/64`]
      const pod = await bench.addedPod({ runtime: { ips: texts } })
      assert.deepEqual(pod.addresses, asked)
      succeeded(await pod.del())
      await pod.must({ keys: { args: { cni: { ips: texts } } } })
      assert.deepEqual(pod.addresses, asked)
    }
  },
  {
    id: 'P103',
    title: 'an address that cannot be given is named, and nothing is left',
    tag: 'R',
    run: async (bench) => {
      const other = await bench.addedPod()
      const gateway = other.resultOf().ips?.[0]?.gateway ?? ''
      for (const address of [gateway, other.address, '203.0.113.7', '10.90.1.x']) {
        const pod = await bench.pod()
        await bench.unchanged(async () =>
          failedNaming(await pod.add({ args: `IgnoreUnknown=1;IP=${address}` }), address)
        )
        assert.doesNotMatch((await pod.place.run(['ip', '-brief', 'link'])).stdout, /eth0/)
      }
    }
  },
  {
    id: 'P104',
    title: 'the ranges of `runtimeConfig` come before those of the config',
    tag: 'R',
    needs: ['requested ranges'],
    run: async (bench) => {
      const near = (await bench.addedPod()).address
      const subnet = `${withLast(near, 0)}/24`
      const range = { subnet, rangeStart: withLast(near, 200), rangeEnd: withLast(near, 202) }
      const options = { runtime: { ipRanges: [[range]] }, ipam: { ranges: [] } }
      for (const pod of await bench.pods(3)) {
        await pod.must(bench.subject.main.config.ipam === undefined ? { runtime: options.runtime } : options)
        assert([200, 201, 202].includes(last(pod.address)), `it is ${pod.address}`)
      }
    }
  },
  {
    id: 'P105',
    title: '`resolvConf` is read into the dns of the result',
    tag: 'R',
    needs: ['ipam keys'],
    run: async (bench) => {
      const path = join(bench.ground.directory, 'resolv.conf')
      const lines = [
        '# comment',
        '; comment',
        'nameserver 10.0.0.1',
        'nameserver 10.0.0.2',
        'domain here',
        'search a b',
        'options ndots:5'
      ]
      await bench.host.run(['sh', '-c', `cat >${path}`], { input: `${lines.join('\n')}\n` })
      const { dns } = (await bench.addedPod({ ipam: { resolvConf: path } })).resultOf()
      assert.deepEqual(dns, {
        nameservers: ['10.0.0.1', '10.0.0.2'],
        domain: 'here',
        search: ['a', 'b'],
        options: ['ndots:5']
      })
    }
  },
  {
    id: 'P110',
    title: 'reservations are files as host-local writes them, and old ones of it end with DEL',
    tag: 'R',
    run: async (bench) => {
      const pod = await bench.addedPod()
      const file = (name: string) => join(bench.subject.reservations, name)
      assert.equal(readFileSync(file(pod.address), 'utf8'), `${pod.id}\r\neth0`)
      assert.equal(readFileSync(file('last_reserved_ip.0'), 'utf8'), pod.address)
      const old = withLast(pod.address, 240)
      const other = await bench.pod()
      await bench.host.run(['sh', '-c', `printf %s ${other.id} >${file(old)}`])
      succeeded(await other.del())
      assert.throws(() => readFileSync(file(old)), 'the old one is still there')
    }
  },
  {
    id: 'P111',
    title: 'DEL of one interface of two frees that one’s address alone',
    tag: 'R',
    run: async (bench) => {
      const keys = { ipMasq: false }
      const pod = await bench.addedPod({ keys })
      added(await pod.add({ keys, ifname: 'net1' }))
      const second = pod.resultOf('net1').ips?.[0]?.address.split('/')[0] ?? ''
      succeeded(await pod.del({ keys, ifname: 'net1' }))
      const files = await bench.footprint()
      assert(!files.some((line) => line.endsWith(`/${second}`)))
      assert(files.some((line) => line.endsWith(`/${pod.address}`)))
    }
  }
]
