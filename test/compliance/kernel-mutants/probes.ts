import { Mac } from '@trilane/ip'
import { type Mutant, mutant } from './mutant.ts'

export const probeMutants: readonly Mutant[] = [
  mutant('refuses to ask whether nobody has nothing', 'probe > of nothing gives nothing', (kernel) => ({
    async probe(questions, waitMs) {
      if (questions.length === 0) throw new Error('nothing to ask')
      return kernel.probe(questions, waitMs)
    }
  })),
  mutant(
    'hears no answer',
    [
      'probe > finds who has an address, without an address of its own *',
      'probe > asks beyond a bridge *',
      'probe > asks for a child, and not the children of the device *',
      'probe > of both families at once, an address twice, gives each that answered once'
    ],
    () => ({ probe: async () => [] })
  ),
  mutant(
    'takes every address for used',
    [
      'probe > gives nobody for an address that nobody has *',
      'probe > asks for a child, and not the children of the device *'
    ],
    () => ({
      probe: async (questions) => questions.map((question) => ({ ...question, mac: Mac.derive('it') }))
    })
  ),
  mutant('asks as a packet would', 'probe > leaves the tables of both ends as they are *', (kernel) => ({
    async probe(questions, waitMs) {
      await kernel.solicit(questions)
      return kernel.probe(questions, waitMs)
    }
  })),
  mutant(
    'does not say that it could not ask',
    [
      'probe > on a device that does not exist gives TRI_KERNEL_NOT_FOUND *',
      'probe > on a device that is down gives TRI_KERNEL_REFUSED *'
    ],
    (kernel) => ({
      probe: (questions, waitMs) => kernel.probe(questions, waitMs).catch(() => [])
    })
  ),
  mutant(
    'answers as often as it is asked',
    'probe > of both families at once, an address twice, gives each that answered once',
    (kernel) => ({
      async probe(questions, waitMs) {
        const holders = await Promise.all(questions.map((question) => kernel.probe([question], waitMs)))
        return holders.flat()
      }
    })
  )
]
