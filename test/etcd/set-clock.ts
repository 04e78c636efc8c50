import { renameSync, writeFileSync } from 'node:fs'
import type { ClusterNode } from '../cluster/cluster-node.ts'

/** Runs before the daemon's own code: its clocks are ahead by what a file says, which is read each time. */
const PRELOADED = `
const { readFileSync } = require('node:fs')
const { syncBuiltinESMExports } = require('node:module')
const os = require('node:os')
const { now } = Date
const { uptime } = os
const ahead = () => JSON.parse(readFileSync(process.env.TEST_CLOCK, 'utf8'))
Date.now = () => now() + ahead().wallMs
os.uptime = () => uptime() + ahead().bootMs / 1000
syncBuiltinESMExports()
// V8 does not ask Date.now.
globalThis.Date = class extends Date {
  constructor(...args) {
    super(...(args.length === 0 ? [Date.now()] : args))
  }
}
`

/** The clocks of one daemon. Those of the machine belong to everybody on it, and no namespace has a wall clock of its own. */
export class SetClock {
  readonly #path: string

  private constructor(path: string) {
    this.#path = path
  }

  /** From its next start on. */
  static of(node: ClusterNode): SetClock {
    const [preloaded, path] = [node.file('preloaded.cjs'), node.file('clock')]
    writeFileSync(preloaded, PRELOADED)
    node.within = ['env', `TEST_CLOCK=${path}`, `NODE_OPTIONS=--require=${preloaded}`]
    const clock = new SetClock(path)
    clock.set({})
    return clock
  }

  /** @param ahead wallMs: somebody set the wall clock; bootMs: the machine was suspended for so long */
  set({ wallMs = 0, bootMs = 0 }: { readonly wallMs?: number; readonly bootMs?: number }): void {
    const staged = `${this.#path}.new`
    writeFileSync(staged, JSON.stringify({ wallMs, bootMs }))
    renameSync(staged, this.#path)
  }
}
