import { availableParallelism } from 'node:os'
import { type Place, Testbed } from '@trilane/testbed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

/**
 * What the comparison measures with, beside Debian's sockperf and iperf3 in the same namespaces, in turns. They do more for
 * each message than ours, so that they can be slower; a machine that is shared adds its own.
 */
const TRAFFIC = new URL('../../dist/trilane-traffic', import.meta.url).pathname
const ADDRESSES = { v4: '192.168.77.2', v6: 'fd77::2' }
const TURNS = 3
const REQUEST_CPU = '0'
/** Of the stream: one CPU for each end, where there are two. */
const SINK_CPU = availableParallelism() > 1 ? '1' : '0'

interface Traffic {
  readonly elapsedNs: number
  readonly busyNs: number
  readonly count: number
  readonly totalBytes: number
  readonly p50Ns: number
  readonly p99Ns: number
}

let bed: Testbed
let from: Place
let to: Place

beforeAll(async () => {
  bed = await Testbed.create({ name: 'tools' })
  const lan = await bed.addSwitch('lan')
  from = await bed.addNode('from', { switch: lan, addresses: ['192.168.77.1/24', 'fd77::1/64'] })
  to = await bed.addNode('to', { switch: lan, addresses: ['192.168.77.2/24', 'fd77::2/64'] })
})

afterAll(() => bed?.dispose())

async function traffic(kind: string, ...words: readonly string[]): Promise<Traffic> {
  const places = ['--from', from.namespacePath, '--to', to.namespacePath]
  const { stdout } = await from.run([TRAFFIC, kind, ...places, ...words])
  return JSON.parse(stdout) as Traffic
}

/** On the CPU of its kind; `server` is started first and is listening when `client` runs. */
async function withServer<T>(server: readonly string[], words: RegExp, client: () => Promise<T>): Promise<T> {
  const running = await to.spawn(server)
  try {
    await expect.poll(() => `${running.stdout}${running.stderr}`).toMatch(words)
    return await client()
  } finally {
    running.kill('SIGKILL')
    await running.exited
  }
}

interface IperfEnd {
  readonly sum_received: { readonly bits_per_second: number }
  readonly sum: { readonly seconds: number; readonly packets: number; readonly lost_packets: number }
}

function iperf(sink: string, ...words: readonly string[]): Promise<IperfEnd> {
  const server = ['taskset', '-c', sink, 'iperf3', '-s', '-1', '--forceflush']
  return withServer(server, /Server listening/, async () => {
    const client = ['taskset', '-c', REQUEST_CPU, 'iperf3', '-c', ADDRESSES.v4, '-t', '1', '-J', ...words]
    const { stdout } = await from.run(client)
    return (JSON.parse(stdout) as { readonly end: IperfEnd }).end
  })
}

async function inTurns(ours: () => Promise<number>, theirs: () => Promise<number>) {
  const values: { readonly ours: number[]; readonly theirs: number[] } = { ours: [], theirs: [] }
  for (let turn = 0; turn < TURNS; turn++) {
    values.ours.push(await ours())
    values.theirs.push(await theirs())
  }
  return values
}

/** The ranges of both, widened by a factor, meet. */
function expectAgreement(
  { ours, theirs }: { readonly ours: readonly number[]; readonly theirs: readonly number[] },
  factor: number
): void {
  expect(Math.max(...ours) * factor, `${ours} beside ${theirs}`).toBeGreaterThan(Math.min(...theirs))
  expect(Math.max(...theirs) * factor, `${theirs} beside ${ours}`).toBeGreaterThan(Math.min(...ours))
}

describe('figures of others in the same namespaces', () => {
  it('sockperf has the same round trip, within a factor of 1.5', async () => {
    const on = ['-i', ADDRESSES.v4, '-p', '11111', '--tcp']
    const server = ['taskset', '-c', REQUEST_CPU, 'sockperf', 'server', ...on]
    const values = await withServer(server, /to block on socket/, () =>
      inTurns(
        async () => {
          const pinned = ['--from-cpu', REQUEST_CPU, '--to-cpu', REQUEST_CPU]
          const rr = ['--address', ADDRESSES.v4, '--bytes', '14', '--duration-ms', '500', ...pinned]
          return (await traffic('rr', ...rr)).p50Ns / 1e3
        },
        async () => {
          const ping = ['sockperf', 'ping-pong', ...on, '-m', '14', '-t', '1', '--full-rtt']
          const { stdout } = await from.run(['taskset', '-c', REQUEST_CPU, ...ping])
          return Number(/percentile 50\.0+ =\s*([\d.]+)/.exec(stdout)?.[1])
        }
      )
    )
    expectAgreement(values, 1.5)
  })

  it('iperf3 has the same TCP stream, within a factor of 1.5', async () => {
    const pinned = ['--from-cpu', REQUEST_CPU, '--to-cpu', SINK_CPU]
    const values = await inTurns(
      async () => {
        const stream = await traffic('stream', '--address', ADDRESSES.v4, '--duration-ms', '700', ...pinned)
        return (stream.count * 8) / stream.elapsedNs
      },
      async () => (await iperf(SINK_CPU)).sum_received.bits_per_second / 1e9
    )
    expectAgreement(values, 1.5)
  })

  it('iperf3 has the same small datagrams a second, within a factor of 3: it looks at a clock and waits around each', async () => {
    const pinned = ['--from-cpu', REQUEST_CPU, '--to-cpu', REQUEST_CPU]
    const values = await inTurns(
      async () => {
        const udp = await traffic('udp', '--address', ADDRESSES.v4, '--duration-ms', '700', ...pinned)
        return udp.count / (udp.elapsedNs / 1e9)
      },
      async () => {
        const { sum } = await iperf(REQUEST_CPU, '-u', '-b', '0', '-l', '64')
        return (sum.packets - sum.lost_packets) / sum.seconds
      }
    )
    expectAgreement(values, 3)
  })
})

describe('trilane-traffic', () => {
  it.each(['v4', 'v6'] as const)('counts what a device counts, over %s', async (family) => {
    const bytesOf = async (): Promise<number> => {
      const { stdout } = await from.run(['ip', '-j', '-s', 'link', 'show', 'dev', 'eth0'])
      const [link] = JSON.parse(stdout) as { readonly stats64: { readonly tx: { readonly bytes: number } } }[]
      return link?.stats64.tx.bytes ?? 0
    }
    const before = await bytesOf()
    const { totalBytes, count } = await traffic(
      'stream',
      ...['--address', ADDRESSES[family], '--duration-ms', '200', '--warm-up-ms', '50']
    )
    const sent = (await bytesOf()) - before
    expect(count).toBeLessThan(totalBytes)
    expect(sent).toBeGreaterThan(totalBytes)
    // Headers of packets of up to 64 KiB, and what was sent again.
    expect(sent).toBeLessThan(totalBytes * 1.3)
  })

  it('counts the datagrams that the kernel counts as received', async () => {
    const received = async (): Promise<number> => {
      const { stdout } = await to.run(['cat', '/proc/self/net/snmp'])
      return Number(/^Udp: (\d+)/m.exec(stdout)?.[1])
    }
    const before = await received()
    const { totalBytes, count } = await traffic('udp', '--address', ADDRESSES.v4, '--duration-ms', '200')
    const uncounted = (await received()) - before - totalBytes / 64
    // What it was reading when it was ended: one batch at most.
    expect(uncounted).toBeGreaterThanOrEqual(0)
    expect(uncounted).toBeLessThanOrEqual(64)
    expect(count).toBeLessThan(totalBytes / 64)
  })

  it.each(['rr', 'crr', 'udp'])('answers in order of time: %s over v6', async (kind) => {
    const result = await traffic(kind, '--address', ADDRESSES.v6, '--duration-ms', '100')
    expect(result.count).toBeGreaterThan(100)
    expect(result.elapsedNs).toBeGreaterThanOrEqual(100e6)
    if (kind !== 'udp') expect(result.p99Ns).toBeGreaterThanOrEqual(result.p50Ns)
  })

  it.each(['rr', 'crr', 'stream', 'udp'])('ends, and says so, when nothing arrives: %s', async (kind) => {
    const words = ['--address', ADDRESSES.v4, '--timeout-ms', '300', '--duration-ms', '100']
    await from.run(['ip', 'link', 'set', 'dev', 'eth0', 'down'])
    try {
      await expect(traffic(kind, ...words)).rejects.toMatchObject({
        code: 'TRI_COMMAND_FAILED',
        details: expect.stringMatching(/^trilane-traffic: .+/)
      })
    } finally {
      await from.run(['ip', 'link', 'set', 'dev', 'eth0', 'up'])
    }
  })

  it('ends when packets stop on the way', async () => {
    await from.run(['ip', 'neigh', 'replace', ADDRESSES.v4, 'lladdr', '02:00:00:00:00:99', 'dev', 'eth0'])
    try {
      for (const kind of ['rr', 'crr', 'stream', 'udp']) {
        const words = ['--address', ADDRESSES.v4, '--timeout-ms', '300', '--duration-ms', '100']
        await expect(traffic(kind, ...words)).rejects.toMatchObject({
          details: expect.stringMatching(/nothing within 300 ms|nothing arrived/)
        })
      }
    } finally {
      await from.run(['ip', 'neigh', 'del', ADDRESSES.v4, 'dev', 'eth0'])
    }
  })

  it.each([
    [[]],
    [['dance']],
    [['rr']],
    [['rr', '--address', 'nowhere']],
    [['rr', '--address']],
    [['rr', '--address', '127.0.0.1', '--bytes', '0']],
    [['rr', '--address', '127.0.0.1', '--duration-ms', '1x']],
    [['rr', '--address', '127.0.0.1', '--speed', '1']],
    [['udp', '--address', '127.0.0.1', '--bytes', '4096']],
    [['exec']]
  ])('refuses %j', async (words) => {
    const { status, stdout, stderr } = await from.run([TRAFFIC, ...words], { anyStatus: true })
    expect(status).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^trilane-traffic: .+\n$/)
  })

  it('runs a program with its input and its environment, and times it', async () => {
    const script = `${bed.directory}/script`
    const { stdout } = await from.run([
      'bash',
      '-c',
      `printf '#!/bin/sh\\nsleep 0.2; cat; echo "$WHO"; exit 3\\n' >${script} && chmod +x ${script}`
    ])
    expect(stdout).toBe('')
    const options = { input: 'in', env: { WHO: 'me' }, anyStatus: true }
    const ran = await from.run([TRAFFIC, 'exec', script], options)
    expect(ran).toMatchObject({ status: 3, stdout: 'inme\n' })
    expect(Number(ran.stderr)).toBeGreaterThan(200e6)
  })
})
