import { expect, it } from 'vitest'
import { oneAtATime } from '../src/slow-close.ts'

it('closes all, one at a time and in their order, also those that come later', () => {
  const closing: { readonly fd: number; readonly done: () => void }[] = []
  const closed: number[] = []
  const close = oneAtATime((fd, done) => closing.push({ fd, done }))
  const finishOne = (): void => {
    expect(closing).toHaveLength(1)
    for (const { fd, done } of closing.splice(0)) {
      closed.push(fd)
      done()
    }
  }
  for (const fd of [5, 6, 7]) close(fd)
  for (let left = 3; left > 0; left--) finishOne()
  expect(closing).toHaveLength(0)
  close(8)
  finishOne()
  expect(closed).toEqual([5, 6, 7, 8])
})
