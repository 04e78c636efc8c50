import { describe, expect, it } from 'vitest'
import { Alarm } from '../src/alarm.ts'
import { HandClock } from './hand-clock.ts'

describe('Alarm', () => {
  it('rings once, at the earliest time that was set', async () => {
    const clock = new HandClock()
    let rung = 0
    const alarm = new Alarm(clock, () => rung++)
    alarm.set(500)
    alarm.set(100)
    alarm.set(300)
    await clock.pass(99)
    expect(rung).toBe(0)
    await clock.pass(1)
    expect(rung).toBe(1)
    await clock.pass(1_000)
    expect(rung).toBe(1)
    alarm.set(10)
    await clock.pass(10)
    expect(rung).toBe(2)
  })

  it('rings no more when it was stopped', async () => {
    const clock = new HandClock()
    let rung = 0
    const alarm = new Alarm(clock, () => rung++)
    alarm.set(10)
    alarm.stop()
    alarm.set(10)
    await clock.pass(100)
    expect(rung).toBe(0)
  })
})
