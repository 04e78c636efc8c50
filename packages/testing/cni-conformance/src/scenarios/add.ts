import { strict as assert } from 'node:assert'
import { answerOn, askTcp } from '@trilane/testbed'
import { HOST, OUTSIDE } from '../bench.ts'
import { addressesOn, deviceIn, ip, mustHave, reaches, soonReaches, sysctl } from '../look.ts'
import type { Scenario } from '../scenario.ts'
import { checkShape } from '../schema.ts'
import { added, failed, failedNaming, succeeded } from '../verify.ts'

export const ADD: readonly Scenario[] = [
  {
    id: 'P50',
    title: 'a result has the shape of its config’s version, for every version',
    tag: 'S',
    run: async (bench) => {
      for (const version of bench.target.versions) {
        const pod = await bench.pod()
        checkShape(added(await pod.add({ version })), version)
      }
    }
  },
  {
    id: 'P51',
    title: 'the result names bridge, the node’s end and the pod’s end, and is what the kernel has',
    tag: 'R',
    needs: ['bridge'],
    run: async (bench) => {
      const pod = await bench.addedPod()
      const { interfaces = [], ips = [] } = pod.resultOf()
      const sandboxes = interfaces.map(({ sandbox = '' }) => sandbox)
      assert.deepEqual(sandboxes, ['', '', pod.netns])
      assert.deepEqual(
        ips.map((entry) => entry.interface),
        [2]
      )
      assert.equal(interfaces[0]?.name, bench.subject.bridge)
      for (const { name, mac, sandbox = '' } of interfaces) {
        const device = await mustHave(sandbox === '' ? bench.host : pod.place, name)
        assert.equal(device.address, mac, `the MAC of ${name}`)
      }
      const inside = await mustHave(pod.place, 'eth0')
      assert.deepEqual(
        addressesOn(inside),
        ips.map(({ address }) => address)
      )
    }
  },
  {
    id: 'P52',
    title:
      'in the pod: the interface up, its address, its network on the link, a default route by the gateway',
    tag: 'R',
    run: async (bench) => {
      const pod = await bench.addedPod()
      const [entry] = pod.resultOf().ips ?? []
      const eth0 = await mustHave(pod.place, 'eth0')
      assert(eth0.flags.includes('LOWER_UP'), 'eth0 is not up')
      const routes = await ip(pod.place, 'route', 'show')
      assert.match(routes, new RegExp(`^default via ${entry?.gateway} dev eth0`, 'm'))
      assert.match(routes, /^10\.90\.\d+\.0\/\d+ dev eth0/m)
    }
  },
  {
    id: 'P53',
    title:
      'on the node: the bridge up with the gateway’s address, forwarding on, the node’s end a port that is up',
    tag: 'R',
    needs: ['bridge'],
    run: async (bench) => {
      const pod = await bench.addedPod()
      const bridge = await mustHave(bench.host, bench.subject.bridge)
      assert(bridge.flags.includes('UP'))
      assert(addressesOn(bridge).includes(`${pod.resultOf().ips?.[0]?.gateway}/24`))
      const port = await mustHave(bench.host, pod.hostDevice)
      assert.equal(port.master, bench.subject.bridge)
      assert(port.flags.includes('LOWER_UP'))
      assert.equal(await sysctl(bench.host, 'net/ipv4/ip_forward'), '1')
    }
  },
  {
    id: 'P54',
    title: 'the first packet reaches gateway, other pods and the outside, which sees the node’s address',
    tag: 'R',
    needs: ['bridge'],
    run: async (bench) => {
      const first = await bench.addedPod()
      const second = await bench.addedPod()
      await reaches(first.place, first.resultOf().ips?.[0]?.gateway ?? '')
      await reaches(second.place, first.address)
      await reaches(first.place, OUTSIDE.v4)
      await answerOn(bench.outside, 8_000)
      try {
        assert.equal(await askTcp(first.place, OUTSIDE.v4, 8_000), `outside sees ${HOST.v4}`)
      } finally {
        await bench.outside.stopPrograms()
      }
    }
  },
  {
    id: 'P55',
    title: '`mtu` is the MTU of both ends and of a new bridge',
    tag: 'R',
    needs: ['bridge', 'bridge keys'],
    isFresh: true,
    run: async (bench) => {
      const pod = await bench.addedPod({ keys: { mtu: 1450 } })
      const { bridge } = bench.subject
      for (const name of [bridge, pod.hostDevice]) assert.equal((await mustHave(bench.host, name)).mtu, 1450)
      assert.equal((await mustHave(pod.place, 'eth0')).mtu, 1450)
    }
  },
  {
    id: 'P56',
    title: 'without `mtu` a pod’s MTU is the uplink’s',
    tag: 'B',
    isFresh: true,
    run: async (bench) => {
      await ip(bench.host, 'link', 'set', 'dev', 'eth0', 'mtu', '1450')
      const deadline = performance.now() + 5_000
      for (;;) {
        const pod = await bench.addedPod()
        const { mtu } = await mustHave(pod.place, 'eth0')
        if (mtu === 1450) return
        assert(performance.now() < deadline, `it is ${mtu}`)
        await pod.end()
      }
    }
  },
  {
    id: 'P57',
    title: 'with two families a pod has an address and a default route of each, and both serve at once',
    tag: 'R',
    setup: { pool: 'dual' },
    run: async (bench) => {
      const pod = await bench.addedPod()
      const eth0 = await mustHave(pod.place, 'eth0')
      assert.equal(addressesOn(eth0).length, 2)
      assert(
        !eth0.addr_info.some(({ tentative, scope }) => tentative === true && scope === 'global'),
        'tentative'
      )
      for (const { gateway = '' } of pod.resultOf().ips ?? []) await soonReaches(pod.place, gateway)
      assert.match(await ip(pod.place, '-4', 'route', 'show', 'default'), /via 10\./)
      assert.match(await ip(pod.place, '-6', 'route', 'show', 'default'), /via fd90:/)
      if (bench.target.lacks.bridge === undefined)
        assert.equal(await sysctl(bench.host, 'net/ipv6/conf/all/forwarding'), '1')
    }
  },
  {
    id: 'P58',
    title: 'ADD does not wait for duplicate address detection: less than 300 ms',
    tag: 'B',
    setup: { pool: 'dual' },
    run: async (bench) => {
      const took: number[] = []
      for (const pod of await bench.pods(3)) {
        const ran = await pod.add()
        added(ran)
        took.push(ran.tookMs)
      }
      const limitMs = 300 * (await bench.slowness())
      assert(Math.min(...took) < limitMs, `it took ${took.map(Math.round)} ms`)
    }
  },
  {
    id: 'P59',
    title: 'where the pod has IPv6 switched off, it is on for its interface',
    tag: 'R',
    setup: { pool: 'dual' },
    run: async (bench) => {
      const pod = await bench.pod()
      await pod.place.run([
        'sysctl',
        '-q',
        '-w',
        'net/ipv6/conf/all/disable_ipv6=1',
        'net/ipv6/conf/default/disable_ipv6=1'
      ])
      const { ips = [] } = await pod.must()
      await soonReaches(pod.place, ips[1]?.gateway ?? '')
    }
  },
  {
    id: 'P60',
    title: 'three ranges of IPv4 are three addresses with one default route',
    tag: 'R',
    needs: ['bridge', 'ipam keys'],
    run: async (bench) => {
      const ranges = ['10.90.0.0/24', '10.92.0.0/24', '10.93.0.0/24'].map((subnet) => [{ subnet }])
      const keys = { isGateway: false, isDefaultGateway: false, ipMasq: false }
      const pod = await bench.addedPod({ keys, ipam: { ranges, routes: [{ dst: '0.0.0.0/0' }] } })
      assert.equal(addressesOn(await mustHave(pod.place, 'eth0')).length, 3)
      assert.equal((await ip(pod.place, 'route', 'show', 'default')).trim().split('\n').length, 1)
    }
  },
  {
    id: 'P61',
    title: 'versions that know one address of a family refuse more before anything is made',
    tag: 'R',
    needs: ['ipam keys'],
    run: async (bench) => {
      const ranges = ['10.90.0.0/24', '10.92.0.0/24'].map((subnet) => [{ subnet }])
      const pod = await bench.pod()
      const before = await bench.footprint()
      failedNaming(
        await pod.add({ version: '0.2.0', ipam: { ranges } }),
        'CNI version 0.2.0 does not support more than 1 address per family'
      )
      // host-local cannot read such a config for DEL either, so a plugin may remember that it was asked.
      await bench.leftAs(before, 300, (line) => !line.startsWith('file '))
    }
  },
  {
    id: 'P62',
    title: '`isGateway` alone puts the gateway on the bridge and no default route into the pod',
    tag: 'R',
    needs: ['bridge', 'gateway keys'],
    run: async (bench) => {
      const pod = await bench.addedPod({ keys: { isGateway: true, isDefaultGateway: false }, ipam: {} })
      assert.equal(await ip(pod.place, 'route', 'show', 'default'), '')
      const gateway = pod.resultOf().ips?.[0]?.gateway ?? ''
      assert(addressesOn(await mustHave(bench.host, bench.subject.bridge)).includes(`${gateway}/24`))
      await reaches(pod.place, gateway)
    }
  },
  {
    id: 'P63',
    title: 'a default route that IPAM names with a gateway is kept, and none is added',
    tag: 'R',
    needs: ['bridge', 'gateway keys', 'ipam keys'],
    run: async (bench) => {
      const first = (await bench.addedPod({ ipam: {} })).resultOf().ips?.[0]?.gateway ?? ''
      const gw = first.replace(/\d+$/, '254')
      const pod = await bench.addedPod({ ipam: { routes: [{ dst: '0.0.0.0/0', gw }] } })
      const routes = await ip(pod.place, 'route', 'show', 'default')
      assert.match(routes, new RegExp(`^default via ${gw} [^\\n]*\\n$`))
    }
  },
  {
    id: 'P64',
    title: 'routes of IPAM have the priority, table, scope, MTU and advmss that were asked for',
    tag: 'B',
    needs: ['ipam keys', 'route MTU'],
    run: async (bench) => {
      const routes = [
        { dst: '203.0.113.0/24' },
        { dst: '198.51.100.0/24', gw: '10.90.0.1', priority: 77, table: 200, mtu: 1400, advmss: 1300 }
      ]
      const pod = await bench.addedPod({ ipam: { routes } })
      assert.match(await ip(pod.place, 'route', 'show', '203.0.113.0/24'), /via 10\.90\.0\.1/)
      const other = await pod.place.run(['ip', 'route', 'show', 'table', '200'], { anyStatus: true })
      assert.match(other.stdout, /198\.51\.100\.0\/24 via 10\.90\.0\.1 .*metric 77.* mtu 1400 advmss 1300/)
    }
  },
  {
    id: 'P65',
    title: 'without IPAM a pod has a link and no address',
    tag: 'R',
    needs: ['layer 2'],
    run: async (bench) => {
      const pod = await bench.addedPod({ keys: { ipam: undefined, isDefaultGateway: false, ipMasq: false } })
      assert.equal(pod.resultOf().ips, undefined)
      const eth0 = await mustHave(pod.place, 'eth0')
      assert(eth0.flags.includes('UP'))
      assert.deepEqual(addressesOn(eth0), [])
    }
  },
  {
    id: 'P66',
    title: 'versions that cannot say so refuse it, and nothing is left',
    tag: 'B',
    needs: ['layer 2'],
    run: async (bench) => {
      const keys = { ipam: undefined, isDefaultGateway: false, ipMasq: false }
      for (const version of ['0.1.0', '0.2.0']) {
        const pod = await bench.pod()
        await bench.unchanged(async () => failed(await pod.add({ version, keys })))
        assert.equal(await deviceIn(pod.place, 'eth0'), undefined)
        succeeded(await pod.del({ version, keys }))
      }
    }
  }
]
