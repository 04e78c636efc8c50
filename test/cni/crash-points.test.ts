import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { configOf, type Target } from './plugin.ts'
import { CniWorld } from './world.ts'

/**
 * All by which the daemon changes something outside of itself: files, sysctls, netlink. It does so in its first thread.
 * strace counts each of them for itself; a question mark because not every processor has all of them.
 */
const WRITES = [
  '?write',
  '?pwrite64',
  '?ftruncate',
  '?link,?linkat',
  '?rename,?renameat,?renameat2',
  '?unlink,?unlinkat',
  '?sendto,?sendmsg'
]

/** More than any verb has of one kind. */
const POINTS = 100

const CONFIG = configOf('1.1.0')

const VERBS: Readonly<
  Record<string, (world: CniWorld, target: Target) => Promise<{ status: number | null }>>
> = {
  ADD: (world, target) => world.plugin.add(target, CONFIG),
  DEL: (world, target) => world.plugin.del(target, CONFIG),
  GC: (world) => world.plugin.whole('GC', { ...CONFIG, 'cni.dev/valid-attachments': [] })
}

/** Kills the daemon at the `point`th such write from now, before the kernel does it. @returns how to leave it alone again */
async function killAt(world: CniWorld, write: string, point: number): Promise<() => Promise<void>> {
  const { place, program } = world.node
  const inject = `inject=${write}:signal=SIGKILL:when=${point}`
  const argv = [
    'strace',
    '-qqq',
    '-o',
    '/dev/null',
    '-p',
    String(program.pid),
    '-e',
    `trace=${write}`,
    '-e',
    inject
  ]
  const strace = await place.spawn(argv)
  await world.node.wait('it is traced', async () => {
    const status = await place.run(['grep', 'TracerPid', `/proc/${program.pid}/status`])
    return !/:\s0$/.test(status.stdout.trim())
  })
  return async () => {
    await strace.stop()
  }
}

describe.concurrent('a daemon that is killed before each of its writes', () => {
  it.each(Object.keys(VERBS))(
    'in %s, starts again, and nothing is left when the pod has ended',
    async (verb) => {
      const world = await CniWorld.create()
      const { node, plugin } = world
      try {
        const { target, place } = await world.container()
        const empty = await world.leftovers()
        const call = VERBS[verb]
        if (call === undefined) throw new Error(verb)
        /** @returns whether there was such a point */
        const survives = async (write: string, point: number): Promise<boolean> => {
          if (verb !== 'ADD') expect(await plugin.add(target, CONFIG)).toMatchObject({ status: 0 })
          const release = await killAt(world, write, point)
          const ran = await call(world, target)
          await release()
          const isKilled = await Promise.race([node.program.exited.then(() => true), sleep(20, false)])
          if (isKilled) {
            await node.start()
            await node.ready()
          } else expect(ran.status).toBe(0)
          // As a runtime ends a pod, whether its ADD has succeeded or not.
          expect(await plugin.del(target, CONFIG)).toMatchObject({ status: 0, stdout: '' })
          await node.wait(`nothing is left after ${write} ${point}`, async () => {
            expect(await world.leftovers()).toBe(empty)
            return true
          })
          expect((await place.run(['ip', '-brief', 'link'])).stdout).not.toContain('eth0')
          return isKilled
        }
        const kills: Record<string, number> = {}
        for (const write of WRITES) {
          let point = 1
          while (point < POINTS && (await survives(write, point))) point++
          kills[write] = point - 1
        }
        const total = Object.values(kills).reduce((sum, count) => sum + count, 0)
        expect(total, JSON.stringify(kills)).toBeGreaterThanOrEqual(verb === 'ADD' ? 20 : 5)
      } finally {
        await world.dispose()
      }
    },
    180_000
  )
})
