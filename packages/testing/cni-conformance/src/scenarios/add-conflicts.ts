import { strict as assert } from 'node:assert'
import { setTimeout as sleep } from 'node:timers/promises'
import { startCapture } from '@trilane/testbed'
import { OUTSIDE } from '../bench.ts'
import { addressesOn, deviceIn, ip, mustHave, reaches, reachesNot } from '../look.ts'
import type { Scenario } from '../scenario.ts'
import { added, failed, failedNaming, succeeded } from '../verify.ts'

export const ADD_CONFLICTS: readonly Scenario[] = [
  {
    id: 'P67',
    title: 'a bridge that is there is used; its other ports and its MTU stay',
    tag: 'R',
    needs: ['bridge'],
    run: async (bench) => {
      const { host, subject } = bench
      const { bridge } = subject
      await ip(host, 'link', 'add', 'name', 'other0', 'type', 'veth', 'peer', 'name', 'other1')
      await ip(host, 'link', 'set', 'dev', 'other0', 'master', bridge, 'up')
      const { mtu } = await mustHave(host, bridge)
      try {
        const pod = await bench.addedPod()
        assert.equal((await mustHave(host, 'other0')).master, bridge)
        await pod.end()
        assert.equal((await mustHave(host, 'other0')).master, bridge)
        assert.equal((await mustHave(host, bridge)).mtu, mtu)
      } finally {
        await ip(host, 'link', 'del', 'dev', 'other0')
      }
    }
  },
  {
    id: 'P68',
    title: 'a device that bears the bridge’s name and is none is named, and stays',
    tag: 'R',
    needs: ['bridge'],
    isFresh: true,
    run: async (bench) => {
      const { host, subject } = bench
      const { agent, bridge } = subject
      await agent?.kill()
      await host.run(['ip', 'link', 'del', 'dev', bridge], { anyStatus: true })
      await ip(host, 'link', 'add', 'name', bridge, 'type', 'veth', 'peer', 'name', 'other1')
      await agent?.start([], false)
      const pod = await bench.pod()
      const ran = await untilSaid(() => pod.add(), bridge)
      failedNaming(ran, bridge, 'bridge')
      assert.equal((await mustHave(host, bridge)).linkinfo?.info_kind, 'veth')
      assert.equal(await deviceIn(pod.place, 'eth0'), undefined)
      succeeded(await pod.del())
    }
  },
  {
    id: 'P69',
    title: 'another address of the bridge is an error, or replaced with `forceAddress`',
    tag: 'R',
    needs: ['bridge', 'bridge keys'],
    isFresh: true,
    run: async (bench) => {
      const { host, subject } = bench
      // With a MAC of its own: one without ports and without that has none that could be kept.
      await ip(host, 'link', 'add', 'name', subject.bridge, 'address', '02:00:00:00:00:b0', 'type', 'bridge')
      await ip(host, 'address', 'add', '10.99.0.1/24', 'dev', subject.bridge)
      const pod = await bench.pod()
      failedNaming(await pod.add(), 'already has an IP address different from')
      await pod.del()
      await pod.must({ keys: { forceAddress: true } })
      assert.deepEqual(addressesOn(await mustHave(host, subject.bridge)), ['10.90.0.1/24'])
    }
  },
  {
    id: 'P70',
    title: 'another IPv6 address of the bridge stays beside the gateway’s',
    tag: 'R',
    needs: ['bridge'],
    setup: { pool: 'dual' },
    run: async (bench) => {
      const { host, subject } = bench
      const { bridge } = subject
      await ip(host, 'address', 'add', 'fd99::1/64', 'dev', bridge, 'nodad')
      const pod = await bench.addedPod()
      const addresses = addressesOn(await mustHave(host, bridge))
      await host.run(['ip', 'address', 'del', 'fd99::1/64', 'dev', bridge], { anyStatus: true })
      assert(addresses.includes('fd99::1/64'), 'the other one is gone')
      assert(addresses.includes(`${pod.resultOf().ips?.[1]?.gateway}/64`), 'the gateway’s is not there')
    }
  },
  {
    id: 'P71',
    title: '`hairpinMode` decides whether frames may go back where they came from',
    tag: 'R',
    needs: ['bridge', 'bridge keys'],
    run: async (bench) => {
      for (const hairpinMode of [true, false]) {
        const pod = await bench.addedPod({ keys: { hairpinMode } })
        const port = await mustHave(bench.host, pod.hostDevice)
        assert.equal(port.linkinfo?.info_slave_data?.hairpin, hairpinMode)
      }
    }
  },
  {
    id: 'P72',
    title: '`hairpinMode` and `promiscMode` together are refused',
    tag: 'R',
    needs: ['bridge', 'bridge keys'],
    run: async (bench) => {
      const pod = await bench.pod()
      const ran = await pod.add({ keys: { hairpinMode: true, promiscMode: true } })
      failed(ran, { code: [7, 999], msg: /^cannot set hairpin mode and promiscuous mode at the same time/ })
    }
  },
  {
    id: 'P73',
    title: 'an interface of that name in the pod is an error; it stays, and nothing else does',
    tag: 'S',
    run: async (bench) => {
      const pod = await bench.pod()
      await ip(pod.place, 'link', 'add', 'name', 'eth0', 'type', 'veth', 'peer', 'name', 'other0')
      const { address } = await mustHave(pod.place, 'eth0')
      await bench.unchanged(async () => failed(await pod.add()))
      assert.equal((await mustHave(pod.place, 'eth0')).address, address)
    }
  },
  {
    id: 'P74',
    title:
      'two attachments of a pod have an address and a link each; the end of one leaves the other as it was',
    tag: 'B',
    needs: ['bridge'],
    run: async (bench) => {
      const pod = await bench.addedPod()
      const one = await bench.footprint()
      added(await pod.add({ ifname: 'net1' }))
      const second = pod.resultOf('net1').ips?.[0]?.address.split('/')[0] ?? ''
      assert.notEqual(second, pod.address)
      await reaches(bench.host, pod.address)
      await reaches(bench.host, second)
      succeeded(await pod.del({ ifname: 'net1' }))
      await bench.leftAs(one)
      await reaches(pod.place, OUTSIDE.v4)
      await reachesNot(bench.host, second)
    }
  },
  {
    id: 'P75',
    title: 'a MAC is taken from `runtimeConfig`, else from `args.cni`, else from `CNI_ARGS`',
    tag: 'R',
    needs: ['requested MAC'],
    run: async (bench) => {
      const [first, second, third] = ['02:00:00:00:00:aa', '02:00:00:00:00:bb', '02:00:00:00:00:cc']
      const keys = { args: { cni: { mac: second } } }
      const args = `MAC=${third};IgnoreUnknown=1`
      const calls = [{ runtime: { mac: first }, keys, args }, { keys, args }, { args }]
      for (const [index, wanted] of [first, second, third].entries()) {
        const pod = await bench.addedPod(calls[index])
        assert.equal(pod.resultOf().interfaces?.at(-1)?.mac, wanted)
        assert.equal((await mustHave(pod.place, 'eth0')).address, wanted)
      }
    }
  },
  {
    id: 'P76',
    title: 'a MAC that cannot be one is named, and nothing is left',
    tag: 'B',
    run: async (bench) => {
      for (const mac of ['01:00:00:00:00:01', 'x', '00:00:00:00:00:00']) {
        const pod = await bench.pod()
        await bench.unchanged(async () => {
          const ran = await pod.add({ runtime: { mac } })
          failed(ran, { code: [4, 7] })
          failedNaming(ran, mac)
        })
      }
    }
  },
  {
    id: 'P77',
    title: 'the same pod has the same MAC again',
    tag: 'B',
    run: async (bench) => {
      const pod = await bench.addedPod()
      const { address } = await mustHave(pod.place, 'eth0')
      succeeded(await pod.del())
      await pod.must()
      assert.equal((await mustHave(pod.place, 'eth0')).address, address)
    }
  },
  {
    id: 'P78',
    title: 'an agent such as udev, which replaces MACs that are random, leaves that of the node’s end alone',
    tag: 'B',
    needs: ['bridge'],
    run: async (bench) => {
      const pod = await bench.addedPod()
      // udev looks at this and nothing else: 3 is "somebody has chosen it".
      const path = `/sys/class/net/${pod.hostDevice}/addr_assign_type`
      const script = `mount -t sysfs sysfs /sys && cat ${path}`
      const { stdout } = await bench.host.run(['unshare', '--mount', 'sh', '-c', script])
      assert.equal(stdout.trim(), '3', 'it is random')
    }
  },
  {
    id: 'P79',
    title: 'the bridge keeps its MAC while pods come and go',
    tag: 'R',
    needs: ['bridge'],
    run: async (bench) => {
      const first = await bench.addedPod()
      const { address } = await mustHave(bench.host, bench.subject.bridge)
      for (const pod of await bench.pods(5)) {
        await pod.must()
        assert.equal((await mustHave(bench.host, bench.subject.bridge)).address, address)
      }
      await first.end()
      assert.equal((await mustHave(bench.host, bench.subject.bridge)).address, address)
    }
  },
  {
    id: 'P80',
    title: '`dns` of the config goes into the result; empty, it is left out or empty',
    tag: 'R',
    run: async (bench) => {
      const dns = {
        nameservers: ['10.96.0.10'],
        domain: 'cluster.local',
        search: ['a'],
        options: ['ndots:5']
      }
      assert.deepEqual((await bench.addedPod({ keys: { dns } })).resultOf().dns, dns)
      assert.deepEqual((await bench.addedPod({ keys: { dns: {} } })).resultOf().dns ?? {}, {})
    }
  },
  {
    id: 'P81',
    title: '20 ADDs at once, with no bridge before them, are 20 pods with 20 addresses',
    tag: 'S',
    isFresh: true,
    run: async (bench) => {
      const pods = await bench.pods(20)
      const results = await Promise.all(pods.map((pod) => pod.must()))
      assert.equal(results.length, 20)
      assert.equal(new Set(pods.map(({ address }) => address)).size, 20)
    }
  },
  {
    id: 'P82',
    title: 'a device that has the name of the node’s end already does not keep a pod away',
    tag: 'R',
    needs: ['bridge', 'random names'],
    run: async (bench) => {
      const pod = await bench.addedPod()
      const name = pod.hostDevice
      succeeded(await pod.del())
      await ip(bench.host, 'link', 'add', 'name', name, 'type', 'veth', 'peer', 'name', 'other1')
      try {
        await pod.must()
        assert.notEqual(pod.hostDevice, name)
        assert.equal((await mustHave(bench.host, name)).master, undefined)
        succeeded(await pod.del())
        await mustHave(bench.host, name)
      } finally {
        await bench.host.run(['ip', 'link', 'del', 'dev', name], { anyStatus: true })
      }
    }
  },
  {
    id: 'P87',
    title: 'when an address is another pod’s now, the node and its neighbours know at once',
    tag: 'B',
    needs: ['bridge'],
    run: async (bench) => {
      const former = await bench.addedPod()
      const watcher = await bench.addedPod()
      const { address } = former
      await reaches(bench.host, address)
      await reaches(watcher.place, address)
      succeeded(await former.del())
      const capture = await startCapture({ place: watcher.place, device: 'eth0', filter: 'arp' })
      const pod = await bench.addedPod({ args: `IP=${address};IgnoreUnknown=1` })
      assert.equal(pod.address, address)
      await reaches(bench.host, address)
      await reaches(watcher.place, address)
      const { address: mac } = await mustHave(pod.place, 'eth0')
      await capture.waitFor(
        'an announcement of the address',
        ({ arp }) => arp?.sender === address && arp.target === address,
        1_000
      )
      await capture.stop()
      assert.match(await ip(watcher.place, 'neigh', 'show', address), new RegExp(mac))
    }
  }
]

/** A moment later when what runs between calls has only just started. */
async function untilSaid<T extends { readonly stdout: string }>(
  call: () => Promise<T>,
  word: string
): Promise<T> {
  const deadline = performance.now() + 5_000
  for (;;) {
    const ran = await call()
    if (ran.stdout.includes(word) || performance.now() > deadline) return ran
    await sleep(50)
  }
}
