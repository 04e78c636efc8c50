import { failuresOf, type Suite, type SuiteFixture, testNames } from '@trilane/compliance'
import { describe, expect, it } from 'vitest'

interface Counter extends SuiteFixture {
  next(): number
}

const suite: Suite<Counter> = {
  contract: 'Counter',
  verbs: [
    {
      verb: 'next',
      tests: [
        {
          name: 'begins with 1',
          run: (counter) => {
            if (counter.next() !== 1) throw new Error('it does not')
          }
        },
        {
          name: 'grows',
          run: async (counter) => {
            const first = counter.next()
            if (counter.next() <= first) throw new Error('it does not')
          }
        }
      ]
    }
  ]
}

const BEGINS = 'next > begins with 1'
const GROWS = 'next > grows'

function counting(from: number, step: number): Counter {
  let value = from
  return {
    next() {
      value += step
      return value
    }
  }
}

describe('failuresOf', () => {
  it('finds nothing when the promises are kept', async () => {
    expect(await failuresOf(suite, () => counting(0, 1))).toEqual([])
  })

  it('names the promise that is broken, and no other', async () => {
    expect(await failuresOf(suite, () => counting(1, 1))).toEqual([BEGINS])
    expect(await failuresOf(suite, () => counting(1, 0))).toEqual([GROWS])
  })

  it('gives each test a fixture of its own and disposes of it, also after a failure', async () => {
    let made = 0
    let disposed = 0
    const create = async () => {
      made += 1
      const dispose = () => {
        disposed += 1
      }
      return { ...counting(1, 0), dispose }
    }
    await failuresOf(suite, create)
    expect([made, disposed]).toEqual([2, 2])
  })

  it('takes a test that does not end for failed', async () => {
    const hanging: Suite<Counter> = {
      contract: 'Counter',
      verbs: [{ verb: 'next', tests: [{ name: 'ends', run: () => new Promise(() => {}) }] }]
    }
    expect(await failuresOf(hanging, () => counting(0, 1), { timeoutMs: 10 })).toEqual(['next > ends'])
  })

  it('takes a fixture that cannot be made, or not be disposed of, for failed', async () => {
    const create = () => {
      throw new Error('no counter today')
    }
    expect(await failuresOf(suite, create)).toEqual([BEGINS, GROWS])
    const sticky = { ...counting(0, 1), dispose: () => Promise.reject(new Error('it stays')) }
    expect(await failuresOf(suite, () => sticky, { only: [GROWS] })).toEqual([GROWS])
  })

  it('runs only what it is told, and refuses a name that is no test', async () => {
    expect(await failuresOf(suite, () => counting(1, 0), { only: [BEGINS] })).toEqual([])
    await expect(failuresOf(suite, () => counting(0, 1), { only: ['next > shrinks'] })).rejects.toThrow(
      'next > shrinks'
    )
  })
})

describe('testNames', () => {
  it('gives verb and name, in order', () => {
    expect(testNames(suite)).toEqual([BEGINS, GROWS])
  })
})
