import { strict as assert } from 'node:assert'
import type { Place } from '@trilane/testbed'
import type { Bench } from '../bench.ts'
import { HOST, OUTSIDE } from '../bench.ts'
import { addressesOn, deviceIn, ip, mustHave, reaches, reachesNot } from '../look.ts'
import type { Scenario } from '../scenario.ts'
import type { ChildKeys } from '../target.ts'
import { failed, succeeded } from '../verify.ts'

type Run = Scenario['run']

/** A scenario of pods that are macvlan children. */
const macvlan = (id: Scenario['id'], tag: Scenario['tag'], title: string, run: Run): Scenario => ({
  id,
  title,
  tag,
  needs: ['macvlan'],
  setup: { mode: 'macvlan' },
  run
})

const ipvlan = (id: Scenario['id'], tag: Scenario['tag'], title: string, run: Run): Scenario => ({
  id,
  title,
  tag,
  needs: ['ipvlan'],
  setup: { mode: 'ipvlan' },
  run
})

/** One that changes how pods stand, or the ground, for whoever comes after. */
const alone = (scenario: Scenario, ...needs: NonNullable<Scenario['needs']>): Scenario => ({
  ...scenario,
  needs: [...(scenario.needs ?? []), ...needs],
  isFresh: true
})

async function modeOf(bench: Bench, mode: string): Promise<unknown> {
  const pod = await bench.addedPod(await bench.standing({ mode }))
  const { linkinfo } = await mustHave(pod.place, 'eth0')
  await pod.end()
  return linkinfo?.info_data?.mode
}

/** ADD fails like that, leaves nothing, and the word is in its error or in the agent's log. */
async function isRefused(bench: Bench, keys: ChildKeys, word: string): Promise<void> {
  const pod = await bench.pod()
  const options = await bench.standing(keys)
  await bench.unchanged(async () => {
    const { msg, details = '' } = failed(await pod.add(options))
    const said = `${msg} ${details} ${bench.subject.agent?.log() ?? ''}`
    assert(said.includes(word), `nobody says ${word}: ${said}`)
  })
  assert.equal(await deviceIn(pod.place, 'eth0'), undefined)
}

/** A card of the node's that nothing else uses. */
async function addCard(bench: Bench): Promise<string> {
  await ip(bench.host, 'link', 'add', 'name', 'card0', 'type', 'veth', 'peer', 'name', 'card1')
  for (const end of ['card0', 'card1']) await ip(bench.host, 'link', 'set', 'dev', end, 'up')
  return 'card0'
}

const WRONG_MAC = ['lladdr', '02:00:00:00:00:99'] as const

const addressAfter = (address: string): string =>
  address.replace(/[0-9a-f]+$/, (end) =>
    address.includes(':') ? (Number.parseInt(end, 16) + 1).toString(16) : String(Number(end) + 1)
  )

/** Within a second, and without having asked. */
async function knows(place: Place, address: string, mac: string): Promise<void> {
  const deadline = performance.now() + 1_000
  for (;;) {
    const entry = await ip(place, 'neigh', 'show', address, 'dev', 'eth0')
    if (entry.includes(mac)) return
    assert(performance.now() < deadline, `${place.name} was not told of ${address}: ${entry}`)
  }
}

export const UNDERLAY: readonly Scenario[] = [
  {
    ...macvlan(
      'P174',
      'R',
      'the parent is the uplink, the mode is bridge, and the pod announces its address',
      async (bench) => {
        const options = { keys: { master: undefined } }
        const { outside } = bench
        const next = (await bench.addedPod(options)).addresses.map(addressAfter)
        // Linux takes no announcement in the second after it has learnt something else.
        await outside.run(['sysctl', '-q', '-w', 'net/ipv4/neigh/eth0/locktime=0'])
        for (const address of next)
          await ip(outside, 'neigh', 'replace', address, ...WRONG_MAC, 'dev', 'eth0', 'nud', 'stale')
        const pod = await bench.addedPod(options)
        assert.deepEqual(pod.addresses, next)
        assert.deepEqual(
          pod.resultOf().interfaces?.map(({ name, sandbox }) => [name, sandbox]),
          [['eth0', pod.netns]]
        )
        const eth0 = await mustHave(pod.place, 'eth0')
        assert.equal(eth0.linkinfo?.info_data?.mode, 'bridge')
        assert(eth0.flags.includes('LOWER_UP'))
        for (const address of next) await knows(outside, address, eth0.address)
      }
    ),
    setup: { mode: 'macvlan', pool: 'dual' },
    isFresh: true
  },
  alone(
    macvlan('P175', 'R', 'modes are the kernel’s; one that there is not is named', async (bench) => {
      for (const mode of ['private', 'vepa', 'bridge']) assert.equal(await modeOf(bench, mode), mode)
      await isRefused(bench, { mode: 'xyz' }, 'xyz')
    })
  ),
  alone(
    macvlan('P176', 'R', 'passthru beside another child is an error, and nothing is left', async (bench) => {
      const master = await addCard(bench)
      await bench.addedPod(await bench.standing({ master }))
      await isRefused(bench, { master, mode: 'passthru' }, '')
    })
  ),
  alone(
    macvlan('P177', 'R', 'the MTU is the parent’s, or a smaller one that was asked for', async (bench) => {
      for (const [mtu, seen] of [
        [0, 1500],
        [1400, 1400]
      ] as const) {
        const pod = await bench.addedPod(await bench.standing({ mtu }))
        assert.equal((await mustHave(pod.place, 'eth0')).mtu, seen)
        await pod.end()
      }
      for (const mtu of [9000, -1]) await isRefused(bench, { mtu }, 'MTU')
    })
  ),
  alone(
    macvlan(
      'P178',
      'B',
      'without a parent and without a default route ADD fails and DEL succeeds',
      async (bench) => {
        const pod = await bench.pod()
        await bench.host.run(['ip', 'route', 'del', 'default'])
        await bench.host.run(['ip', '-6', 'route', 'del', 'default'])
        const options = { ...(await bench.standing({})), keys: { master: undefined } }
        failed(await pod.add(options))
        succeeded(await pod.del(options))
      }
    ),
    'parent by default route'
  ),
  alone(
    macvlan(
      'P179',
      'S',
      'a parent that there is not is named; DEL succeeds and nothing is left',
      async (bench) => {
        const keys = { master: 'nobody0' }
        await isRefused(bench, keys, 'nobody0')
        const pod = await bench.pod()
        const options = await bench.standing(keys)
        failed(await pod.add(options))
        succeeded(await pod.del(options))
      }
    )
  ),
  macvlan(
    'P180',
    'R',
    'a MAC is taken from `runtimeConfig`, else from `CNI_ARGS`, else from the config',
    async (bench) => {
      const [first, second, third] = ['02:00:00:00:00:aa', '02:00:00:00:00:bb', '02:00:00:00:00:cc']
      const args = `IgnoreUnknown=1;MAC=${second}`
      const calls = [
        { runtime: { mac: first }, args, keys: { mac: third } },
        { args, keys: { mac: third } },
        { keys: { mac: third } }
      ]
      for (const [index, wanted] of [first, second, third].entries()) {
        const pod = await bench.addedPod(calls[index])
        assert.equal((await mustHave(pod.place, 'eth0')).address, wanted)
        await pod.end()
      }
    }
  ),
  {
    ...macvlan('P181', 'R', 'without IPAM the pod has a link and no address', async (bench) => {
      const pod = await bench.addedPod({ keys: { ipam: undefined } })
      assert.equal(pod.resultOf().ips, undefined)
      const eth0 = await mustHave(pod.place, 'eth0')
      assert(eth0.flags.includes('UP'))
      assert.deepEqual(addressesOn(eth0), [])
    }),
    needs: ['macvlan', 'layer 2']
  },
  {
    ...macvlan('P182', 'R', 'with `linkInContainer` the parent is looked up in the pod', async (bench) => {
      const pod = await bench.pod()
      await ip(pod.place, 'link', 'add', 'name', 'inner0', 'type', 'veth', 'peer', 'name', 'inner1')
      await pod.must({ keys: { master: 'inner0', linkInContainer: true } })
      await mustHave(pod.place, 'eth0')
    }),
    needs: ['macvlan', 'parent in the pod']
  },
  macvlan('P183', 'R', 'the pod’s interface may have the name of the parent', async (bench) => {
    const { address } = await mustHave(bench.host, 'eth0')
    await bench.addedPod({ ifname: 'eth0' })
    assert.equal((await mustHave(bench.host, 'eth0')).address, address)
  }),
  alone(
    macvlan(
      'P184',
      'R',
      'pods of one parent reach each other in mode bridge alone; the outside in each',
      async (bench) => {
        for (const mode of ['bridge', 'private']) {
          const options = await bench.standing({ mode })
          const [one, two] = [await bench.addedPod(options), await bench.addedPod(options)]
          await reaches(one.place, OUTSIDE.v4)
          if (mode === 'bridge') await reaches(one.place, two.address)
          else await reachesNot(one.place, two.address)
          await one.end()
          await two.end()
        }
      }
    )
  ),
  macvlan('P185', 'B', 'the node reaches its own pods, and they reach it', async (bench) => {
    const pod = await bench.addedPod()
    await reaches(bench.host, pod.address)
    await reaches(pod.place, HOST.v4)
  }),
  {
    ...macvlan('P186', 'B', 'CHECK says when the parent is down', async (bench) => {
      const pod = await bench.addedPod()
      await ip(bench.host, 'link', 'set', 'dev', 'eth0', 'down')
      failed(await pod.check())
    }),
    isFresh: true
  },
  macvlan(
    'P187',
    'B',
    'when an address is another pod’s now, the segment knows within a second',
    async (bench) => {
      const former = await bench.addedPod()
      const { address } = former
      await reaches(bench.outside, address)
      succeeded(await former.del())
      await bench.addedPod({ args: `IgnoreUnknown=1;IP=${address}` })
      await reaches(bench.outside, address)
    }
  ),
  {
    ...macvlan('P188', 'R', 'there is a default route where IPAM names one, and else none', async (bench) => {
      const routed = await bench.addedPod({ ipam: { routes: [{ dst: '0.0.0.0/0', gw: OUTSIDE.v4 }] } })
      assert.match(await ip(routed.place, 'route', 'show', 'default'), /via 192\.0\.2\.254/)
      const plain = await bench.addedPod()
      assert.equal(await ip(plain.place, 'route', 'show', 'default'), '')
    }),
    needs: ['macvlan', 'routes of macvlan']
  },
  alone(
    ipvlan('P189', 'B', 'ipvlan: one parent has one mode; a second one is explained', async (bench) => {
      for (const mode of ['l2', 'l3', 'l3s']) assert.equal(await modeOf(bench, mode), mode)
      await ip(bench.host, ...'link add link eth0 name theirs0 type ipvlan mode l2'.split(' '))
      await isRefused(bench, { mode: 'l3' }, 'eth0')
    })
  ),
  ipvlan('P190', 'R', 'ipvlan: a MAC that is asked for is refused, or the parent’s stays', async (bench) => {
    const pod = await bench.pod()
    const ran = await pod.add({ runtime: { mac: '02:00:00:00:00:aa' } })
    if (ran.status !== 0) failed(ran)
    else
      assert.equal((await mustHave(pod.place, 'eth0')).address, (await mustHave(bench.host, 'eth0')).address)
  }),
  {
    ...macvlan(
      'P191',
      'B',
      'a VLAN of the parent is made for the first pod and goes with the last',
      async (bench) => {
        const keys = { master: 'eth0.100' }
        const [first, second] = [await bench.addedPod({ keys }), await bench.addedPod({ keys })]
        succeeded(await first.del({ keys }))
        await mustHave(bench.host, 'eth0.100')
        succeeded(await second.del({ keys }))
        assert.equal(await deviceIn(bench.host, 'eth0.100'), undefined)
      }
    ),
    needs: ['macvlan', 'vlan devices']
  },
  alone(
    macvlan(
      'P192',
      'S',
      'DEL succeeds when the parent was removed, and the pod’s interface with it',
      async (bench) => {
        const options = await bench.standing({ master: await addCard(bench) })
        const pod = await bench.addedPod(options)
        await ip(bench.host, 'link', 'del', 'dev', 'card0')
        succeeded(await pod.del(options))
      }
    )
  ),
  alone(
    macvlan('P193', 'R', 'CHECK sees another mode and another parent', async (bench) => {
      const other = await bench.addedPod()
      await ip(other.place, ...'link set dev eth0 type macvlan mode private'.split(' '))
      failed(await other.check())
      const moved = await bench.addedPod()
      const { address: mac } = await mustHave(moved.place, 'eth0')
      await ip(moved.place, 'link', 'del', 'dev', 'eth0')
      const child = ['link', await addCard(bench), 'name', 'eth0', 'netns', moved.netns, 'address', mac]
      await ip(bench.host, 'link', 'add', ...child, 'type', 'macvlan', 'mode', 'bridge')
      await ip(moved.place, 'link', 'set', 'dev', 'eth0', 'up')
      await ip(moved.place, 'address', 'add', moved.resultOf().ips?.[0]?.address ?? '', 'dev', 'eth0')
      failed(await moved.check())
    })
  )
]
