import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { configOf, type Target } from './plugin.ts'
import type { CniWorld } from './world.ts'

/**
 * All by which the daemon changes something outside of itself: files, sysctls, netlink. It does so in its first thread, but
 * for {@link POOL_WRITES}. strace counts each of them for itself; a question mark because not every processor has all of them.
 */
export const WRITES = [
  '?write',
  '?pwrite64',
  '?ftruncate',
  '?link,?linkat',
  '?rename,?renameat,?renameat2',
  '?unlink,?unlinkat',
  '?sendto,?sendmsg'
] as const

/** What threads of the pool do: devices are made and removed there. A call is before all of that kind in its thread. */
export const POOL_WRITES = ['pool: ?sendto,?sendmsg'] as const

const POOL = /^pool: /

const CONFIG = configOf('1.1.0')

const CALLS = {
  ADD: (world: CniWorld, target: Target) => world.plugin.add(target, CONFIG),
  DEL: (world: CniWorld, target: Target) => world.plugin.del(target, CONFIG),
  GC: (world: CniWorld) => world.plugin.whole('GC', { ...CONFIG, 'cni.dev/valid-attachments': [] })
}

export type Verb = keyof typeof CALLS

export interface CrashOptions {
  readonly writes?: readonly string[]
  /** Which of each kind; each must be there. @default all that there are */
  readonly points?: readonly number[]
}

/**
 * Kills the daemon before each of its writes in `verb`, starts it again, ends the pod as a runtime does, and looks at what
 * is left.
 *
 * @returns how many of each kind of write there were
 */
export async function killAtEach(
  world: CniWorld,
  verb: Verb,
  { writes = [...WRITES, ...POOL_WRITES], points }: CrashOptions = {}
): Promise<Readonly<Record<string, number>>> {
  const { node, plugin } = world
  const { target, place } = await world.container()
  const empty = await world.leftovers()
  /** @returns whether there was such a point */
  const survives = async (write: string, point: number): Promise<boolean> => {
    if (verb !== 'ADD') expect(await plugin.add(target, CONFIG)).toMatchObject({ status: 0 })
    const release = await killAt(world, write, point)
    const ran = await CALLS[verb](world, target)
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
  for (const write of writes) {
    kills[write] = 0
    for (const point of points ?? allPoints()) {
      if (!(await survives(write, point))) break
      kills[write]++
    }
  }
  return kills
}

function* allPoints(): Generator<number> {
  for (let point = 1; ; point++) yield point
}

/** Kills the daemon at the `point`th such write from now, before the kernel does it. @returns how to leave it alone again */
async function killAt(world: CniWorld, write: string, point: number): Promise<() => Promise<void>> {
  const { place, program } = world.node
  const calls = write.replace(POOL, '')
  const threads = POOL.test(write)
    ? readdirSync(`/proc/${program.pid}/task`).filter((thread) => thread !== String(program.pid))
    : [String(program.pid)]
  const argv = [
    ...['strace', '-qqq', '-o', '/dev/null', '-e', `trace=${calls}`],
    ...['-e', `inject=${calls}:signal=SIGKILL:when=${point}`],
    ...threads.flatMap((thread) => ['-p', thread])
  ]
  const strace = await place.spawn(argv)
  await world.node.wait('it is traced', async () =>
    threads.every((thread) => {
      const status = readFileSync(`/proc/${program.pid}/task/${thread}/status`, 'utf8')
      return !/^TracerPid:\s0$/m.test(status)
    })
  )
  return async () => {
    await strace.stop()
  }
}
