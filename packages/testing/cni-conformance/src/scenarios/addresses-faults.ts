import { strict as assert } from 'node:assert'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bench } from '../bench.ts'
import { deviceIn } from '../look.ts'
import type { Pod } from '../pod.ts'
import type { Scenario } from '../scenario.ts'
import { failed, succeeded } from '../verify.ts'

const SMALL_ROOM = 5
const AT_ONCE = 8

/** Does it for all pods, so many at once. */
async function forAll(pods: readonly Pod[], act: (pod: Pod, index: number) => Promise<void>): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    for (let index = next++; index < pods.length; index = next++) {
      const pod = pods[index]
      if (pod !== undefined) await act(pod, index)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
}

/** Words that run a program where these directories are on a disk of its own that takes nothing more. */
function onBadDisk(bench: Bench, how: 'full' | 'read-only'): readonly string[] {
  const mounts = bench.subject.directories.map((directory) => {
    mkdirSync(directory, { recursive: true })
    const disk = `mount -t tmpfs -o size=64k none "$d"; (cd "$t" && cp -a . "$d"); rm -rf "$t"`
    const copy = `d=${directory}; t=$(mktemp -d); cp -a "$d/." "$t"; ${disk}`
    const trouble =
      how === 'full'
        ? 'dd if=/dev/zero of="$d/filler" bs=4096 2>/dev/null || dd if=/dev/zero of="$d/filler" bs=1 oflag=append conv=notrunc 2>/dev/null || :'
        : 'mount -o remount,ro none "$d"'
    return `${copy}; ${trouble};`
  })
  return ['unshare', '--mount', '--propagation=slave', 'sh', '-euc', `${mounts.join(' ')} exec "$@"`, 'sh']
}

export const ADDRESS_FAULTS: readonly Scenario[] = [
  {
    id: 'P106',
    title: '100 ADDs at once have 100 addresses, and as many DELs free them',
    tag: 'S',
    run: async (bench) => {
      const before = await bench.footprint()
      const pods = await bench.pods(100)
      await Promise.all(pods.map((pod) => pod.must()))
      assert.equal(new Set(pods.map(({ address }) => address)).size, 100)
      await forAll(pods, async (pod) => succeeded(await pod.del()))
      await bench.leftAs(before)
    }
  },
  {
    id: 'P107',
    title: 'of 200 ADDs that are killed at some moment, DEL leaves nothing',
    tag: 'B',
    run: async (bench) => {
      const before = await bench.footprint()
      await forAll(await bench.pods(20), async (pod, index) => {
        for (let time = 0; time < 10; time++) {
          const afterMs = (index * 10 + time) % 40
          await pod.add({ how: { signal: { name: 'SIGKILL', afterMs } } })
          succeeded(await pod.del())
        }
      })
      await bench.leftAs(before)
    }
  },
  {
    id: 'P108',
    title:
      'an empty or garbled file among the reservations stops no ADD, and is named when addresses run out',
    tag: 'B',
    setup: { pool: 'small' },
    run: async (bench) => {
      const [first, second] = [await bench.addedPod(), await bench.addedPod()]
      for (const pod of [first, second]) succeeded(await pod.del())
      // As a power cut leaves them.
      const files = [first, second].map(({ address }) => join(bench.subject.reservations, address))
      for (const [index, file] of files.entries()) writeFileSync(file, ['', '\0\0\0'][index] ?? '')
      try {
        for (const pod of await bench.pods(SMALL_ROOM - files.length)) await pod.must()
        const ran = await (await bench.pod()).add()
        const said = `${ran.stdout}${ran.stderr}${bench.subject.agent?.log() ?? ''}`
        if (ran.status !== 0) for (const file of files) assert(said.includes(file), `nobody names ${file}`)
      } finally {
        for (const file of files) rmSync(file)
      }
    }
  },
  {
    id: 'P109',
    title: 'a disk that is full or read-only is an error, and nothing is left',
    tag: 'B',
    run: async (bench) => {
      const pod = await bench.addedPod()
      await pod.end()
      for (const how of ['full', 'read-only'] as const) {
        const late = await bench.pod()
        await bench.within(onBadDisk(bench, how), async () => {
          await bench.unchanged(async () => failed(await late.add()))
          assert.doesNotMatch((await late.place.run(['ip', '-brief', 'link'])).stdout, /eth0/)
        })
        await late.must()
      }
    }
  },
  {
    id: 'P112',
    title: 'after a reboot the addresses of all pods that were are free',
    tag: 'B',
    setup: { pool: 'small' },
    run: async (bench) => {
      for (const pod of await bench.pods(SMALL_ROOM)) await pod.must()
      await bench.reboot()
      for (const pod of await bench.pods(SMALL_ROOM)) await pod.must()
    }
  },
  {
    id: 'P113',
    title: 'when the network has another name or another subnet by now, DEL frees what it had before',
    tag: 'B',
    run: async (bench) => {
      const before = await bench.footprint()
      const pod = await bench.addedPod()
      succeeded(await pod.del({ name: 'renamed' }))
      await bench.leftAs(before)
      const other = await bench.addedPod()
      succeeded(await other.del({ ipam: { ranges: [[{ subnet: '10.97.0.0/24' }]] } }))
      await bench.leftAs(before)
    }
  },
  {
    id: 'P130',
    title:
      'DEL that cannot write says so, in words that no runtime takes for success, or it is made good later',
    tag: 'B',
    run: async (bench) => {
      const before = await bench.footprint()
      const pod = await bench.addedPod()
      let hasFailed = false
      await bench.within(onBadDisk(bench, 'read-only'), async () => {
        const ran = await pod.del()
        assert.equal(await deviceIn(pod.place, 'eth0'), undefined)
        if (ran.status !== 0) assert.doesNotMatch(failed(ran).msg, /not found|no such file or directory/i)
        hasFailed = ran.status !== 0
      })
      if (hasFailed) succeeded(await pod.del())
      await bench.leftAs(before)
    }
  },
  {
    id: 'P159',
    title: 'STATUS says 50 when nothing can be written',
    tag: 'B',
    needs: ['STATUS'],
    run: async (bench) => {
      await bench.within(onBadDisk(bench, 'read-only'), async () => {
        failed(await bench.whole('STATUS'), { code: 50 })
      })
      succeeded(await bench.whole('STATUS'))
    }
  }
]
