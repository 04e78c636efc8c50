import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AgentClient } from '@trilane/agent-socket'
import { expectFigure, Figures, median, quantile, timedMs } from './figures.ts'
import { makeNamespaces, run } from './programs.ts'

/**
 * How long a runtime waits for a CNI plugin, its start included: the built launcher and daemon beside the reference plugins
 * bridge and host-local, which do the same work for one pod.
 */
const ROUNDS = 5
const PODS = 20
/** What a node of Kubernetes starts with after a reboot, by as many at once as kubelet does. */
const BURST = 110
const AT_ONCE = 8

const checkout = new URL('../../', import.meta.url).pathname
const plugin = `${checkout}dist/trilane-cni`
const reference = '/usr/lib/cni/bridge'
// Not /tmp, which may be memory: a disk's durability is a part of what is measured.
const directory = mkdtempSync('/var/lib/trilane-bench-')
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))

interface Way {
  readonly name: string
  readonly program: string
  readonly config: object
  readonly env: NodeJS.ProcessEnv
}

const socketPath = join(directory, 'api.sock')
const ours: Way = {
  name: 'trilane',
  program: plugin,
  config: { cniVersion: '1.0.0', name: 'bench', type: 'trilane' },
  env: { TRILANE_SOCKET_PATH: socketPath, TRILANE_STATE_DIRECTORY: directory }
}
const theirs: Way = {
  name: 'bridge and host-local',
  program: reference,
  config: {
    cniVersion: '1.0.0',
    name: 'reference',
    type: 'bridge',
    bridge: 'br-cni',
    isDefaultGateway: true,
    hairpinMode: true,
    ipam: { type: 'host-local', subnet: '10.99.2.0/24', dataDir: join(directory, 'reference') }
  },
  env: {}
}

async function startDaemon(): Promise<() => Promise<void>> {
  await run(['ip', 'link', 'add', 'uplink0', 'type', 'bridge'])
  await run(['ip', 'address', 'add', '192.168.77.1/24', 'dev', 'uplink0'])
  await run(['ip', 'link', 'set', 'uplink0', 'up'])
  const config = join(directory, 'net.yaml')
  writeFileSync(config, 'Network: 10.5.0.0/16\nBackend: {Type: host-gw}\n')
  const flags = {
    'net-config-path': config,
    iface: 'uplink0',
    'run-directory': directory,
    'state-directory': directory,
    'store-directory': join(directory, 'store'),
    'cni-data-directory': join(directory, 'networks'),
    'subnet-file': join(directory, 'subnet.env'),
    'machine-id': '0123456789abcdef0123456789abcdef'
  }
  const words = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`)
  const daemon = spawn(process.execPath, [`${checkout}dist/daemon.mjs`, 'daemon', ...words], {
    stdio: 'ignore'
  })
  process.on('exit', () => daemon.kill('SIGKILL'))
  const client = new AgentClient(socketPath)
  const isReady = (): Promise<boolean> =>
    client.status().then(
      ({ networks }) => networks[0]?.state === 'ready',
      () => false
    )
  while (!(await isReady())) await sleep(20)
  console.log(`daemon: ${memoryOf(daemon.pid)}`)
  return async () => {
    console.log(`daemon: ${memoryOf(daemon.pid)} after all of it`)
    daemon.kill('SIGTERM')
    await new Promise((resolve) => daemon.once('close', resolve))
  }
}

function memoryOf(pid: number | undefined): string {
  return /VmRSS:\s*(.*)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? ''
}

function call({ program, config, env }: Way, verb: string, pod: number): Promise<void> {
  return run([program], {
    input: JSON.stringify(config),
    env: {
      ...env,
      CNI_COMMAND: verb,
      CNI_CONTAINERID: `bench-container-${pod}`,
      CNI_NETNS: `/run/netns/pod${pod}`,
      CNI_IFNAME: 'eth0',
      CNI_PATH: '/usr/lib/cni'
    }
  })
}

class Measured {
  readonly way: Way
  readonly figures: Readonly<Record<'VERSION' | 'ADD' | 'DEL', Figures>>
  readonly burstMs: number[] = []

  constructor(way: Way) {
    this.way = way
    const named = (verb: string): Figures => new Figures(`${verb}: ${way.name}`)
    this.figures = { VERSION: named('VERSION'), ADD: named('ADD'), DEL: named('DEL') }
  }

  async round(): Promise<void> {
    for (const verb of ['VERSION', 'ADD', 'DEL'] as const) {
      const timesMs: number[] = []
      for (let pod = 0; pod < PODS; pod++) timesMs.push(await timedMs(() => call(this.way, verb, pod)))
      this.figures[verb].addRound(timesMs)
    }
    this.burstMs.push(await timedMs(() => this.#burst('ADD')))
    await this.#burst('DEL')
  }

  async #burst(verb: string): Promise<void> {
    let next = 0
    const worker = async (): Promise<void> => {
      while (next < BURST) await call(this.way, verb, next++)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
  }
}

await makeNamespaces(Array.from({ length: BURST }, (_, pod) => `pod${pod}`))
const stop = await startDaemon()
const [a, b] = [new Measured(ours), new Measured(theirs)]
// Turn about, so that what the machine does besides hits both.
for (let round = 0; round < ROUNDS; round++) for (const measured of [a, b]) await measured.round()
await stop()

for (const verb of ['VERSION', 'ADD', 'DEL'] as const) {
  for (const { figures } of [a, b]) console.log(figures[verb].toLine(b.figures[verb]))
}
for (const { way, burstMs } of [a, b]) {
  console.log(`${BURST} ADDs, ${AT_ONCE} at once: ${way.name}: median ${median(burstMs).toFixed(0)} ms`)
}
const [mine, other] = [a.figures, b.figures]
expectFigure('VERSION takes at most half as long', median(mine.VERSION.all) * 2 <= median(other.VERSION.all))
expectFigure('ADD takes at most 1/2.5 as long', median(mine.ADD.all) * 2.5 <= median(other.ADD.all))
expectFigure("ADD's p99 is below their median", quantile(mine.ADD.all, 0.99) <= median(other.ADD.all))
expectFigure('a burst takes at most a third', median(a.burstMs) * 3 <= median(b.burstMs))
