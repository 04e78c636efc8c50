import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bench } from '../bench.ts'
import type { CallOptions } from '../pod.ts'

/** What a delegate does when it is called with a command. */
export interface Answer {
  readonly stdout?: unknown
  readonly stderr?: string
  readonly status?: number
  readonly hangs?: boolean
}

const TYPE = 'recorder'

/** An IPAM plugin that keeps what it was called with and answers as it is told. */
export class Delegate {
  /** Options of a call whose config names it. */
  readonly options: CallOptions
  readonly path: string
  readonly #directory: string

  constructor(bench: Bench) {
    this.#directory = join(bench.ground.directory, 'delegate')
    rmSync(this.#directory, { recursive: true, force: true })
    mkdirSync(join(this.#directory, 'bin'), { recursive: true })
    const script = `#!/bin/sh
d='${this.#directory}'
echo "$CNI_COMMAND" >>"$d/calls"
env | grep '^CNI_' | sort >"$d/$CNI_COMMAND.env"
cat >"$d/$CNI_COMMAND.stdin"
[ -f "$d/$CNI_COMMAND.stderr" ] && cat "$d/$CNI_COMMAND.stderr" >&2
[ -f "$d/$CNI_COMMAND.hangs" ] && sleep 300
[ -f "$d/$CNI_COMMAND.stdout" ] && cat "$d/$CNI_COMMAND.stdout"
exit "$(cat "$d/$CNI_COMMAND.status" 2>/dev/null || echo 0)"
`
    writeFileSync(join(this.#directory, 'bin', TYPE), script, { mode: 0o755 })
    this.path = [join(this.#directory, 'bin'), ...bench.subject.path].join(':')
    this.options = { keys: { ipam: { type: TYPE } }, env: { CNI_PATH: this.path } }
  }

  answers(command: string, { stdout, stderr, status, hangs }: Answer): void {
    const put = (what: string, text: string | undefined) => {
      const file = this.#file(`${command}.${what}`)
      if (text === undefined) rmSync(file, { force: true })
      else writeFileSync(file, text)
    }
    put('stdout', stdout === undefined ? undefined : JSON.stringify(stdout))
    put('stderr', stderr)
    put('status', status === undefined ? undefined : String(status))
    put('hangs', hangs === true ? '' : undefined)
  }

  /** Commands that it was called with, in order. */
  get calls(): readonly string[] {
    const file = this.#file('calls')
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
  }

  /** Of the last call with that command. */
  envOf(command: string): Readonly<Record<string, string>> {
    const lines = readFileSync(this.#file(`${command}.env`), 'utf8')
      .trim()
      .split('\n')
    return Object.fromEntries(lines.map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]))
  }

  stdinOf(command: string): Readonly<Record<string, unknown>> {
    return JSON.parse(readFileSync(this.#file(`${command}.stdin`), 'utf8')) as Record<string, unknown>
  }

  #file(name: string): string {
    return join(this.#directory, name)
  }
}
