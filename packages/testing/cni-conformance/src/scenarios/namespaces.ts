import { strict as assert } from 'node:assert'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Scenario } from '../scenario.ts'
import { added, failed, failedNaming } from '../verify.ts'

export const NAMESPACES: readonly Scenario[] = [
  {
    id: 'P34',
    title: 'its own namespace is refused, with one error object, and nothing is done',
    tag: 'B',
    run: async (bench) => {
      const pod = await bench.pod()
      await bench.unchanged(async () => {
        failed(await pod.add({ netns: '/proc/self/ns/net', ifname: 'own0' }), { code: [4, 8] })
      })
    }
  },
  {
    id: 'P35',
    title: 'with `CNI_NETNS_OVERRIDE` it works there',
    tag: 'R',
    needs: ['own namespace'],
    run: async (bench) => {
      for (const value of ['TRUE', '1']) {
        const pod = await bench.pod()
        const env = { CNI_NETNS_OVERRIDE: value }
        added(await pod.add({ netns: '/proc/self/ns/net', ifname: 'own0', env }))
        assert.equal((await pod.del({ netns: '/proc/self/ns/net', ifname: 'own0', env })).status, 0)
      }
    }
  },
  {
    id: 'P36',
    title: 'a namespace that there is not leaves no address and no link',
    tag: 'S',
    run: async (bench) => {
      const pod = await bench.pod()
      await bench.unchanged(async () => failed(await pod.add({ netns: '/run/netns/nobody-made-this' })))
    }
  },
  {
    id: 'P37',
    title: 'a file, a directory or a namespace of another kind is named, and nothing is left',
    tag: 'R',
    run: async (bench) => {
      const pod = await bench.pod()
      const [file, directory] = [join(bench.ground.directory, 'file'), join(bench.ground.directory, 'folder')]
      writeFileSync(file, '')
      mkdirSync(directory, { recursive: true })
      for (const netns of [file, directory, '/proc/1/ns/mnt']) {
        await bench.unchanged(async () => failedNaming(await pod.add({ netns }), netns))
      }
    }
  },
  {
    id: 'P38',
    title:
      'a namespace is found by `/proc/PID/ns/net`, `/proc/PID/fd/N`, a mount and a link; `sandbox` is what was given',
    tag: 'R',
    run: async (bench) => {
      const pod = await bench.pod()
      const inside = await pod.place.spawn(['sleep', '60'])
      const holder = await bench.host.spawn(['sh', '-c', `exec 9<${pod.netns}; echo up; exec sleep 60`])
      while (!holder.stdout.includes('up')) await new Promise((resolve) => setTimeout(resolve, 5))
      const link = join(bench.ground.directory, 'link')
      symlinkSync(pod.netns, link)
      try {
        for (const netns of [`/proc/${inside.pid}/ns/net`, `/proc/${holder.pid}/fd/9`, pod.netns, link]) {
          const { interfaces = [] } = added(await pod.add({ netns }))
          assert.equal(interfaces.at(-1)?.sandbox, netns)
          assert.match(
            (await pod.place.run(['ip', 'link', 'show', 'dev', 'eth0'])).stdout,
            /state UP|LOWER_UP/
          )
          assert.equal((await pod.del({ netns })).status, 0)
        }
      } finally {
        holder.kill()
        inside.kill()
      }
    }
  }
]
