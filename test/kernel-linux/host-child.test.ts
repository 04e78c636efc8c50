import { EMPTY_KERNEL_STATE } from '@trilane/contracts'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { CHILD, HostChildBed, hostChild } from './host-child.ts'

const MACVLAN = { type: 'macvlan', parent: 'up0', mode: 'bridge' } as const

let bed: HostChildBed

beforeEach(async () => {
  bed = await HostChildBed.create()
})

afterEach(() => bed?.dispose())

const disturbed = () => vi.waitFor(() => expect(bed.isDisturbed).toBe(true), { timeout: 10_000, interval: 5 })

async function start(): Promise<void> {
  bed.wish(hostChild(MACVLAN))
  expect((await bed.pass()).failures).toEqual([])
  expect(await bed.isWhole()).toBe(true)
}

it('the node’s child is made with its address and route, and a mode from outside is set back', async () => {
  await start()
  expect(await bed.ip('route', 'show', 'proto', '133')).toContain(`192.168.77.64/28 dev ${CHILD}`)
  await bed.ip('link', 'set', CHILD, 'type', 'macvlan', 'mode', 'private')
  await disturbed()
  expect((await bed.pass()).failures).toEqual([])
  expect(await bed.ip('-d', 'link', 'show', CHILD)).toContain('macvlan mode bridge')
})

it('it is back with everything on it when its parent was removed and made again', async () => {
  await start()
  await bed.ip('link', 'del', 'up0')
  await disturbed()
  expect((await bed.pass()).failures[0]?.error?.code).toBe('TRI_KERNEL_NOT_FOUND')
  await bed.ip('link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'wire0')
  for (const device of ['wire0', 'up0']) await bed.ip('link', 'set', device, 'up')
  await disturbed()
  expect((await bed.pass()).failures).toEqual([])
  expect(await bed.isWhole()).toBe(true)
  expect(await bed.ip('route', 'show', 'proto', '133')).toContain(CHILD)
})

it('it stays as it is when its parent gets another name, until that is what is wished', async () => {
  await start()
  const index = async (): Promise<string> => (await bed.ip('-o', 'link', 'show', CHILD)).split(':')[0] ?? ''
  const before = await index()
  await bed.ip('link', 'set', 'up0', 'down')
  await bed.ip('link', 'set', 'up0', 'name', 'lan0')
  await bed.ip('link', 'set', 'lan0', 'up')
  await disturbed()
  const report = await bed.pass()
  expect(report.failures.map(({ error }) => error?.code)).toContain('TRI_KERNEL_NOT_FOUND')
  expect(await index()).toBe(before)
  bed.wish(hostChild({ ...MACVLAN, parent: 'lan0' }))
  expect((await bed.pass()).failures).toEqual([])
  expect(await index()).toBe(before)
  expect(await bed.isWhole()).toBe(true)
})

it('a pod’s link on the same parent is not swept, nor touched when the child goes', async () => {
  await start()
  await bed.ip('link', 'add', 'pod0', 'link', 'up0', 'netns', bed.pod, 'type', 'macvlan', 'mode', 'bridge')
  bed.wish(EMPTY_KERNEL_STATE)
  expect((await bed.pass()).failures).toEqual([])
  expect(await bed.ip('link', 'show')).not.toContain(CHILD)
  expect(await bed.inPod('link', 'show', 'pod0')).toContain('pod0')
})
