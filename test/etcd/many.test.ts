import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { AgentClient } from '@trilane/agent-socket'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Pod } from '../cluster/cluster.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { podsTalk } from '../cluster/traffic.ts'
import { EtcdCluster, lostWhile, PREFIX } from './etcd-cluster.ts'

const LEASES = 10_000
/** Of one transaction, and hence of one revision. */
const AT_ONCE = 1_000

/** From the last of them in etcd to the kernel's last row: 5 s where nothing else runs; this machine is shared. */
const APPLIED_MS = 20_000

/** Whoever asks the daemon meanwhile is answered within this, but for the turns of other programs. */
const ANSWERED_MS = 300

let site: EtcdCluster
let pods: readonly Pod[]

beforeAll(async () => {
  site = await EtcdCluster.prepare({
    nodes: 2,
    config: { Network: '10.0.0.0/8', SubnetLen: 24, SubnetMax: '10.99.0.0', Backend: { Type: 'vxlan' } },
    etcdFlags: [`--max-txn-ops=${AT_ONCE}`]
  })
  await site.cluster.start()
  pods = await Promise.all(site.nodes.map((node) => site.cluster.attach(node, 'a')))
  await podsTalk(pods)
})

afterAll(() => site?.dispose())

/** 10.100.0.0/24 and the following, each with a device of its own. */
function operation(n: number): string {
  const [high, low] = [n >> 8, n & 255]
  const hex = (value: number) => value.toString(16).padStart(2, '0')
  const BackendData = { VNI: 1, VtepMAC: `02:00:00:01:${hex(high)}:${hex(low)}` }
  const lease = { PublicIP: `172.16.${high}.${low}`, BackendType: 'vxlan', BackendData }
  return `put ${PREFIX}/subnets/10.${100 + high}.${low}.0-24 ${JSON.stringify(JSON.stringify(lease))}`
}

async function commit(operations: readonly string[]): Promise<void> {
  await site.etcd.ctl(['txn'], { input: `\n${operations.join('\n')}\n\n\n` })
}

/** Until its kernel has a route and a forwarding entry for each. */
async function isComplete(node: ClusterNode, wanted: number): Promise<number> {
  const script = 'ip -4 route show proto 133 | wc -l; bridge fdb show dev flannel.1 | wc -l'
  const startedMs = performance.now()
  await node.wait(
    `it has ${wanted} peers`,
    async () => {
      const { stdout } = await node.place.run(['sh', '-c', script])
      if (
        stdout
          .trim()
          .split('\n')
          .every((count) => Number(count) === wanted)
      )
        return true
      // To look is work for the kernel, too.
      await sleep(200)
      return false
    },
    2 * APPLIED_MS
  )
  return performance.now() - startedMs
}

/** proc(5): how long the main threads of these have been ready to run while others had the processors. */
function waitedMs(...pids: readonly (number | 'self')[]): number {
  const nanoseconds = pids.map((pid) => Number(readFileSync(`/proc/${pid}/schedstat`, 'ascii').split(' ')[1]))
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e6
}

/** Asks the daemon again and again while `act` runs. @returns the longest wait for an answer that is its own */
async function longestAnswer(node: ClusterNode, act: () => Promise<void>): Promise<number> {
  const client = new AgentClient(node.socketPath)
  const { pid } = node.program
  let isOver = false
  let longestMs = 0
  const asking = (async () => {
    while (!isOver) {
      const [askedMs, before] = [performance.now(), waitedMs(pid, 'self')]
      await client.pods().catch(() => [])
      longestMs = Math.max(longestMs, performance.now() - askedMs - (waitedMs(pid, 'self') - before))
      await sleep(5)
    }
  })()
  try {
    await act()
  } finally {
    isOver = true
    await asking
  }
  return longestMs
}

it(`R19: ${LEASES} leases that come at once are applied within seconds, while the daemon answers and pods talk`, async () => {
  const [one, two] = [site.node(1), site.node(2)]
  const operations = Array.from({ length: LEASES }, (_, n) => operation(n))
  const lost = await lostWhile(`${LEASES} leases`, pods, async () => {
    await two.stop()
    let appliedMs = 0
    const answeredMs = await longestAnswer(one, async () => {
      for (let from = 0; from < LEASES; from += AT_ONCE) await commit(operations.slice(from, from + AT_ONCE))
      appliedMs = await isComplete(one, LEASES + 1)
    })
    console.log(
      `${LEASES} leases: in the kernel ${Math.round(appliedMs)} ms after the last; asked meanwhile, the daemon answered within ${Math.round(answeredMs)} ms`
    )
    expect(appliedMs).toBeLessThan(APPLIED_MS)
    expect(answeredMs).toBeLessThan(ANSWERED_MS)

    const startedMs = performance.now()
    await two.start()
    const listedMs = await longestAnswer(two, async () => {
      await isComplete(two, LEASES + 1)
    })
    console.log(
      `a daemon that starts has them after ${Math.round(performance.now() - startedMs)} ms, and answers within ${Math.round(listedMs)} ms`
    )
    expect(listedMs).toBeLessThan(ANSWERED_MS)
    await podsTalk(pods)
  })
  expect(lost).toBe(0)
}, 90_000)
