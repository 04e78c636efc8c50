import { describe, expect, it } from 'vitest'
import { FollowedNames } from '../src/devices.ts'

function fixture(known: Readonly<Record<number, string>>) {
  const asked: number[] = []
  const names = new FollowedNames((index) => {
    asked.push(index)
    return known[index]
  })
  return { names, asked }
}

describe('names that are followed', () => {
  it('are asked for once, known or not', () => {
    const { names, asked } = fixture({ 1: 'lo' })
    expect([names.nameOf(1), names.nameOf(1)]).toEqual(['lo', 'lo'])
    expect([names.nameOf(2), names.nameOf(2)]).toEqual([undefined, undefined])
    expect(asked).toEqual([1, 2])
  })

  it('are those that events told, without asking', () => {
    const { names, asked } = fixture({ 1: 'old' })
    names.add(1, 'new')
    expect(names.nameOf(1)).toBe('new')
    expect(asked).toEqual([])
    names.add(1, 'newer')
    expect(names.nameOf(1)).toBe('newer')
  })

  it('become known when an event tells of a device that was asked for in vain', () => {
    const { names } = fixture({})
    expect(names.nameOf(7)).toBeUndefined()
    names.add(7, 'br0')
    expect(names.nameOf(7)).toBe('br0')
    const { names: others } = fixture({})
    expect(others.nameOf(7)).toBeUndefined()
    others.remove(7, 'br0')
    expect(others.nameOf(7)).toBe('br0')
  })

  it('of the 512 devices that vanished last are remembered, without growing for ever', () => {
    const { names } = fixture({})
    for (let index = 1; index <= 600; index++) {
      names.add(index, `v${index}`)
      names.remove(index, `v${index}`)
    }
    expect(names.nameOf(88)).toBeUndefined()
    expect(names.nameOf(89)).toBe('v89')
    expect(names.nameOf(600)).toBe('v600')
  })

  it('of a device that vanished twice are as young as its second end', () => {
    const { names } = fixture({})
    names.remove(1, 'first')
    for (let index = 2; index <= 512; index++) names.remove(index, `v${index}`)
    names.remove(1, 'second')
    names.remove(513, 'v513')
    expect(names.nameOf(1)).toBe('second')
    expect(names.nameOf(2)).toBeUndefined()
  })

  it('are asked for again after a loss', () => {
    const { names, asked } = fixture({ 1: 'lo' })
    names.nameOf(1)
    names.nameOf(2)
    names.forget()
    names.nameOf(1)
    names.nameOf(2)
    expect(asked).toEqual([1, 2, 1, 2])
  })
})
