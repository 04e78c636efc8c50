import { strict as assert } from 'node:assert'
import { existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Bench } from '../bench.ts'
import { OUTSIDE } from '../bench.ts'
import { reaches, soonReaches } from '../look.ts'
import { NotApplicable, type Scenario } from '../scenario.ts'
import { added, failed, failedNaming, succeeded } from '../verify.ts'

/** A directory with these programs and no others. */
async function programs(bench: Bench, ...names: readonly string[]): Promise<string> {
  const directory = join(bench.ground.directory, `bin-${names.join('-')}`)
  mkdirSync(directory, { recursive: true })
  for (const name of names) {
    const found = await bench.host.run(['sh', '-c', `command -v ${name}`], { anyStatus: true })
    const link = join(directory, name.replace('-legacy', ''))
    if (found.status === 0 && !existsSync(link)) symlinkSync(found.stdout.trim(), link)
  }
  return directory
}

export const ADD_CONFIGS: readonly Scenario[] = [
  {
    id: 'P83',
    title: '`vlan` makes the port one of that VLAN, or is refused by name',
    tag: 'R',
    needs: ['bridge'],
    run: async (bench) => {
      const pod = await bench.pod()
      const ran = await pod.add({ keys: { vlan: 100 } })
      if (ran.status !== 0) {
        if (/operation not supported/.test(ran.stdout))
          throw new NotApplicable('this kernel’s bridges know no VLANs')
        failed(ran, { code: [2, 7] })
        failedNaming(ran, 'vlan')
        return
      }
      const { stdout } = await bench.host.run(['bridge', 'vlan', 'show', 'dev', pod.hostDevice])
      assert.match(stdout, /100 PVID Egress Untagged/)
    }
  },
  {
    id: 'P84',
    title: '`macspoofchk` is obeyed, or refused by name and value',
    tag: 'S',
    needs: ['bridge'],
    run: async (bench) => {
      const pod = await bench.pod()
      const ran = await pod.add({ keys: { macspoofchk: true } })
      if (ran.status !== 0) {
        failed(ran, { code: 2 })
        failedNaming(ran, 'macspoofchk', 'true')
        return
      }
      const { stdout } = await bench.host.run(['nft', 'list', 'ruleset'])
      assert.match(stdout, /ether saddr/)
      succeeded(await pod.del({ keys: { macspoofchk: true } }))
    }
  },
  {
    id: 'P85',
    title: 'a value of the wrong type is named, and nothing is left',
    tag: 'B',
    run: async (bench) => {
      for (const keys of bench.subject.wrongKeys) {
        const pod = await bench.pod()
        await bench.unchanged(async () => {
          const ran = await pod.add({ keys })
          failed(ran, { code: [6, 7] })
          failedNaming(ran, Object.keys(keys)[0] ?? '')
        })
      }
    }
  },
  {
    id: 'P86',
    title: 'behind another plugin, what that one made stays in the result, and indexes stay right',
    tag: 'S',
    run: async (bench) => {
      const pod = await bench.pod()
      const prevResult = {
        cniVersion: '1.0.0',
        interfaces: [{ name: 'other0', mac: '02:00:00:00:00:01' }],
        ips: [{ address: '192.0.2.9/24', interface: 0 }]
      }
      const { interfaces = [], ips = [] } = added(await pod.add({ prevResult }))
      const named = ips.map((entry) => [entry.address, interfaces[entry.interface ?? -1]?.name])
      assert.deepEqual(named[0], ['192.0.2.9/24', 'other0'])
      assert.equal(named[1]?.[1], 'eth0')
    }
  },
  {
    id: 'P88',
    title: 'where the node’s firewall forwards nothing, pods still reach the outside',
    tag: 'B',
    needs: ['bridge', 'forward rules'],
    run: async (bench) => {
      await bench.host.run(['iptables', '-P', 'FORWARD', 'DROP'])
      try {
        await soonReaches((await bench.addedPod()).place, OUTSIDE.v4)
      } finally {
        await bench.host.run(['iptables', '-P', 'FORWARD', 'ACCEPT'])
      }
    }
  },
  {
    id: 'P89',
    title:
      'it masquerades where only `nft` or only legacy `iptables` is installed; without both nothing is left',
    tag: 'R',
    needs: ['bridge'],
    isFresh: true,
    run: async (bench) => {
      for (const names of [['nft'], ['iptables-legacy', 'ip6tables-legacy']]) {
        const pod = await bench.pod()
        await pod.must({ env: { PATH: await programs(bench, ...names) } })
        await reaches(pod.place, OUTSIDE.v4)
        await pod.del({ env: { PATH: await programs(bench, ...names) } })
      }
      const before = await bench.footprint()
      const pod = await bench.pod()
      const ran = await pod.add({ env: { PATH: await programs(bench) } })
      if (ran.status === 0) return
      failed(ran)
      await bench.leftAs(before)
    }
  }
]
