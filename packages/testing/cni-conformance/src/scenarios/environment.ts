import { strict as assert } from 'node:assert'
import type { Bench } from '../bench.ts'
import type { Scenario } from '../scenario.ts'
import { added, type ExpectedFailure, failed, succeeded } from '../verify.ts'

const POD = {
  CNI_CONTAINERID: 'c',
  CNI_NETNS: '/run/netns/nobody-made-this',
  CNI_IFNAME: 'eth0',
  CNI_PATH: '/nowhere'
}

const ABOUT = /^CNI \S+ plugin \S.*\nCNI protocol versions supported: 0\.1\.0(?:, \d+\.\d+\.\d+)+\n$/

async function saysWhatItIs(bench: Bench, env: Record<string, string>, stdin: string): Promise<void> {
  const ran = await bench.unchanged(() => bench.raw(env, stdin))
  assert.deepEqual([ran.status, ran.stdout], [0, ''])
  assert.match(ran.stderr, ABOUT)
}

async function saysVersion(bench: Bench, stdin: string | null, among: readonly string[]): Promise<void> {
  const env = { ...POD, CNI_COMMAND: 'VERSION', CNI_NETNS: 'dummy', CNI_IFNAME: 'dummy', CNI_PATH: 'dummy' }
  const ran = await bench.raw(env, stdin)
  assert.equal(ran.status, 0)
  assert(ran.stdout.endsWith('\n'), 'no newline at the end')
  const { cniVersion, supportedVersions } = JSON.parse(ran.stdout) as Record<string, unknown>
  assert.deepEqual(supportedVersions, bench.target.versions)
  assert(among.includes(String(cniVersion)), `cniVersion is ${cniVersion}`)
}

/** One wrong call: which error, and that nothing is touched. */
async function refuses(bench: Bench, env: Record<string, string>, expected: ExpectedFailure): Promise<void> {
  const stdin = JSON.stringify(bench.config({ version: '1.0.0' }))
  await bench.unchanged(async () => failed(await bench.raw(env, stdin), expected))
}

const missing = (...names: readonly string[]): RegExp =>
  // CNI_PATH is only needed by those that run delegates.
  new RegExp(`^required env variables \\[${names.join(',')}(?:,CNI_PATH)?\\] missing$`)

export const ENVIRONMENT: readonly Scenario[] = [
  {
    id: 'P1',
    title: 'without any variable it says on stderr what it is, and succeeds',
    tag: 'R',
    run: (bench) => saysWhatItIs(bench, {}, '')
  },
  {
    id: 'P2',
    title: 'so it does when `CNI_COMMAND` alone is missing',
    tag: 'R',
    run: (bench) => saysWhatItIs(bench, POD, JSON.stringify(bench.config()))
  },
  {
    id: 'P3',
    title: 'VERSION lists the versions, ascending',
    tag: 'R',
    run: (bench) => saysVersion(bench, '', [bench.target.versions.at(-1) ?? ''])
  },
  {
    id: 'P4',
    title: 'VERSION does not mind a stdin that is no JSON',
    tag: 'R',
    run: (bench) => saysVersion(bench, '{{{', [bench.target.versions.at(-1) ?? ''])
  },
  {
    id: 'P5',
    title: 'VERSION answers an older client in its version, or in its own newest',
    tag: 'S',
    run: (bench) =>
      saysVersion(bench, '{"cniVersion":"0.4.0"}', ['0.4.0', bench.target.versions.at(-1) ?? ''])
  },
  {
    id: 'P6',
    title: 'VERSION answers a client of the future in its own newest',
    tag: 'R',
    run: (bench) => saysVersion(bench, '{"cniVersion":"9.9.9"}', [bench.target.versions.at(-1) ?? ''])
  },
  {
    id: 'P7',
    title: 'VERSION does not wait for stdin to end',
    tag: 'R',
    run: async (bench) => {
      const { status, tookMs } = await bench.raw({ CNI_COMMAND: 'VERSION' }, null)
      assert.equal(status, 0)
      const limitMs = 1_000 * (await bench.slowness())
      assert(tookMs < limitMs, `it took ${tookMs} ms`)
    }
  },
  {
    id: 'P8',
    title: 'ADD names all variables that are missing',
    tag: 'R',
    run: (bench) =>
      refuses(
        bench,
        { CNI_COMMAND: 'ADD' },
        { code: 4, msg: missing('CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME') }
      )
  },
  {
    id: 'P9',
    title: 'DEL does, and needs no namespace',
    tag: 'R',
    run: (bench) =>
      refuses(bench, { CNI_COMMAND: 'DEL' }, { code: 4, msg: missing('CNI_CONTAINERID', 'CNI_IFNAME') })
  },
  {
    id: 'P10',
    title: 'CHECK does as ADD',
    tag: 'R',
    run: (bench) =>
      refuses(
        bench,
        { CNI_COMMAND: 'CHECK' },
        { code: 4, msg: missing('CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME') }
      )
  },
  {
    id: 'P11',
    title: 'GC and STATUS need `CNI_PATH` at most',
    tag: 'R',
    needs: ['GC', 'STATUS'],
    run: async (bench) => {
      const stdin = JSON.stringify(bench.config({ version: '1.1.0' }))
      for (const verb of ['GC', 'STATUS']) {
        const ran = await bench.raw({ CNI_COMMAND: verb }, stdin)
        if (ran.status === 0) succeeded(ran)
        else failed(ran, { code: 4, msg: 'required env variables [CNI_PATH] missing' })
      }
    }
  },
  {
    id: 'P12',
    title: 'an empty variable counts as missing',
    tag: 'R',
    run: (bench) =>
      refuses(
        bench,
        { ...POD, CNI_COMMAND: 'ADD', CNI_NETNS: '' },
        { code: 4, msg: 'required env variables [CNI_NETNS] missing' }
      )
  },
  {
    id: 'P13',
    title: 'a command that there is not, or in lower case, is named',
    tag: 'R',
    run: async (bench) => {
      for (const verb of ['BOGUS', 'add']) {
        await refuses(bench, { ...POD, CNI_COMMAND: verb }, { code: 4, msg: `unknown CNI_COMMAND: ${verb}` })
      }
    }
  },
  {
    id: 'P14',
    title: 'a stdin that is no JSON comes before an unknown command',
    tag: 'R',
    run: async (bench) => {
      failed(await bench.raw({ ...POD, CNI_COMMAND: 'BOGUS' }, 'x'), { code: 6 })
    }
  },
  {
    id: 'P15',
    title: 'container ids with characters that are not allowed are refused',
    tag: 'R',
    run: async (bench) => {
      for (const id of ['a/b', '-a', '.x', 'a b', 'ü', '../../etc']) {
        const env = { ...POD, CNI_COMMAND: 'ADD', CNI_CONTAINERID: id }
        await refuses(bench, env, { code: 4, msg: 'invalid characters in containerID', details: id })
      }
    }
  },
  {
    id: 'P16',
    title: 'an invalid variable comes before a missing one',
    tag: 'R',
    run: (bench) =>
      refuses(
        bench,
        { ...POD, CNI_COMMAND: 'ADD', CNI_CONTAINERID: 'a/b', CNI_NETNS: '' },
        { code: 4, msg: 'invalid characters in containerID' }
      )
  },
  {
    id: 'P17',
    title: 'interface names have 15 bytes at most; bytes are counted, not characters',
    tag: 'R',
    run: async (bench) => {
      const pod = await bench.pod()
      added(await pod.add({ ifname: 'x'.repeat(15) }))
      for (const name of ['x'.repeat(16), 'ü'.repeat(8)]) {
        await refuses(
          bench,
          { ...POD, CNI_COMMAND: 'ADD', CNI_IFNAME: name },
          {
            code: 4,
            msg: 'interface name is too long',
            details: 'interface name should be less than 16 characters'
          }
        )
      }
    }
  },
  ...[
    ['P18', 'the interface names `.` and `..` are refused', ['.', '..'], 'interface name is . or ..'],
    [
      'P19',
      'interface names with `/`, `:` or white space are refused',
      ['a/b', 'a:b', 'a b', 'a\u00a0b'],
      'interface name contains / or : or whitespace characters'
    ]
  ].map(
    ([id, title, names, msg]): Scenario => ({
      id: id as Scenario['id'],
      title: String(title),
      tag: 'R',
      run: async (bench) => {
        for (const name of names as string[]) {
          await refuses(
            bench,
            { ...POD, CNI_COMMAND: 'ADD', CNI_IFNAME: name },
            { code: 4, msg: String(msg) }
          )
        }
      }
    })
  ),
  {
    id: 'P20',
    title: 'the interface name `a%d` is refused: the kernel would make a number of `%d`',
    tag: 'B',
    run: async (bench) => {
      const pod = await bench.pod()
      await bench.unchanged(async () => failed(await pod.add({ ifname: 'a%d' }), { code: 4 }))
    }
  }
]
