import { describe, expect, it } from 'vitest'
import { changedFields, isAsPredicted, type Layer, type WalkFrame } from '../src/index.ts'

const ethernet = (destination: string): Layer => ({ name: 'ethernet', bytes: 14, fields: { destination } })
const ipv4 = (ttl: string, more: Record<string, string> = {}): Layer => {
  return { name: 'ipv4', bytes: 20, fields: { ttl, ...more } }
}
const udp: Layer = { name: 'udp', bytes: 8, fields: {} }
const frame = (...layers: Layer[]): WalkFrame => ({ bytes: 98, layers })

describe('isAsPredicted', () => {
  const predicted = frame(ethernet('a'), ipv4('64'))

  it('leaves to the sender what was not predicted, and nothing else', () => {
    expect(isAsPredicted(predicted, frame(ethernet('a'), ipv4('64', { id: '7' })))).toBe(true)
    expect(isAsPredicted(predicted, frame(ethernet('a'), ipv4('63')))).toBe(false)
    expect(isAsPredicted(predicted, frame(ethernet('a')))).toBe(false)
    expect(isAsPredicted(predicted, frame(ethernet('a'), ipv4('64'), udp))).toBe(false)
    expect(isAsPredicted(predicted, { ...predicted, bytes: 99 })).toBe(false)
    expect(isAsPredicted(predicted, frame(ethernet('a'), { ...ipv4('64'), bytes: 24 }))).toBe(false)
  })
})

describe('changedFields', () => {
  it('names fields that differ, and headers that came or went', () => {
    const plain = frame(ethernet('a'), ipv4('64'))
    expect(changedFields(plain, frame(ethernet('b'), ipv4('63')))).toEqual([
      'ethernet.destination',
      'ipv4.ttl'
    ])
    const carried = frame(ethernet('c'), ipv4('64'), udp, ethernet('a'), ipv4('64'))
    expect(changedFields(plain, carried)).toEqual(['+ethernet', '+ipv4', '+udp'])
    expect(changedFields(carried, plain)).toEqual(['-ethernet', '-ipv4', '-udp'])
    expect(changedFields(plain, plain)).toEqual([])
  })
})
