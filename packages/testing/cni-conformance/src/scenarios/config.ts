import { strict as assert } from 'node:assert'
import type { Bench } from '../bench.ts'
import type { Scenario } from '../scenario.ts'
import { added, type ExpectedFailure, failed, wordsOf } from '../verify.ts'

const POD = { id: 'c', netns: '/run/netns/nobody-made-this' }

/** One wrong stdin: which error, and that nothing is touched. */
async function refuses(bench: Bench, verb: string, stdin: string, expected: ExpectedFailure): Promise<void> {
  await bench.unchanged(async () => failed(await bench.raw(bench.podEnv(verb, POD), stdin), expected))
}

/** The plainest config with other keys. */
const config = (bench: Bench, keys: Readonly<Record<string, unknown>>): string =>
  JSON.stringify({ ...bench.config(), ...keys })

export const CONFIG: readonly Scenario[] = [
  {
    id: 'P21',
    title: 'a stdin that is empty or cut off is no JSON',
    tag: 'R',
    run: async (bench) => {
      for (const stdin of ['', '{']) {
        await refuses(bench, 'ADD', stdin, { code: 6, msg: /^error unmarshall network config: / })
      }
    }
  },
  {
    id: 'P22',
    title: 'a list, or a name that is a number, is no config',
    tag: 'R',
    run: async (bench) => {
      await refuses(bench, 'ADD', '[]', { code: 6 })
      await refuses(bench, 'ADD', config(bench, { name: 7 }), { code: 6 })
    }
  },
  {
    id: 'P23',
    title: '`null` has no name',
    tag: 'R',
    run: (bench) => refuses(bench, 'ADD', 'null', { code: 7, msg: 'missing network name' })
  },
  {
    id: 'P24',
    title: 'what follows the object, or a byte order mark, is no JSON',
    tag: 'R',
    run: async (bench) => {
      await refuses(bench, 'ADD', `${config(bench, {})} x`, { code: 6 })
      await refuses(bench, 'ADD', `\ufeff${config(bench, {})}`, { code: 6 })
    }
  },
  {
    id: 'P25',
    title: 'a config without a name is refused',
    tag: 'R',
    run: (bench) =>
      refuses(bench, 'ADD', config(bench, { name: undefined }), { code: 7, msg: 'missing network name' })
  },
  {
    id: 'P26',
    title: 'names with characters that are not allowed are refused',
    tag: 'R',
    run: async (bench) => {
      for (const name of ['a b', '-x', 'a/b']) {
        const expected = { code: 7, msg: 'invalid characters found in network name', details: name }
        await refuses(bench, 'ADD', config(bench, { name }), expected)
      }
    }
  },
  {
    id: 'P27',
    title: 'ADD and DEL name versions that are not supported, and those that are',
    tag: 'R',
    run: async (bench) => {
      const supported = bench.target.versions.map((version) => `"${version}"`).join(' ')
      for (const cniVersion of ['9.9.9', '0.5.0', '1.0', 'abc']) {
        for (const verb of ['ADD', 'DEL']) {
          await refuses(bench, verb, config(bench, { cniVersion }), {
            code: 1,
            msg: 'incompatible CNI versions',
            details: `config is "${cniVersion}", plugin supports [${supported}]`
          })
        }
      }
    }
  },
  {
    id: 'P28',
    title: 'CHECK, GC and STATUS cannot read a version that is none',
    tag: 'R',
    run: async (bench) => {
      const verbs = ['CHECK', ...(bench.target.lacks.GC === undefined ? ['GC', 'STATUS'] : [])]
      for (const verb of verbs) await refuses(bench, verb, config(bench, { cniVersion: 'abc' }), { code: 6 })
    }
  },
  {
    id: 'P29',
    title: 'a version that is a number cannot be read',
    tag: 'R',
    run: (bench) =>
      refuses(bench, 'ADD', config(bench, { cniVersion: 1 }), {
        code: 6,
        msg: /^decoding version from network config: /
      })
  },
  {
    id: 'P30',
    title: 'CHECK is refused to configs of versions that have none',
    tag: 'R',
    run: async (bench) => {
      for (const cniVersion of ['0.3.1', undefined]) {
        const expected = { code: 1, msg: 'config version does not allow CHECK' }
        await refuses(bench, 'CHECK', config(bench, { cniVersion }), expected)
      }
    }
  },
  {
    id: 'P31',
    title: 'CHECK and GC of a version of the future are refused',
    tag: 'R',
    run: async (bench) => {
      for (const verb of ['CHECK', ...(bench.target.lacks.GC === undefined ? ['GC'] : [])]) {
        const expected = { code: 1, msg: `plugin version does not allow ${verb}` }
        await refuses(bench, verb, config(bench, { cniVersion: '9.9.9' }), expected)
      }
    }
  },
  {
    id: 'P32',
    title: 'GC and STATUS are refused to configs of versions that have none',
    tag: 'R',
    needs: ['GC', 'STATUS'],
    run: async (bench) => {
      for (const verb of ['GC', 'STATUS']) {
        const expected = { code: 1, msg: `config version does not allow ${verb}` }
        await refuses(bench, verb, config(bench, { cniVersion: '1.0.0' }), expected)
      }
    }
  },
  {
    id: 'P33',
    title: 'without a version, ADD answers as 0.1.0',
    tag: 'S',
    run: async (bench) => {
      const pod = await bench.pod()
      for (const cniVersion of [undefined, '']) {
        const ran = await bench.raw(bench.podEnv('ADD', pod), config(bench, { cniVersion }))
        const { cniVersion: answered, ip4, ips } = added(ran)
        assert.deepEqual([answered, ips], ['0.1.0', undefined], wordsOf(ran))
        assert.match(ip4?.ip ?? '', /^10\./)
        const ended = await bench.raw(bench.podEnv('DEL', pod), config(bench, { cniVersion }))
        assert.equal(ended.status, 0, wordsOf(ended))
      }
    }
  }
]
