import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { textOf, World } from './world.ts'

const IDS = ['a', 'b', 'c']

/** A life of one process: calls at once, some steps that fail, perhaps a crash. */
const life = fc.record({
  calls: fc.array(
    fc.record({ verb: fc.constantFrom('attach', 'ask', 'detach'), id: fc.constantFrom(...IDS) }),
    {
      minLength: 1,
      maxLength: 8
    }
  ),
  failAt: fc.array(fc.nat(40), { maxLength: 3 }),
  crashAt: fc.option(fc.nat(40), { nil: Number.POSITIVE_INFINITY })
})

const keyOf = (containerId: string) => ({ containerId, ifname: 'eth0' })

function requestOf(world: World, verb: 'attach' | 'ask', id: string) {
  const ipam = verb === 'ask' ? { ipam: world.theirs(id) } : {}
  return { ...keyOf(id), namespace: `/run/netns/${id}`, ...ipam }
}

/** What must hold whenever nobody is at work. */
function check(world: World): void {
  const holders = [...world.reserved.values()]
  expect(new Set(holders).size).toBe(holders.length)
  for (const [text, request] of world.links) {
    const address = String(request.addresses.v4)
    const owned = [...world.given].map(([id, given]) => [given, textOf(keyOf(id))] as const)
    const holders = new Map([...world.reserved, ...owned])
    expect(world.records.has(text), `${text} has a link and no record`).toBe(true)
    expect(holders.get(address), `${text} uses ${address}`).toBe(text)
  }
  for (const [text, { phase, addresses }] of world.records) {
    if (phase !== 'plugged' || !world.links.has(text)) continue
    expect(world.links.get(text)?.addresses).toEqual(addresses)
  }
}

describe('attachments through failures and crashes', () => {
  it('never lose track of a link or an address, and end with nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 4 }), async (lives) => {
        const world = new World()
        for (const { calls, failAt, crashAt } of lives) {
          const attachments = world.start()
          await attachments.recover()
          for (const { phase } of world.records.values()) expect(phase).toBe('plugged')
          world.steps.length = 0
          world.failAt = new Set(failAt)
          world.crashAt = crashAt
          const work = calls.map(({ verb, id }) =>
            verb === 'detach' ? attachments.detach(keyOf(id)) : attachments.attach(requestOf(world, verb, id))
          )
          await Promise.allSettled(work)
          check(world)
        }
        // The runtime's last word about each container.
        const attachments = world.start()
        for (const id of IDS) await attachments.detach(keyOf(id))
        expect(world.isEmpty).toBe(true)
      }),
      { numRuns: 300 }
    )
  })

  it('answers as one call after another would, whatever else happens at once', async () => {
    await fc.assert(
      fc.asyncProperty(life, async ({ calls }) => {
        const world = new World()
        const attachments = world.start()
        const attached = new Set<string>()
        const expected = calls.map(({ verb, id }) => {
          const succeeds = verb === 'detach' || !attached.has(id)
          if (verb === 'detach') attached.delete(id)
          else attached.add(id)
          return succeeds
        })
        const outcomes = await Promise.allSettled(
          calls.map(({ verb, id }) =>
            verb === 'detach' ? attachments.detach(keyOf(id)) : attachments.attach(requestOf(world, verb, id))
          )
        )
        expect(outcomes.map(({ status }) => status === 'fulfilled')).toEqual(expected)
        expect([...world.links.keys()].sort()).toEqual([...attached].map((id) => textOf(keyOf(id))).sort())
      })
    )
  })
})
