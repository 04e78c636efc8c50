import { describe, expect, it } from 'vitest'
import { progressOn } from '../src/progress.ts'

function told(isTTY: boolean, ...steps: readonly string[]): string {
  let text = ''
  const progress = progressOn({
    isTTY,
    write: (part) => {
      text += part
    }
  })
  for (const step of steps) progress.tell(step)
  progress.end()
  return text
}

describe('progress', () => {
  it('is a line a step', () => {
    expect(told(false, 'building', 'pods, round 1 of 2', 'pods, round 2 of 2')).toBe(
      'building …\npods, round 1 of 2 …\npods, round 2 of 2 …\n'
    )
  })

  it('rewrites the line of a counter on a terminal', () => {
    expect(told(true, 'building', 'pods, round 1 of 2', 'pods, round 2 of 2', 'streams, round 1 of 2')).toBe(
      '\r\x1b[Kbuilding …\n\r\x1b[Kpods, round 1 of 2 …\r\x1b[Kpods, round 2 of 2 …\n\r\x1b[Kstreams, round 1 of 2 …\n'
    )
  })

  it('writes nothing when there was nothing', () => expect(told(true)).toBe(''))
})
