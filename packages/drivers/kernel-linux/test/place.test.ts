import { afterEach, beforeEach, expect, it } from 'vitest'
import { NetworkNamespace, warmThreadPool } from '../src/namespaces.ts'
import { Place } from '../src/place.ts'
import { type TestNamespace, testNamespace } from './namespace.ts'

let namespace: TestNamespace
let place: Place

beforeEach(async () => {
  await warmThreadPool()
  namespace = await testNamespace()
  place = new Place(NetworkNamespace.open(namespace.path))
})
afterEach(async () => {
  place.close()
  await namespace.dispose()
})

const indexByIp = async (name: string): Promise<unknown> =>
  (await namespace.json('link', 'show', 'dev', name))[0]?.ifindex

it('knows a name by its index and an index by its name, as they are now', async () => {
  await namespace.ip('link', 'add', 'd0', 'type', 'bridge')
  const first = place.indexOf('d0')
  expect(first).toBe(await indexByIp('d0'))
  expect([place.nameOf(first), place.nameNow(first)]).toEqual(['d0', 'd0'])
  await namespace.ip('link', 'set', 'd0', 'name', 'a-name-of-15-by')
  expect(place.indexIfThere('d0')).toBeUndefined()
  expect(place.nameNow(first)).toBe('a-name-of-15-by')
  await namespace.ip('link', 'add', 'd0', 'type', 'bridge')
  expect(place.indexOf('d0')).toBe(await indexByIp('d0'))
  await namespace.ip('link', 'del', 'd0')
  expect(place.indexIfThere('d0')).toBeUndefined()
  expect([place.nameOf(9_999), place.nameNow(9_999)]).toEqual([undefined, undefined])
})

it('asks once for a device that stays', async () => {
  const index = place.indexOf('lo')
  let asked = 0
  const { socket } = place
  const request = socket.request.bind(socket)
  socket.request = (...words) => {
    asked++
    return request(...words)
  }
  expect([place.indexOf('lo'), place.nameNow(index)]).toEqual([index, 'lo'])
  expect(asked).toBe(0)
  for (let at = 0; at < 200; at++) place.indexIfThere(`none-${at}`)
  expect(place.indexOf('lo')).toBe(index)
})
