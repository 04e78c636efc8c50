import { strict as assert } from 'node:assert'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bench } from '../bench.ts'
import { deviceIn, ip, reaches } from '../look.ts'
import type { Pod } from '../pod.ts'
import { NotApplicable, type Scenario } from '../scenario.ts'
import { failed, succeeded } from '../verify.ts'

const KEY = 'cni.dev/valid-attachments'

const entry = ({ id }: Pod, ifname = 'eth0') => ({ containerID: id, ifname })

const OF_GC = { version: '1.1.0' } as const

/** Three pods, of which a GC keeps two. */
async function keepsTwoOfThree(bench: Bench, key: string): Promise<void> {
  const [first, second] = [await bench.addedPod(OF_GC), await bench.addedPod(OF_GC)]
  const two = await bench.footprint()
  const third = await bench.addedPod(OF_GC)
  succeeded(await bench.whole('GC', { [key]: [entry(first), entry(second)] }))
  await bench.leftAs(two)
  assert.equal(await deviceIn(third.place, 'eth0'), undefined)
  for (const pod of [first, second]) await reaches(bench.host, pod.address)
}

export const GC: readonly Scenario[] = [
  {
    id: 'P145',
    title: 'what is not listed under `cni.dev/valid-attachments` goes, the others stay as they were',
    tag: 'S',
    needs: ['GC'],
    run: (bench) => keepsTwoOfThree(bench, KEY)
  },
  {
    id: 'P146',
    title: 'so it does by the key `cni.dev/attachments`',
    tag: 'S',
    needs: ['GC'],
    run: (bench) => keepsTwoOfThree(bench, 'cni.dev/attachments')
  },
  {
    id: 'P147',
    title: 'by an empty list or `null` all of the network go, and none of another',
    tag: 'S',
    needs: ['GC'],
    run: async (bench) => {
      for (const list of [[], null]) {
        const other = await bench.addedPod({ ...OF_GC, name: 'others' })
        const one = await bench.footprint()
        await bench.addedPod(OF_GC)
        succeeded(await bench.whole('GC', { [KEY]: list }))
        await bench.leftAs(one)
        await reaches(bench.host, other.address)
        await other.end()
      }
    }
  },
  {
    id: 'P148',
    title: 'without a list only those go that have ended',
    tag: 'B',
    needs: ['GC'],
    run: async (bench) => {
      const alive = await bench.addedPod(OF_GC)
      const one = await bench.footprint()
      const dead = await bench.addedPod(OF_GC)
      await bench.kill(dead)
      const deadline = performance.now() + 8_000
      while ((await deviceIn(bench.host, dead.hostDevice)) !== undefined) assert(performance.now() < deadline)
      succeeded(await bench.whole('GC'))
      await bench.leftAs(one)
      await reaches(bench.host, alive.address)
    }
  },
  {
    id: 'P149',
    title: 'entries of nobody, twice the same, with more keys or keys in another case do no harm',
    tag: 'S',
    needs: ['GC'],
    run: async (bench) => {
      const pod = await bench.addedPod(OF_GC)
      const one = await bench.footprint()
      await bench.addedPod(OF_GC)
      const list = [
        { containerID: 'nobody', ifname: 'eth0' },
        { ...entry(pod), more: 1 },
        entry(pod),
        { CONTAINERID: pod.id, IfName: 'eth0' }
      ]
      succeeded(await bench.whole('GC', { [KEY]: list }))
      await bench.leftAs(one)
    }
  },
  {
    id: 'P150',
    title: 'what cannot be removed is named, by an error or in a log, and the others are removed',
    tag: 'S',
    needs: ['GC'],
    run: async (bench) => {
      const before = await bench.footprint()
      const stuck = await bench.addedPod(OF_GC)
      const other = await bench.addedPod(OF_GC)
      const file = join(bench.subject.reservations, stuck.address)
      const { status } = await bench.host.run(['chattr', '+i', file], { anyStatus: true })
      if (status !== 0) throw new NotApplicable('this file system has no files that cannot be removed')
      try {
        const ran = await bench.whole('GC', { [KEY]: [] })
        const said = ran.status === 0 ? (bench.subject.agent?.log() ?? '') : failed(ran).msg
        assert(said.includes(stuck.address), `nobody names ${stuck.address}`)
        assert.equal(await deviceIn(other.place, 'eth0'), undefined)
      } finally {
        await bench.host.run(['chattr', '-i', file])
      }
      succeeded(await bench.whole('GC', { [KEY]: [] }))
      await bench.leftAs(before)
    }
  },
  {
    id: 'P151',
    title: 'of one pod, the interface that is listed stays and the other goes',
    tag: 'S',
    needs: ['GC'],
    run: async (bench) => {
      const pod = await bench.addedPod(OF_GC)
      await pod.must({ ...OF_GC, ifname: 'net1' })
      succeeded(await bench.whole('GC', { [KEY]: [entry(pod, 'net1')] }))
      assert.equal(await deviceIn(pod.place, 'eth0'), undefined)
      assert.notEqual(await deviceIn(pod.place, 'net1'), undefined)
    }
  },
  {
    id: 'P152',
    title: 'with nothing to do GC makes no file',
    tag: 'S',
    needs: ['GC'],
    run: async (bench) => {
      await bench.unchanged(async () => succeeded(await bench.whole('GC', { [KEY]: [] })))
    }
  },
  {
    id: 'P154',
    title: 'foreign files among the reservations survive',
    tag: 'R',
    needs: ['GC'],
    run: async (bench) => {
      const pod = await bench.addedPod(OF_GC)
      const files = ['notes.txt', 'lock.tmp'].map((name) => join(bench.subject.reservations, name))
      for (const file of files) writeFileSync(file, 'theirs')
      try {
        succeeded(await bench.whole('GC', { [KEY]: [] }))
        for (const file of files) assert.equal(readFileSync(file, 'utf8'), 'theirs')
        readFileSync(join(bench.subject.reservations, 'last_reserved_ip.0'))
        assert.equal(await deviceIn(pod.place, 'eth0'), undefined)
      } finally {
        for (const file of files) rmSync(file)
      }
    }
  }
]

export const STATUS: readonly Scenario[] = [
  {
    id: 'P155',
    title: 'STATUS of what is well succeeds and prints nothing',
    tag: 'S',
    needs: ['STATUS'],
    run: async (bench) => succeeded(await bench.whole('STATUS'))
  },
  {
    id: 'P156',
    title: 'STATUS says 50 when there is no address',
    tag: 'S',
    needs: ['STATUS'],
    setup: { pool: 'small' },
    run: async (bench) => {
      for (const pod of await bench.pods(5)) await pod.must()
      failed(await bench.whole('STATUS'), { code: 50 })
    }
  },
  {
    id: 'P157',
    title: 'STATUS says 50 or 51 while the agent is away, and when the uplink is gone',
    tag: 'S',
    needs: ['STATUS', 'agent'],
    isFresh: true,
    run: async (bench) => {
      const { agent } = bench.subject
      await ip(bench.host, 'link', 'set', 'dev', 'eth0', 'name', 'away0')
      const deadline = performance.now() + 10_000
      while ((await bench.whole('STATUS')).status === 0)
        assert(performance.now() < deadline, 'it never says so')
      failed(await bench.whole('STATUS'), { code: [50, 51] })
      await agent?.kill()
      failed(await bench.whole('STATUS'), { code: 50 })
    }
  },
  {
    id: 'P158',
    title: 'STATUS says 50 or 51 when the parent device is missing or down',
    tag: 'S',
    needs: ['STATUS', 'macvlan'],
    setup: { mode: 'macvlan' },
    isFresh: true,
    run: async (bench) => {
      await ip(bench.host, 'link', 'set', 'dev', 'eth0', 'down')
      const deadline = performance.now() + 10_000
      while ((await bench.whole('STATUS')).status === 0)
        assert(performance.now() < deadline, 'it never says so')
      failed(await bench.whole('STATUS'), { code: [50, 51] })
    }
  },
  {
    id: 'P160',
    title: 'STATUS says 7 of a wrong config',
    tag: 'S',
    needs: ['STATUS'],
    run: async (bench) => {
      for (const keys of bench.subject.wrongKeys.slice(0, 1))
        failed(await bench.whole('STATUS', keys), { code: 7 })
    }
  },
  {
    id: 'P162',
    title: 'STATUS changes nothing, and takes less than 100 ms',
    tag: 'S',
    needs: ['STATUS'],
    run: async (bench) => {
      const took: number[] = []
      await bench.unchanged(async () => {
        for (let time = 0; time < 5; time++) {
          const ran = await bench.whole('STATUS')
          succeeded(ran)
          took.push(ran.tookMs)
        }
      })
      const limitMs = 100 * (await bench.slowness())
      assert(Math.min(...took) < limitMs, `it took ${took.map(Math.round)} ms`)
    }
  }
]
