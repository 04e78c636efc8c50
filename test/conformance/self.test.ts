import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Ground, Subject, Target } from '@trilane/cni-conformance'
import { beforeAll, expect, it } from 'vitest'
import { VERSIONS } from '../cni/plugin.ts'
import { PATIENCE_MS, runAll, SCENARIOS } from './all-scenarios.ts'
import { expectedOf } from './expected.ts'
import type { Verdicts } from './report.ts'

const ERROR = JSON.stringify({ cniVersion: '1.0.0', code: 999, msg: 'no' })

/** A plugin that says the same to everything and does nothing. */
function saying(name: string, words: string): Target {
  return {
    name,
    versions: VERSIONS,
    lacks: { agent: 'nothing of it runs' },
    open: (ground) => open(ground, words)
  }
}

async function open({ directory }: Ground, words: string): Promise<Subject> {
  const program = join(directory, 'plugin')
  const reservations = join(directory, 'reservations')
  mkdirSync(reservations)
  writeFileSync(program, `#!/bin/sh\n${words}\n`, { mode: 0o755 })
  return {
    main: { program, config: { type: 'plugin' } },
    chained: [],
    env: {},
    path: [],
    ipam: { type: 'host-local' },
    wrongKeys: [{ mtu: 'x' }],
    bridge: 'cni0',
    reservations,
    directories: [reservations],
    dispose: async () => {}
  }
}

/** That the others can fail is seen on the reference plugins: reference.test.ts. */
const TRIED = SCENARIOS.filter(({ id }) => expectedOf().get(id)?.result !== 'failed')

let yes: Verdicts
let no: Verdicts
beforeAll(async () => {
  yes = await runAll(saying('yes', 'exit 0'), TRIED)
  no = await runAll(saying('no', `echo '${ERROR}'; exit 1`), TRIED)
}, PATIENCE_MS)

it.each(TRIED.map(({ id, title }) => [id, title] as const))('%s fails with one of them: %s', (id) => {
  const results = [yes, no].map((verdicts) => verdicts.get(id)?.result)
  expect(results).not.toEqual(['passed', 'passed'])
})
