import { expect, it } from 'vitest'
import { runInGuestKernel } from '../../src/compare/function/run-in-guest-kernel.ts'
import { modeRuns } from '../../src/compare/modes.ts'

it('no guest is started for what is not tried there, which is said', async () => {
  const told: string[] = []
  const runs = modeRuns('ipvlan-l2,ipvlan-l3')
  const part = await runInGuestKernel(runs, ['routed', 'anti-spoof'], (step) => told.push(step))
  expect(part).toEqual({
    modes: [],
    matrices: [],
    walks: [],
    leftOut: [
      'ipvlan-l2, ipvlan-l3: routed was not tried, as the guest kernel is slow',
      'ipvlan-l2, ipvlan-l3: anti-spoof was not tried, as the guest kernel is slow'
    ]
  })
  expect(told).toEqual([])
})
