import { execFile, execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** Those of tests that failed before they could clean up. */
const left = new Set<string>()
process.on('exit', () => {
  for (const name of left) execFileSync('ip', ['netns', 'del', name])
})

/** A namespace of this test's own, made and looked into with `ip`: what we write is not read by what wrote it. */
export interface TestNamespace {
  readonly name: string
  readonly path: string
  /** `ip -n NAME …`, its stdout. */
  ip(...words: string[]): Promise<string>
  /** `ip -n NAME -j …`, parsed. */
  json(...words: string[]): Promise<readonly Readonly<Record<string, unknown>>[]>
  run(...argv: string[]): Promise<string>
  dispose(): Promise<void>
}

export async function testNamespace(): Promise<TestNamespace> {
  const name = `tlk-${process.pid}-${randomBytes(4).toString('hex')}`
  const path = `/run/netns/${name}`
  await execute('ip', ['netns', 'add', name])
  left.add(name)
  const ip = async (...words: string[]): Promise<string> =>
    (await execute('ip', ['-n', name, ...words])).stdout
  return {
    name,
    path,
    ip,
    json: async (...words) => JSON.parse((await ip('-d', '-j', ...words)) || '[]'),
    run: async (...argv) => (await execute('nsenter', [`--net=${path}`, '--', ...argv])).stdout,
    dispose: async () => {
      left.delete(name)
      await execute('ip', ['netns', 'del', name])
    }
  }
}
