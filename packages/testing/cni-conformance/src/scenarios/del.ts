import { strict as assert } from 'node:assert'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { answerOn, keepAskingUdp } from '@trilane/testbed'
import type { Bench } from '../bench.ts'
import { HOST } from '../bench.ts'
import { deviceIn, ip, reaches } from '../look.ts'
import type { CallOptions, Pod } from '../pod.ts'
import type { Scenario } from '../scenario.ts'
import { failed, succeeded } from '../verify.ts'

/** ADD, then DEL as it is given: it succeeds, and nothing is left. */
async function leavesNothing(
  bench: Bench,
  del: CallOptions | ((pod: Pod) => Promise<CallOptions>),
  add: CallOptions = {}
): Promise<void> {
  const before = await bench.footprint()
  const pod = await bench.addedPod(add)
  succeeded(await pod.del(typeof del === 'function' ? await del(pod) : { ...add, ...del }))
  await bench.leftAs(before)
}

const PORTS = { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }] }

export const DEL: readonly Scenario[] = [
  {
    id: 'P114',
    title: 'DEL leaves what was there before ADD',
    tag: 'S',
    run: (bench) => leavesNothing(bench, {})
  },
  {
    id: 'P115',
    title: 'DEL succeeds a second and a third time',
    tag: 'S',
    run: async (bench) => {
      const pod = await bench.addedPod()
      for (let time = 1; time <= 3; time++) succeeded(await pod.del())
    }
  },
  {
    id: 'P116',
    title: 'without `CNI_NETNS`, while the namespace lives, link and address go',
    tag: 'S',
    run: async (bench) => {
      const pod = await bench.addedPod()
      succeeded(await pod.del({ netns: '' }))
      assert.equal(await deviceIn(bench.host, pod.hostDevice), undefined, 'the link is still there')
      assert(
        !(await bench.footprint()).some((line) => line.endsWith(`/${pod.address}`)),
        'the address is still reserved'
      )
    }
  },
  {
    id: 'P117',
    title: 'without `CNI_NETNS` the rules of the firewall go, too',
    tag: 'B',
    needs: ['bridge'],
    run: async (bench) => {
      const before = await bench.footprint()
      const pod = await bench.addedPod()
      await bench.kill(pod)
      succeeded(await pod.del({ netns: '' }))
      await bench.leftAs(before)
    }
  },
  {
    id: 'P118',
    title: 'with a namespace that is no more, everything goes',
    tag: 'S',
    run: async (bench) => {
      const before = await bench.footprint()
      const pod = await bench.addedPod()
      await bench.kill(pod)
      succeeded(await pod.del())
      // What else is left without a namespace is another scenario's matter.
      await bench.leftAs(before, 2_000, (line) => !line.startsWith('rule '))
    }
  },
  {
    id: 'P119',
    title: 'with a plain file in the namespace’s place, everything goes',
    tag: 'B',
    run: async (bench) => {
      const file = join(bench.ground.directory, 'was-a-namespace')
      writeFileSync(file, '')
      await leavesNothing(bench, { netns: file })
    }
  },
  {
    id: 'P120',
    title: 'DEL of versions that hand no `prevResult` over leaves nothing',
    tag: 'S',
    run: async (bench) => {
      for (const version of bench.target.versions.filter((each) => each < '0.4.0')) {
        await leavesNothing(bench, { version, prevResult: null }, { version })
      }
    }
  },
  {
    id: 'P121',
    title: 'DEL with a `prevResult` that cannot be read leaves nothing',
    tag: 'B',
    run: async (bench) => {
      await leavesNothing(bench, { prevResult: { cniVersion: '7', ips: 3 } })
      await leavesNothing(bench, { prevResult: 'x' })
    }
  },
  {
    id: 'P122',
    title: 'DEL of a pod and a network that it never saw succeeds and makes nothing, not even a directory',
    tag: 'S',
    run: async (bench) => {
      const pod = await bench.pod()
      const before = treeOf(bench)
      succeeded(await pod.del({ name: 'never-seen' }))
      assert.deepEqual(treeOf(bench), before)
    }
  },
  {
    id: 'P123',
    title: 'DEL after an ADD that failed succeeds and leaves nothing',
    tag: 'S',
    run: async (bench) => {
      const before = await bench.footprint()
      const other = await bench.addedPod()
      const one = await bench.footprint()
      const failures: readonly CallOptions[] = [
        { netns: '/run/netns/nobody-made-this' },
        { args: `IgnoreUnknown=1;IP=${other.address}` },
        { runtime: { mac: 'x' } }
      ]
      for (const options of failures) {
        const pod = await bench.pod()
        failed(await pod.add(options))
        succeeded(await pod.del({ netns: options.netns ?? pod.netns }))
        await bench.leftAs(one)
      }
      const pod = await bench.pod()
      await ip(pod.place, 'link', 'add', 'name', 'eth0', 'type', 'veth', 'peer', 'name', 'other0')
      failed(await pod.add())
      await bench.leftAs(one)
      succeeded(await other.del())
      await bench.leftAs(before)
    }
  },
  {
    id: 'P124',
    title: 'DEL succeeds and frees the address when the interface was renamed, moved or removed',
    tag: 'S',
    run: async (bench) => {
      for (const words of ['set dev eth0 down name other0', 'set dev eth0 netns %', 'delete dev eth0']) {
        const pod = await bench.addedPod()
        const { namespace } = (await bench.pod()).place
        await ip(pod.place, 'link', ...words.replace('%', namespace).split(' '))
        succeeded(await pod.del())
        assert(!(await bench.footprint()).some((line) => line.endsWith(`/${pod.address}`)), `after ${words}`)
      }
    }
  },
  {
    id: 'P125',
    title: 'DEL without the port mappings of the ADD takes their rules away',
    tag: 'B',
    needs: ['port mappings'],
    run: async (bench) => {
      const before = await bench.footprint()
      const pod = await bench.addedPod({ runtime: PORTS })
      succeeded(await pod.del())
      await bench.leftAs(before)
    }
  },
  {
    id: 'P126',
    title: 'DEL with a changed config cleans up all the same',
    tag: 'B',
    needs: ['bridge'],
    run: (bench) => leavesNothing(bench, { keys: { bridge: 'other0', ipam: undefined, network: 'other' } })
  },
  {
    id: 'P127',
    title: 'DEL succeeds when the bridge is gone',
    tag: 'S',
    needs: ['bridge'],
    isFresh: true,
    run: async (bench) => {
      const pod = await bench.addedPod()
      await ip(bench.host, 'link', 'del', 'dev', bench.subject.bridge)
      succeeded(await pod.del())
      assert.equal(await deviceIn(bench.host, pod.hostDevice), undefined)
    }
  },
  {
    id: 'P128',
    title: 'DEL of one attachment leaves another one of the same pod reachable',
    tag: 'S',
    run: async (bench) => {
      const keys = { ipMasq: false }
      const pod = await bench.addedPod({ keys })
      await pod.must({ keys, ifname: 'net1' })
      succeeded(await pod.del({ keys, ifname: 'net1' }))
      await reaches(bench.host, pod.address)
      await reaches(pod.place, HOST.v4)
    }
  },
  {
    id: 'P129',
    title: 'DEL twice at once succeeds twice',
    tag: 'B',
    run: async (bench) => {
      const before = await bench.footprint()
      for (const pod of await bench.pods(8)) {
        await pod.must()
        for (const ran of await Promise.all([pod.del(), pod.del()])) succeeded(ran)
      }
      await bench.leftAs(before)
    }
  },
  {
    id: 'P131',
    title: 'DEL of a dead pod among 1,000 reservations takes less than 200 ms',
    tag: 'B',
    run: async (bench) => {
      const pods = await bench.pods(5)
      for (const pod of pods) await pod.must()
      const { reservations } = bench.subject
      mkdirSync(reservations, { recursive: true })
      const files = Array.from({ length: 1_000 }, (_, index) =>
        join(reservations, `10.250.${index >> 8}.${index & 255}`)
      )
      for (const [index, file] of files.entries()) writeFileSync(file, `other${index}\r\neth0`)
      await bench.kill(...pods)
      const took: number[] = []
      for (const pod of pods) {
        const ran = await pod.del({ netns: '' })
        succeeded(ran)
        took.push(ran.tookMs)
      }
      for (const file of files) rmSync(file)
      const limitMs = 200 * (await bench.slowness())
      assert(Math.min(...took) < limitMs, `it took ${took.map(Math.round)} ms`)
    }
  },
  {
    id: 'P132',
    title: 'whoever sends to a host port by UDP reaches the pod that is there now',
    tag: 'B',
    needs: ['port mappings'],
    run: async (bench) => {
      const runtime = { portMappings: [{ hostPort: 5353, containerPort: 80, protocol: 'udp' }] }
      const answers = await keepAskingUdp(bench.outside, HOST.v4, 5353)
      try {
        for (const pod of await bench.pods(2)) {
          await answerOn(pod.place, 80)
          await pod.must({ runtime })
          const deadline = performance.now() + 8_000
          while (!answers().includes(`${pod.place.name} sees`)) {
            assert(performance.now() < deadline, `${pod.place.name} got nothing`)
            await new Promise((resolve) => setTimeout(resolve, 20))
          }
          succeeded(await pod.del({ runtime }))
        }
      } finally {
        await bench.outside.stopPrograms()
      }
    }
  }
]

function treeOf({ subject }: Bench): readonly string[] {
  return subject.directories.flatMap((directory) => {
    try {
      return [directory, ...(readdirSync(directory, { recursive: true }) as string[])]
    } catch {
      return []
    }
  })
}
