import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { turns } from './until.ts'

/** Takes over from whoever handles uncaught exceptions, the test runner included, while `run` runs. */
export async function uncaughtDuring(run: () => Promise<void>): Promise<unknown[]> {
  const surfaced: unknown[] = []
  const others = process.listeners('uncaughtException')
  const note = (error: unknown): number => surfaced.push(error)
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', note)
  try {
    await run()
  } finally {
    process.off('uncaughtException', note)
    for (const other of others) process.on('uncaughtException', other)
  }
  return surfaced
}

setFlagsFromString('--expose-gc')
const gc: () => void = runInNewContext('gc')

/** Collects all that nothing refers to. What a `WeakRef` gave stays until the turn is over, hence the turns. */
export async function collectGarbage(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    await turns()
    gc()
  }
  await turns()
}
