import type { TrilaneError } from '@trilane/contracts'
import { answering, type Mutant, mutant, NOT_FOUND, rightly } from './mutant.ts'

export const applyMutants: readonly Mutant[] = [
  mutant('gives outcomes in reverse order', 'apply > gives one outcome per change, in order', (kernel) => ({
    apply: async (changes) => [...(await kernel.apply(changes))].reverse()
  })),
  mutant('gives an outcome for nothing', 'apply > of nothing gives nothing', (kernel) => ({
    apply: async (changes) =>
      changes.length > 0
        ? kernel.apply(changes)
        : [{ change: { kind: 'link', action: 'remove', value: { name: '', kind: { type: 'bridge' } } } }]
  })),
  mutant(
    'does the changes in reverse order',
    'apply > does the changes in order: each may need the one before',
    (kernel) => ({ apply: async (changes) => [...(await kernel.apply([...changes].reverse()))].reverse() })
  ),
  mutant('stops at the first failure', 'apply > one that fails stops none of the others', (kernel) => {
    let failed: TrilaneError | undefined
    return {
      async apply(changes) {
        failed = undefined
        const outcomes = []
        for (const change of changes) {
          failed ??= await rightly(kernel, change)
          outcomes.push(failed === undefined ? { change } : { change, error: failed })
        }
        return outcomes
      }
    }
  }),
  mutant(
    'does not say what failed',
    'apply > an error names the change as the command that would do the same',
    answering((_change, error) => error !== undefined, NOT_FOUND)
  ),
  mutant(
    'mixes up the answers of a big batch',
    'apply > each outcome belongs to its change, among many',
    (kernel) => ({
      async apply(changes) {
        const outcomes = await kernel.apply(changes)
        if (outcomes.length < 100) return outcomes
        return changes.map((change, at) => {
          const error = outcomes[(at + 1) % outcomes.length]?.error
          return error === undefined ? { change } : { change, error }
        })
      }
    })
  ),
  mutant(
    'mixes up batches that run at the same time',
    'apply > at the same time as another gives each its own outcomes',
    (kernel) => {
      let last: ReturnType<typeof kernel.apply> | undefined
      return {
        async apply(changes) {
          last = kernel.apply(changes)
          await new Promise((resolve) => setTimeout(resolve, 1))
          return last
        }
      }
    }
  )
]
