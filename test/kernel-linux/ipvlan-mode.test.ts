import { needsLinkTypes } from '@trilane/testbed'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { CHILD, HostChildBed, hostChild } from './host-child.ts'

needsLinkTypes('ipvlan')

const IPVLAN = { type: 'ipvlan', parent: 'up0', mode: 'l2', flag: 'bridge' } as const

let bed: HostChildBed

beforeEach(async () => {
  bed = await HostChildBed.create()
  bed.wish(hostChild(IPVLAN))
  expect((await bed.pass()).failures).toEqual([])
  await bed.ip('link', 'add', 'pod0', 'link', 'up0', 'netns', bed.pod, 'type', 'ipvlan', 'mode', 'l2')
  expect(await bed.isWhole()).toBe(true)
})

afterEach(() => bed?.dispose())

const modeInPod = async (): Promise<string> =>
  /ipvlan +mode (\S+ \S+)/.exec(await bed.inPod('-d', 'link', 'show', 'pod0'))?.[1] ?? 'none'

it('a mode that another child brought is heard of, and set back for all', async () => {
  await bed.ip('link', 'add', 'intruder', 'link', 'up0', 'type', 'ipvlan', 'mode', 'l3')
  expect(await modeInPod()).toBe('l3 bridge')
  await vi.waitFor(() => expect(bed.isDisturbed).toBe(true), { timeout: 10_000, interval: 5 })
  expect((await bed.pass()).failures).toEqual([])
  expect(await modeInPod()).toBe('l2 bridge')
  expect(await bed.isWhole()).toBe(true)
})

it('a flag from outside is set back by the next full pass', async () => {
  await bed.inPod('link', 'set', 'pod0', 'type', 'ipvlan', 'private')
  expect(await modeInPod()).toBe('l2 private')
  expect((await bed.pass()).failures).toEqual([])
  expect(await modeInPod()).toBe('l2 bridge')
})

it('the node’s child is made again without a change for the pods', async () => {
  await bed.ip('link', 'del', CHILD)
  await vi.waitFor(() => expect(bed.isDisturbed).toBe(true), { timeout: 10_000, interval: 5 })
  expect((await bed.pass()).failures).toEqual([])
  expect(await modeInPod()).toBe('l2 bridge')
  expect(await bed.isWhole()).toBe(true)
})
