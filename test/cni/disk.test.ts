import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { configOf, failureOf } from './plugin.ts'
import { addressesOf, CniWorld } from './world.ts'

const CONFIG = configOf('1.1.0')
const SIZE_BYTES = 256 * 1024

let world: CniWorld
beforeEach(async () => {
  world = await CniWorld.create({ config: 'host-gw', flags: { 'full-pass': '1s' } })
  const { node } = world
  await node.stop()
  // A small disk that the daemon alone has: it goes with its mount namespace.
  const mounts = [node.file('state'), node.file('networks')].map(
    (path) => `mkdir -p ${path}; mount -t tmpfs -o size=${SIZE_BYTES} small ${path};`
  )
  node.within = [
    'unshare',
    '--mount',
    '--propagation=slave',
    'sh',
    '-euc',
    `${mounts.join(' ')} exec "$@"`,
    'sh'
  ]
  await node.start()
  await node.ready()
})
afterEach(() => world?.dispose())

/** A path as the daemon sees it. */
const inside = (...names: string[]) => `/proc/${world.node.program.pid}/root${world.node.file(...names)}`

/** What pods have on the node: devices, reservations, records. */
async function seen() {
  const links = JSON.parse(await world.node.ip('-json', 'link', 'show')) as { ifname: string }[]
  const list = (pattern: RegExp, ...names: string[]) => {
    const path = inside(...names)
    // Made with the first pod.
    return existsSync(path) ? readdirSync(path).filter((name) => pattern.test(name)) : []
  }
  const reservations = list(/^[0-9.]+$/, 'networks', 'default')
  const records = list(/\.json$/, 'state', 'attachments', 'default')
  return { links: links.map(({ ifname }) => ifname).sort(), reservations, records }
}

/** Until nothing more fits, not even a byte into a file that is there. */
function fill(directory: string): string {
  const path = inside(directory, 'filler')
  for (const piece of [4096, 1]) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(piece), { flag: 'a' })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    }
  }
  return path
}

async function remount(directory: string, how: 'ro' | 'rw'): Promise<void> {
  const { place, program } = world.node
  const enter = ['nsenter', `--target=${program.pid}`, '--mount', '--']
  await place.run([...enter, 'mount', '-o', `remount,${how}`, world.node.file(directory)])
}

/** What happens to a directory, and the way back. */
const TROUBLES: readonly (readonly [string, RegExp, (directory: string) => Promise<() => Promise<void>>])[] =
  [
    [
      'full',
      /ENOSPC/,
      async (directory) => {
        const filler = fill(directory)
        return async () => rmSync(filler)
      }
    ],
    [
      'read-only',
      /EROFS/,
      async (directory) => {
        await remount(directory, 'ro')
        return () => remount(directory, 'rw')
      }
    ]
  ]

describe.each(TROUBLES)('a disk that is %s', (_, problem, happen) => {
  it.each(['state', 'networks'])(
    'P109, P130: below %s: no pod comes, none is harmed, those that end do, and all goes on when it is well',
    async (directory) => {
      const pod = await world.container()
      const empty = await seen()
      const address = addressesOf(await world.plugin.add(pod.target, CONFIG))[0] ?? ''
      const before = await seen()
      const repair = await happen(directory)

      const late = await world.container()
      const refused = await world.plugin.add(late.target, CONFIG)
      expect(failureOf(refused)).toEqual([1, 5, expect.stringMatching(problem)])
      expect(await seen()).toEqual(before)
      expect((await late.place.run(['ip', '-brief', 'link'])).stdout).not.toContain('eth0')
      const status = await world.plugin.whole('STATUS', CONFIG)
      expect(failureOf(status)).toEqual([
        1,
        50,
        expect.stringMatching(/\/(state|networks) cannot be written: /)
      ])
      expect((await world.node.place.run(['ping', '-c', '1', '-W', '2', address])).status).toBe(0)
      // The pod ends whatever the disk says: its runtime would ask for ever.
      expect(await world.plugin.del(pod.target, CONFIG)).toMatchObject({ status: 0, stdout: '' })
      expect((await seen()).links).toEqual(empty.links)
      expect((await pod.place.run(['ip', '-brief', 'link'])).stdout).not.toContain('eth0')

      await repair()
      await world.node.wait('its files are gone as well', async () => {
        return JSON.stringify(await seen()) === JSON.stringify(empty)
      })
      await world.node.wait('it takes pods again', async () => {
        return (await world.plugin.add(late.target, CONFIG)).status === 0
      })
      expect(await world.plugin.del(late.target, CONFIG)).toMatchObject({ status: 0, stdout: '' })
      expect(await seen()).toEqual(empty)
    }
  )
})

it('a pod that ended on a read-only disk may come again with the same name', async () => {
  const pod = await world.container()
  const empty = await seen()
  expect((await world.plugin.add(pod.target, CONFIG)).status).toBe(0)
  await remount('networks', 'ro')
  expect(await world.plugin.del(pod.target, CONFIG)).toMatchObject({ status: 0 })
  expect((await seen()).reservations).toHaveLength(1)
  await remount('networks', 'rw')
  // Again by the same process, with the same key: what is owed is no pod.
  expect((await world.plugin.add(pod.target, CONFIG)).status).toBe(0)
  expect(await world.plugin.del(pod.target, CONFIG)).toMatchObject({ status: 0 })
  expect(await seen()).toEqual(empty)
})
