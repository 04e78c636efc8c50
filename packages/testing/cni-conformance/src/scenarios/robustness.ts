import { strict as assert } from 'node:assert'
import type { Bench } from '../bench.ts'
import type { Scenario } from '../scenario.ts'
import { added, failed, failedNaming, succeeded, wordsOf } from '../verify.ts'

/** All keys of all objects in another case. */
function shouted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shouted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key.toUpperCase(), shouted(inner)]))
}

const MAC = '02:00:00:00:00:42'

async function addsWith(bench: Bench, args: string): Promise<void> {
  const pod = await bench.pod()
  added(await pod.add({ args }))
  await pod.end()
}

async function refusesArgs(bench: Bench, args: string, words: readonly string[]): Promise<void> {
  const pod = await bench.pod()
  const ran = await pod.add({ args })
  failed(ran, { code: [4, 999] })
  failedNaming(ran, ...words)
}

export const ROBUSTNESS: readonly Scenario[] = [
  {
    id: 'P39',
    title: 'keys are matched without regard to case, at every level',
    tag: 'R',
    needs: ['requested MAC'],
    run: async (bench) => {
      const pod = await bench.pod()
      const plain = { ...bench.config({ version: '1.0.0' }), runtimeConfig: { mac: MAC } }
      const { interfaces = [] } = added(
        await bench.raw(bench.podEnv('ADD', pod), JSON.stringify(shouted(plain)))
      )
      assert.equal(interfaces.at(-1)?.mac, MAC)
      succeeded(await bench.raw(bench.podEnv('DEL', pod), JSON.stringify(shouted(plain))))
    }
  },
  {
    id: 'P40',
    title: 'unknown keys, 1 MB of padding and 200 levels of nesting are passed over',
    tag: 'S',
    run: async (bench) => {
      const pod = await bench.pod()
      const keys = {
        capabilities: { mac: true },
        'cni.dev/foo': 1,
        padding: 'x'.repeat(1_000_000),
        nested: JSON.parse('['.repeat(200) + ']'.repeat(200)),
        unknown: { unknown: { unknown: null } }
      }
      const ran = await pod.add({ keys })
      added(ran)
      const limitMs = 1_000 * (await bench.slowness())
      assert(ran.tookMs < limitMs, `it took ${ran.tookMs} ms`)
    }
  },
  {
    id: 'P41',
    title: 'an error is one JSON object with `code`, `msg` and the version of its config',
    tag: 'S',
    run: async (bench) => {
      const pod = await bench.pod()
      for (const version of bench.versionsSince('0.3.0')) {
        const failure = failed(await pod.add({ version, netns: '/run/netns/nobody-made-this' }))
        assert.equal(failure.cniVersion, version)
      }
    }
  },
  {
    id: 'P42',
    title: 'ADD prints one JSON document, whatever debugging its environment asks for',
    tag: 'S',
    run: async (bench) => {
      const pod = await bench.pod()
      added(
        await pod.add({
          env: { NODE_OPTIONS: '--trace-warnings', NODE_DEBUG: 'net,fs', GODEBUG: 'inittrace=1' }
        })
      )
    }
  },
  {
    id: 'P43',
    title: 'DEL, CHECK, GC and STATUS print nothing when they succeed',
    tag: 'S',
    run: async (bench) => {
      const pod = await bench.addedPod()
      succeeded(await pod.check())
      const { GC, STATUS } = bench.target.lacks
      if (STATUS === undefined) succeeded(await bench.whole('STATUS'))
      if (GC === undefined) {
        const valid = [{ containerID: pod.id, ifname: 'eth0' }]
        succeeded(await bench.whole('GC', { 'cni.dev/valid-attachments': valid }))
      }
      succeeded(await pod.del())
    }
  },
  {
    id: 'P44',
    title:
      '`CNI_ARGS` with a broken pair or an unknown key are refused, unless `IgnoreUnknown` is among them',
    tag: 'R',
    run: async (bench) => {
      await bench.unchanged(async () => {
        for (const pair of ['a', 'a=b=c']) await refusesArgs(bench, pair, [`ARGS: invalid pair "${pair}"`])
        await refusesArgs(bench, ';', ['ARGS: invalid pair ""'])
        await refusesArgs(bench, 'X=1', ['ARGS: unknown args ["X=1"]'])
        await refusesArgs(bench, 'ignoreunknown=1', ['ARGS: unknown args ["ignoreunknown=1"]'])
      })
      await addsWith(bench, 'X=1;IgnoreUnknown=1')
      await addsWith(bench, 'IgnoreUnknown=1;X=1')
    }
  },
  {
    id: 'P45',
    title:
      '`CNI_ARGS` with a value that cannot be read are refused; `IgnoreUnknown` is read as Go reads a boolean',
    tag: 'R',
    run: async (bench) => {
      // The plugin may leave the address to a delegate, and knows it no more than other foreign keys.
      await refusesArgs(bench, 'IP=bad;IgnoreUnknown=1', ['ARGS: error parsing value of pair "IP=bad"'])
      const maybe = 'IgnoreUnknown=maybe'
      await refusesArgs(bench, maybe, [`ARGS: error parsing value of pair "${maybe}"`])
      for (const value of ['True', 'TRUE', '1', '0', 'false']) await addsWith(bench, `IgnoreUnknown=${value}`)
    }
  },
  {
    id: 'P46',
    title: 'a config may come byte by byte, and be larger than a pipe',
    tag: 'S',
    run: async (bench) => {
      const pod = await bench.pod()
      const text = JSON.stringify(bench.config({ keys: { padding: 'x'.repeat(100_000) } }))
      const pieces = [...text.slice(0, 40), text.slice(40, 60_000), text.slice(60_000)]
      added(await bench.raw(bench.podEnv('ADD', pod), pieces))
      succeeded(await pod.del())
    }
  },
  {
    id: 'P47',
    title: 'a runtime that does not read the result ends no worse than with an error; DEL cleans up',
    tag: 'B',
    run: async (bench) => {
      const before = await bench.footprint()
      const pod = await bench.pod()
      const { status, stderr } = await pod.add({ how: { isDeaf: true } })
      assert.notEqual(status, 0)
      assert.doesNotMatch(stderr, /panic|goroutine|^ +at /m)
      succeeded(await pod.del())
      await bench.leftAs(before)
    }
  },
  {
    id: 'P48',
    title: 'after SIGTERM in the middle of ADD, DEL leaves nothing',
    tag: 'B',
    run: async (bench) => {
      const before = await bench.footprint()
      for (const afterMs of [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64]) {
        const pod = await bench.pod()
        await pod.add({ how: { signal: { name: 'SIGTERM', afterMs } } })
        succeeded(await pod.del())
      }
      await bench.leftAs(before)
    }
  },
  {
    id: 'P49',
    title: 'it needs no stderr, no umask and no environment, and later runs can read what it wrote',
    tag: 'B',
    run: async (bench) => {
      const pod = await bench.pod()
      const ran = await pod.add({ how: { via: ['sh', '-c', 'umask 0777; exec "$0" 2>&-'] } })
      added(ran)
      const checked = await pod.check()
      assert.equal(checked.status, 0, wordsOf(checked))
      const other = await bench.addedPod()
      assert.notEqual(other.address, pod.address)
      succeeded(await pod.del())
    }
  }
]
