import { strict as assert } from 'node:assert'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { answerOn, askTcp } from '@trilane/testbed'
import type { Bench } from '../bench.ts'
import { HOST, OUTSIDE } from '../bench.ts'
import { mustHave, reaches } from '../look.ts'
import type { CallOptions, Pod } from '../pod.ts'
import { NotApplicable, type Scenario } from '../scenario.ts'
import { added, failed, succeeded, wordsOf } from '../verify.ts'

const PORTS = ['port mappings'] as const

const mapped = (...portMappings: readonly object[]): CallOptions => ({ runtime: { portMappings } })

/** A pod that answers on port 80. */
async function server(bench: Bench, options: CallOptions): Promise<Pod> {
  const pod = await bench.pod()
  await answerOn(pod.place, 80)
  await pod.must(options)
  return pod
}

async function answers(from: Pod['place'], address: string, port: number, pod: Pod): Promise<void> {
  const deadline = performance.now() + 6_000
  for (;;) {
    const said = await askTcp(from, address, port)
    if (said.startsWith(`${pod.place.name} sees`)) return
    assert(performance.now() < deadline, `${from.name} asks ${address} port ${port}: ${said}`)
  }
}

async function isSilent(from: Pod['place'], address: string, port: number): Promise<void> {
  const said = await askTcp(from, address, port)
  assert(['refused', 'silence'].includes(said), `${from.name} asks ${address} port ${port}: ${said}`)
}

/** Debian's. */
const REFERENCE = '/usr/lib/cni'

export const CHAINING: readonly Scenario[] = [
  {
    id: 'P194',
    title: 'port mappings as containerd spells them are port mappings',
    tag: 'R',
    needs: PORTS,
    run: async (bench) => {
      const pod = await server(
        bench,
        mapped({ HostPort: 8080, ContainerPort: 80, Protocol: 'TCP', HostIP: '' })
      )
      await answers(bench.outside, HOST.v4, 8080, pod)
    }
  },
  {
    id: 'P195',
    title:
      'a host port leads to the pod from outside, from the node and from the pod itself, by the addresses that were asked for',
    tag: 'R',
    needs: PORTS,
    setup: { pool: 'dual' },
    run: async (bench) => {
      const ports = [
        { hostPort: 8080, containerPort: 80, protocol: 'tcp' },
        { hostPort: 8081, containerPort: 80, protocol: 'tcp', hostIP: '127.0.0.1' },
        { hostPort: 8082, containerPort: 80, protocol: 'tcp', hostIP: HOST.v4 },
        { hostPort: 8083, containerPort: 80, protocol: 'sctp' }
      ]
      const pod = await server(bench, { ...mapped(...ports), keys: { hairpinMode: true } })
      const { host, outside } = bench
      for (const address of [HOST.v4, HOST.v6]) await answers(outside, address, 8080, pod)
      for (const from of [host, pod.place]) await answers(from, HOST.v4, 8080, pod)
      await answers(host, '127.0.0.1', 8080, pod)
      await answers(host, '127.0.0.1', 8081, pod)
      await answers(outside, HOST.v4, 8082, pod)
      await isSilent(outside, HOST.v4, 8081)
      await isSilent(outside, HOST.v6, 8082)
      const { stdout } = await host.run(['nft', 'list', 'ruleset'])
      assert.match(stdout, /sctp[^\n]*8083/)
    }
  },
  {
    id: 'P196',
    title:
      'a mapping without a host port is passed over, as runtimes send them; ports that are none are refused',
    tag: 'B',
    needs: PORTS,
    run: async (bench) => {
      await bench.addedPod(mapped({ hostPort: 0, containerPort: 80, protocol: 'tcp' }))
      await bench.addedPod(mapped({ containerPort: 80, protocol: 'tcp' }))
      for (const mapping of [
        { hostPort: 8080, containerPort: 0 },
        { hostPort: 65_536, containerPort: 80 }
      ]) {
        const pod = await bench.pod()
        await bench.unchanged(async () => failed(await pod.add(mapped({ ...mapping, protocol: 'tcp' }))))
      }
    }
  },
  {
    id: 'P197',
    title: 'of two pods that claim one host port, the end of one leaves it to the other',
    tag: 'B',
    needs: PORTS,
    run: async (bench) => {
      const options = mapped({ hostPort: 8080, containerPort: 80, protocol: 'tcp' })
      const first = await server(bench, options)
      const second = await bench.pod()
      await answerOn(second.place, 80)
      await second.add(options)
      const said = await askTcp(bench.outside, HOST.v4, 8080)
      const [winner, loser] = said.startsWith(`${second.place.name} sees`) ? [second, first] : [first, second]
      succeeded(await loser.del(options))
      await answers(bench.outside, HOST.v4, 8080, winner)
    }
  },
  {
    id: 'P198',
    title: '`aliases` as a list and as podman’s map are taken',
    tag: 'R',
    run: async (bench) => {
      for (const aliases of [['a', 'b'], { pods: ['a', 'b'] }]) await bench.addedPod({ runtime: { aliases } })
    }
  },
  {
    id: 'P199',
    title: 'limits without a burst, with 0 or with the largest number are taken, and limit sanely',
    tag: 'B',
    needs: ['bandwidth'],
    run: async (bench) => {
      for (const burst of [
        {},
        { ingressBurst: 0, egressBurst: 0 },
        { ingressBurst: 4_294_967_295, egressBurst: 4_294_967_295 }
      ]) {
        const bandwidth = { ingressRate: 8_000_000, egressRate: 8_000_000, ...burst }
        const pod = await bench.addedPod({ runtime: { bandwidth } })
        const { stdout } = await bench.host.run(['tc', '-json', 'qdisc', 'show', 'dev', pod.hostDevice])
        const [tbf] = (JSON.parse(stdout) as { kind: string; options: { burst: number } }[]).filter(
          ({ kind }) => kind === 'tbf'
        )
        assert(tbf !== undefined, 'there is no limit')
        assert(tbf.options.burst < 10_000_000, `${tbf.options.burst} bytes may pass at once`)
        await pod.end()
      }
    }
  },
  {
    id: 'P200',
    title: 'annotations of Kubernetes are taken',
    tag: 'R',
    run: async (bench) => {
      await bench.addedPod({ runtime: { 'io.kubernetes.cri.pod-annotations': { a: 'b' } } })
    }
  },
  {
    id: 'P201',
    title: '`CNI_ARGS` of Kubernetes are taken in any order',
    tag: 'R',
    run: async (bench) => {
      const pairs = [
        'IgnoreUnknown=1',
        'K8S_POD_NAMESPACE=a',
        'K8S_POD_NAME=b',
        'K8S_POD_INFRA_CONTAINER_ID=c'
      ]
      for (const order of [pairs, [...pairs].reverse()]) await bench.addedPod({ args: order.join(';') })
    }
  },
  {
    id: 'P202',
    title:
      'the reference plugins portmap, bandwidth, tuning and firewall work behind it: ADD, CHECK of ours, DEL',
    tag: 'R',
    needs: ['bridge'],
    isFresh: true,
    run: async (bench) => {
      const pod = await bench.addedPod()
      const mac = '02:00:00:00:00:99'
      const chain = [
        {
          type: 'portmap',
          runtimeConfig: { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }] }
        },
        {
          type: 'bandwidth',
          ingressRate: 80_000_000,
          ingressBurst: 8_000_000,
          egressRate: 80_000_000,
          egressBurst: 8_000_000
        },
        { type: 'tuning', mac },
        { type: 'firewall' }
      ]
      if (!existsSync(join(REFERENCE, 'firewall')))
        throw new NotApplicable('the reference plugins are not installed')
      let prevResult: unknown = pod.resultOf()
      const call = (verb: string, { type, ...config }: { readonly type: string }) => {
        const link = { program: join(REFERENCE, type), config: {} }
        const stdin = { cniVersion: '1.0.0', name: 'pods', type, ...config, prevResult }
        return bench.raw(bench.podEnv(verb, pod), JSON.stringify(stdin), {}, link)
      }
      for (const plugin of chain) prevResult = added(await call('ADD', plugin))
      assert.equal((await mustHave(pod.place, 'eth0')).address, mac)
      await answerOn(pod.place, 80)
      await answers(bench.outside, HOST.v4, 8080, pod)
      succeeded(await pod.check({ prevResult }))
      for (const plugin of [...chain].reverse()) {
        const ran = await call('DEL', plugin)
        assert.equal(ran.status, 0, wordsOf(ran))
      }
      succeeded(await pod.del({ prevResult }))
    }
  },
  {
    id: 'P203',
    title: 'two networks may be attached to a pod at the same time',
    tag: 'R',
    run: async (bench) => {
      for (const pod of await bench.pods(5)) {
        await Promise.all([pod.must(), pod.must({ name: 'others', ifname: 'net1' })])
        await reaches(pod.place, HOST.v4)
        await Promise.all([pod.del(), pod.del({ name: 'others', ifname: 'net1' })])
      }
    }
  },
  {
    id: 'P204',
    title: 'containerd’s DEL with the namespace and two without it succeed',
    tag: 'R',
    run: async (bench) => {
      const before = await bench.footprint()
      const pod = await bench.addedPod()
      for (const netns of [pod.netns, '', '']) succeeded(await pod.del({ netns }))
      await bench.leftAs(before)
    }
  },
  {
    id: 'P205',
    title: 'podman’s reload, DEL and ADD with its address and MAC, gives both back',
    tag: 'B',
    run: async (bench) => {
      const pod = await bench.addedPod()
      const { address } = pod
      const mac = (await mustHave(pod.place, 'eth0')).address
      succeeded(await pod.del())
      await pod.must({ args: `IgnoreUnknown=1;IP=${address};MAC=${mac}` })
      assert.equal(pod.address, address)
      assert.equal((await mustHave(pod.place, 'eth0')).address, mac)
      await reaches(pod.place, OUTSIDE.v4)
    }
  },
  {
    id: 'P206',
    title: 'VERSION costs less than 10 ms, beside the start of a program that does nothing',
    tag: 'B',
    run: async (bench) => {
      const script = `t() { date +%s%N; }; a=$(t); v=$("$0"); b=$(t); n=$(/bin/true); c=$(t)
        case $v in *supportedVersions*) echo $((b - a - (c - b))) ;; *) exit 1 ;; esac`
      const tookMs: number[] = []
      for (let time = 0; time < 20; time++) {
        const { stdout } = await bench.host.run(['sh', '-c', script, bench.subject.main.program], {
          env: { CNI_COMMAND: 'VERSION' }
        })
        tookMs.push(Number(stdout) / 1e6)
      }
      const median = tookMs.sort((a, b) => a - b)[10] ?? Number.NaN
      assert(median < 10, `the median is ${median} ms`)
    }
  }
]
