import { strict as assert } from 'node:assert'
import type { Bench } from '../bench.ts'
import { addressesOn, deviceIn, mustHave } from '../look.ts'
import type { Scenario } from '../scenario.ts'
import { failed, failedNaming, succeeded } from '../verify.ts'
import { Delegate } from './delegate.ts'

/** An address of the network that nobody has, and its gateway. */
async function freeAddress(bench: Bench): Promise<{ readonly address: string; readonly gateway: string }> {
  const pod = await bench.addedPod()
  const { address = '', gateway = '' } = pod.resultOf().ips?.[0] ?? {}
  await pod.end()
  return { address: address.replace(/\d+(?=\/)/, '222'), gateway }
}

async function answering(bench: Bench, cniVersion: string | undefined = '1.0.0'): Promise<Delegate> {
  const delegate = new Delegate(bench)
  const entry = await freeAddress(bench)
  const isOld = cniVersion !== undefined && cniVersion < '1.0.0'
  delegate.answers('ADD', {
    stdout: {
      ...(cniVersion === undefined ? {} : { cniVersion }),
      ips: [isOld ? { version: '4', ...entry } : entry],
      routes: [{ dst: '0.0.0.0/0', gw: entry.gateway }]
    }
  })
  return delegate
}

/** ADD fails, the delegate is told to take its address back, and nothing is left. */
async function rollsBack(bench: Bench, delegate: Delegate, ...words: readonly string[]): Promise<void> {
  const pod = await bench.pod()
  await bench.unchanged(async () => failedNaming(await pod.add(delegate.options), ...words))
  assert.deepEqual(delegate.calls.slice(0, 2), ['ADD', 'DEL'])
  assert.equal(await deviceIn(pod.place, 'eth0'), undefined)
}

const NEEDS = ['delegation'] as const

/** Who waits longer for a delegate waits for ever. */
const PATIENCE_MS = 20_000

export const DELEGATION: readonly Scenario[] = [
  {
    id: 'P153',
    title: 'the IPAM plugin of the config is asked to collect, with the same list',
    tag: 'S',
    needs: ['GC', 'delegation'],
    run: async (bench) => {
      const delegate = await answering(bench)
      const keys = { ...delegate.options.keys, 'cni.dev/valid-attachments': [] }
      succeeded(await bench.whole('GC', keys, { CNI_PATH: delegate.path }))
      assert.deepEqual(delegate.stdinOf('GC')['cni.dev/valid-attachments'], [])
    }
  },
  {
    id: 'P161',
    title: 'what the IPAM plugin answers to STATUS is answered',
    tag: 'S',
    needs: ['STATUS', 'delegation'],
    run: async (bench) => {
      const delegate = await answering(bench)
      delegate.answers('STATUS', { status: 1, stdout: { code: 51, msg: 'half of it is down' } })
      const ran = await bench.whole('STATUS', delegate.options.keys, { CNI_PATH: delegate.path })
      failed(ran, { code: 51, msg: /half of it is down/ })
    }
  },
  {
    id: 'P163',
    title: 'the IPAM plugin gets the same environment and the whole config',
    tag: 'S',
    needs: NEEDS,
    run: async (bench) => {
      const delegate = await answering(bench)
      const pod = await bench.addedPod({ ...delegate.options, args: 'IgnoreUnknown=1;K8S_POD_NAME=a' })
      assert.deepEqual(delegate.envOf('ADD'), {
        CNI_COMMAND: 'ADD',
        CNI_CONTAINERID: pod.id,
        CNI_NETNS: pod.netns,
        CNI_IFNAME: 'eth0',
        CNI_PATH: delegate.path,
        CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAME=a'
      })
      assert.deepEqual(delegate.stdinOf('ADD'), bench.config(delegate.options))
    }
  },
  {
    id: 'P164',
    title: 'its addresses are the pod’s; interfaces and their indexes are added to the result',
    tag: 'S',
    needs: NEEDS,
    run: async (bench) => {
      const delegate = await answering(bench)
      const pod = await bench.addedPod(delegate.options)
      const { interfaces = [], ips = [] } = pod.resultOf()
      assert.equal(interfaces[ips[0]?.interface ?? -1]?.name, 'eth0')
      assert.deepEqual(addressesOn(await mustHave(pod.place, 'eth0')), [ips[0]?.address])
      assert.match(pod.address, /\.222$/)
    }
  },
  {
    id: 'P165',
    title: 'its answer may have another version, or none',
    tag: 'R',
    needs: NEEDS,
    run: async (bench) => {
      for (const version of ['0.4.0', undefined]) {
        const delegate = await answering(bench, version)
        const pod = await bench.addedPod(delegate.options)
        assert.match(pod.address, /\.222$/)
        assert.equal(pod.resultOf().cniVersion, '1.0.0')
        await pod.end()
      }
    }
  },
  {
    id: 'P166',
    title: 'an answer without addresses is an error, and is taken back',
    tag: 'R',
    needs: NEEDS,
    run: async (bench) => {
      const delegate = new Delegate(bench)
      delegate.answers('ADD', { stdout: { cniVersion: '1.0.0' } })
      const pod = await bench.pod()
      failedNaming(await pod.add(delegate.options), 'IPAM plugin returned missing IP config')
      assert.deepEqual(delegate.calls, ['ADD', 'DEL'])
    }
  },
  {
    id: 'P167',
    title: 'its error is answered with code, message and details, and it is told to take back',
    tag: 'S',
    needs: NEEDS,
    run: async (bench) => {
      const delegate = new Delegate(bench)
      delegate.answers('ADD', {
        status: 1,
        stdout: { code: 123, msg: 'none today', details: 'ask tomorrow' }
      })
      const pod = await bench.pod()
      await bench.unchanged(async () => {
        failed(await pod.add(delegate.options), { code: 123, msg: /none today/, details: /ask tomorrow/ })
      })
      assert.deepEqual(delegate.calls, ['ADD', 'DEL'])
    }
  },
  {
    id: 'P168',
    title: 'when the link fails afterwards, it is told to take back, and nothing is left',
    tag: 'S',
    needs: NEEDS,
    run: async (bench) => {
      const delegate = new Delegate(bench)
      // A route by a gateway that is on no link.
      delegate.answers('ADD', {
        stdout: {
          cniVersion: '1.0.0',
          ips: [{ address: '10.94.0.5/24', gateway: '10.94.0.1' }],
          routes: [{ dst: '203.0.113.0/24', gw: '198.51.100.1' }]
        }
      })
      await rollsBack(bench, delegate)
    }
  },
  {
    id: 'P169',
    title: 'what it writes to stderr goes to stderr, or to the log of who has started it',
    tag: 'R',
    needs: NEEDS,
    run: async (bench) => {
      const delegate = await answering(bench)
      delegate.answers('DEL', { stderr: 'from the delegate\n' })
      const pod = await bench.addedPod(delegate.options)
      const ran = await pod.del(delegate.options)
      succeeded(ran)
      assert.match(`${ran.stderr}${bench.subject.agent?.log() ?? ''}`, /from the delegate/)
    }
  },
  {
    id: 'P170',
    title: 'an IPAM plugin that is not in `CNI_PATH` is named',
    tag: 'R',
    needs: NEEDS,
    run: async (bench) => {
      const pod = await bench.pod()
      const keys = { ipam: { type: 'nobody-has-this' } }
      failedNaming(await pod.add({ keys }), 'failed to find plugin "nobody-has-this" in path [')
    }
  },
  {
    id: 'P171',
    title: 'an IPAM plugin whose name leads to another directory is refused',
    tag: 'S',
    needs: NEEDS,
    run: async (bench) => {
      const delegate = await answering(bench)
      for (const type of ['../bin/recorder', '/bin/true', '..']) {
        const pod = await bench.pod()
        failed(await pod.add({ ...delegate.options, keys: { ipam: { type } } }))
      }
      assert.deepEqual(delegate.calls, [])
    }
  },
  {
    id: 'P172',
    title: 'DEL, CHECK, GC and STATUS are asked of it, too',
    tag: 'S',
    needs: NEEDS,
    run: async (bench) => {
      const delegate = await answering(bench)
      const pod = await bench.addedPod(delegate.options)
      succeeded(await pod.check(delegate.options))
      succeeded(await pod.del(delegate.options))
      assert.deepEqual(delegate.calls, ['ADD', 'CHECK', 'DEL'])
      if (bench.target.lacks.STATUS !== undefined) return
      succeeded(await bench.whole('STATUS', delegate.options.keys, { CNI_PATH: delegate.path }))
      assert.equal(delegate.calls.at(-1), 'STATUS')
    }
  },
  {
    id: 'P173',
    title: 'one that hangs is ended, and the ADD is taken back',
    tag: 'B',
    needs: NEEDS,
    run: async (bench) => {
      const delegate = new Delegate(bench)
      delegate.answers('ADD', { hangs: true })
      const before = await bench.footprint()
      const pod = await bench.pod()
      const how = { signal: { name: 'SIGKILL', afterMs: PATIENCE_MS } } as const
      failed(await pod.add({ ...delegate.options, how }), { code: [11, 100, 999] })
      await bench.leftAs(before)
    }
  }
]
