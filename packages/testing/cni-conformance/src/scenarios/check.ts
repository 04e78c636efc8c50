import { strict as assert } from 'node:assert'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bench } from '../bench.ts'
import { ip, reaches } from '../look.ts'
import type { Pod } from '../pod.ts'
import type { Scenario } from '../scenario.ts'
import { failed, failedNaming, succeeded, wordsOf } from '../verify.ts'

/** A pod to which something happens: CHECK fails after it, naming `word`. */
async function sees(bench: Bench, happens: (pod: Pod) => Promise<unknown>, word: string): Promise<void> {
  const pod = await bench.addedPod()
  succeeded(await pod.check())
  await happens(pod)
  failedNaming(await pod.check(), word)
  await pod.end()
}

const inPod =
  (...words: readonly string[]) =>
  (pod: Pod) =>
    ip(pod.place, ...words)

/**
 * Something happens to what all pods share: CHECK fails after it, or whoever looks after it has put it right before.
 */
async function seesOrRepairs(bench: Bench, ...words: readonly string[]): Promise<void> {
  const pod = await bench.addedPod()
  await ip(bench.host, ...words)
  const ran = await pod.check()
  if (ran.status !== 0) return
  await reaches(pod.place, pod.resultOf().ips?.[0]?.gateway ?? '')
}

export const CHECK: readonly Scenario[] = [
  {
    id: 'P133',
    title: 'CHECK succeeds right after ADD, with every version that has it',
    tag: 'S',
    run: async (bench) => {
      for (const version of bench.versionsSince('0.4.0')) {
        const pod = await bench.addedPod({ version })
        succeeded(await pod.check({ version }))
      }
    }
  },
  {
    id: 'P134',
    title: 'CHECK needs `prevResult`',
    tag: 'R',
    run: async (bench) => {
      const pod = await bench.addedPod()
      failed(await pod.check({ prevResult: null }), { code: [7, 999], msg: 'Required prevResult missing' })
    }
  },
  {
    id: 'P135',
    title: 'CHECK names the pod’s interface when it is gone, down, or has a MAC that nobody reported',
    tag: 'S',
    run: async (bench) => {
      await sees(bench, inPod('link', 'delete', 'dev', 'eth0'), 'eth0')
      await sees(bench, inPod('link', 'set', 'dev', 'eth0', 'address', '02:00:00:00:00:77'), 'eth0')
      await sees(bench, inPod('link', 'set', 'dev', 'eth0', 'down'), 'eth0')
    }
  },
  {
    id: 'P136',
    title: 'CHECK sees a lost address and a lost default route, and minds no route of the user',
    tag: 'S',
    run: async (bench) => {
      await sees(bench, inPod('-4', 'address', 'flush', 'dev', 'eth0'), '10.90.')
      await sees(bench, inPod('route', 'delete', 'default'), 'oute')
      const pod = await bench.addedPod()
      await ip(pod.place, 'route', 'add', '192.0.2.0/24', 'dev', 'eth0')
      succeeded(await pod.check())
    }
  },
  {
    id: 'P137',
    title: 'CHECK sees the node’s end gone, away from the bridge, and down',
    tag: 'B',
    needs: ['bridge'],
    run: async (bench) => {
      const onHost =
        (...words: readonly string[]) =>
        (pod: Pod) =>
          ip(bench.host, 'link', ...words.map((word) => (word === '%' ? pod.hostDevice : word)))
      await sees(bench, onHost('set', 'dev', '%', 'nomaster'), '')
      await sees(bench, onHost('delete', 'dev', '%'), '')
      await sees(bench, onHost('set', 'dev', '%', 'down'), '')
    }
  },
  {
    id: 'P138',
    title:
      'CHECK sees a bridge that is down or has lost the gateway’s address, unless that is put right by then',
    tag: 'B',
    needs: ['bridge'],
    isFresh: true,
    run: async (bench) => {
      const { bridge } = bench.subject
      await seesOrRepairs(bench, 'link', 'set', 'dev', bridge, 'down')
      await seesOrRepairs(bench, '-4', 'address', 'flush', 'dev', bridge)
    }
  },
  {
    id: 'P139',
    title: 'CHECK sees that the firewall was flushed, unless that is put right by then',
    tag: 'B',
    needs: ['bridge'],
    run: async (bench) => {
      const pod = await bench.addedPod()
      const before = await bench.footprint()
      await bench.host.run(['nft', 'flush', 'ruleset'])
      const ran = await pod.check()
      if (ran.status === 0) await bench.leftAs(before)
    }
  },
  {
    id: 'P140',
    title: 'CHECK sees that the address is not reserved, or for another pod',
    tag: 'S',
    run: async (bench) => {
      const pod = await bench.addedPod()
      const path = join(bench.subject.reservations, pod.address)
      const text = readFileSync(path, 'utf8')
      writeFileSync(path, 'another\r\neth0')
      failed(await pod.check())
      rmSync(path)
      failed(await pod.check())
      writeFileSync(path, text)
      succeeded(await pod.check())
    }
  },
  {
    id: 'P141',
    title: 'CHECK sees another namespace, and knows the same one by another path',
    tag: 'B',
    run: async (bench) => {
      const pod = await bench.addedPod()
      failed(await pod.check({ netns: (await bench.pod()).netns }))
      succeeded(await pod.check({ netns: pod.netns.replace('/run/', '/run/../run/') }))
    }
  },
  {
    id: 'P142',
    title: 'CHECK takes what later plugins have changed and reported: a MAC, an interface, a route',
    tag: 'S',
    run: async (bench) => {
      const pod = await bench.addedPod()
      const mac = '02:00:00:00:00:78'
      await ip(pod.place, 'link', 'set', 'dev', 'eth0', 'address', mac)
      await ip(pod.place, 'route', 'add', '203.0.113.0/24', 'via', pod.resultOf().ips?.[0]?.gateway ?? '')
      const { interfaces = [], routes = [], ...more } = pod.resultOf()
      const prevResult = {
        ...more,
        interfaces: [
          ...interfaces.map((entry) => ((entry.sandbox ?? '') === '' ? entry : { ...entry, mac })),
          { name: 'other0', mac: '02:00:00:00:00:79' }
        ],
        routes: [...routes, { dst: '203.0.113.0/24', gw: pod.resultOf().ips?.[0]?.gateway }]
      }
      succeeded(await pod.check({ prevResult }))
    }
  },
  {
    id: 'P143',
    title: 'CHECK ignores interfaces that it did not make',
    tag: 'S',
    run: async (bench) => {
      const pod = await bench.addedPod()
      const { interfaces = [], ...more } = pod.resultOf()
      const others = [
        { name: 'other0', mac: '02:00:00:00:00:79' },
        { name: 'net7', mac: '02:00:00:00:00:7a', sandbox: pod.netns }
      ]
      succeeded(await pod.check({ prevResult: { ...more, interfaces: [...interfaces, ...others] } }))
    }
  },
  {
    id: 'P144',
    title: 'CHECK changes nothing, also ten at once',
    tag: 'S',
    run: async (bench) => {
      const pod = await bench.addedPod()
      await bench.unchanged(async () => {
        const all = await Promise.all(Array.from({ length: 10 }, () => pod.check()))
        for (const ran of all) assert.equal(ran.status, 0, wordsOf(ran))
      })
    }
  }
]
