import { describe, expect, it } from 'vitest'
import { sameWish } from '../src/same-wish.ts'
import { ip, mac, net, route } from './things.ts'

describe('sameWish', () => {
  it.each<[unknown, unknown, boolean]>([
    [route('10.5.2.0/24', '192.168.1.2'), route('10.5.2.0/24', '192.168.1.2'), true],
    [route('10.5.2.0/24', '192.168.1.2'), route('10.5.2.0/24', '192.168.1.3'), false],
    [{ a: 1, b: 2 }, { b: 2, a: 1 }, true],
    [{ a: 1, b: undefined }, { a: 1 }, true],
    [{ a: 1 }, { a: 1, b: 2 }, false],
    [{ a: 1, b: undefined }, { a: 1, c: 2 }, false],
    [{ master: null }, {}, false],
    [[1, 2], [1, 2], true],
    [[1, 2], [2, 1], false],
    [ip('fd00::1'), ip('fd00:0:0::1'), true],
    [ip('10.0.0.1'), ip('10.0.0.2'), false],
    [net('10.5.1.7/16'), net('10.5.0.0/16'), true],
    [mac('0E:00:00:00:00:01'), mac('0e:00:00:00:00:01'), true],
    [ip('10.0.0.1'), { family: 'v4' }, false],
    [undefined, [], false]
  ])('%j, %j: %s', (a, b, same) => {
    expect(sameWish(a, b)).toBe(same)
    expect(sameWish(b, a)).toBe(same)
  })
})
