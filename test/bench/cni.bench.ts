import { execFile, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { AgentClient } from '@trilane/agent-socket'
import { expectFigure, Figures, median, quantile } from './figures.ts'
import { makeNamespaces, run } from './programs.ts'

/**
 * How long a runtime waits for its CNI plugins, their start included: the built launcher and daemon beside the reference
 * plugins of Debian. Those need portmap behind bridge and host-local to be the same chain, as flannel installs it; no pod
 * wants a port here, so that it only starts and hands the result on. The figures without it are printed, too.
 */
const ROUNDS = 5
/** In all so many that the 99th percentile is not the slowest one. */
const PODS = 50
/** What a node of Kubernetes starts with after a reboot, by as many at once as kubelet does. */
const BURST = 110
const AT_ONCE = 8
const VERBS = ['VERSION', 'ADD', 'DEL'] as const
const BURSTS = ['ADD', 'DEL'] as const
type Verb = (typeof VERBS)[number]
type Burst = (typeof BURSTS)[number]

const checkout = new URL('../../', import.meta.url).pathname
// Not /tmp, which may be memory: a disk's durability is a part of what is measured.
const directory = mkdtempSync('/var/lib/trilane-bench-')
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
/** cni-runtime.c says why it is no TypeScript. */
const runtime = join(directory, 'cni-runtime')
const source = `${checkout}test/bench/cni-runtime.c`
execFileSync('cc', ['-std=c11', '-O2', '-Wall', '-Wextra', '-Werror', '-pthread', '-o', runtime, source])

interface Way {
  readonly name: string
  readonly plugins: readonly { readonly program: string; readonly config: object }[]
  readonly env: NodeJS.ProcessEnv
}

const socketPath = join(directory, 'api.sock')
const ours: Way = {
  name: 'trilane',
  plugins: [
    {
      program: `${checkout}dist/trilane-cni`,
      config: { cniVersion: '1.0.0', name: 'bench', type: 'trilane' }
    }
  ],
  env: { TRILANE_SOCKET_PATH: socketPath, TRILANE_STATE_DIRECTORY: directory }
}
const bridge: Way['plugins'][number] = {
  program: '/usr/lib/cni/bridge',
  config: {
    cniVersion: '1.0.0',
    name: 'reference',
    type: 'bridge',
    bridge: 'br-cni',
    isDefaultGateway: true,
    hairpinMode: true,
    ipam: { type: 'host-local', subnet: '10.99.2.0/24', dataDir: join(directory, 'reference') }
  }
}
const portmap: Way['plugins'][number] = {
  program: '/usr/lib/cni/portmap',
  config: { cniVersion: '1.0.0', name: 'reference', type: 'portmap', capabilities: { portMappings: true } }
}
const theirs: Way = { name: 'reference', plugins: [bridge, portmap], env: {} }
const withoutPorts: Way = { name: 'reference less portmap', plugins: [bridge], env: {} }

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

/** @returns the milliseconds of each pod, and at last of all together */
async function call({ plugins, env }: Way, verb: Verb, pods: number, atOnce: number): Promise<number[]> {
  const chain = plugins.flatMap(({ program, config }) => [program, JSON.stringify(config)])
  const { stdout } = await promisify(execFile)(runtime, [verb, `${pods}`, `${atOnce}`, ...chain], { env })
  return stdout.trim().split('\n').map(Number)
}

class Measured {
  readonly way: Way
  readonly figures: Readonly<Record<Verb, Figures>>
  readonly bursts: Readonly<Record<Burst, Figures>>

  constructor(way: Way) {
    this.way = way
    const named = (verb: string): Figures => new Figures(`${verb}: ${way.name}`)
    this.figures = { VERSION: named('VERSION'), ADD: named('ADD'), DEL: named('DEL') }
    this.bursts = { ADD: named(`${BURST} ADDs`), DEL: named(`${BURST} DELs`) }
  }

  async round(): Promise<void> {
    for (const verb of VERBS) this.figures[verb].addRound((await call(this.way, verb, PODS, 1)).slice(0, -1))
    for (const verb of BURSTS)
      this.bursts[verb].addRound((await call(this.way, verb, BURST, AT_ONCE)).slice(-1))
  }
}

await makeNamespaces(Array.from({ length: BURST }, (_, pod) => `pod${pod}`))
const stop = await startDaemon()
const [a, b, c] = [new Measured(ours), new Measured(theirs), new Measured(withoutPorts)]
// Turn about, so that what the machine does besides hits both.
for (let round = 0; round < ROUNDS; round++) for (const measured of [a, b, c]) await measured.round()
await stop()

for (const verb of VERBS) {
  for (const { figures } of [a, b, c]) console.log(figures[verb].toLine(b.figures[verb]))
}
console.log(`${AT_ONCE} at once:`)
for (const verb of BURSTS) {
  for (const { bursts } of [a, b, c]) console.log(bursts[verb].toLine(b.bursts[verb]))
}
const [mine, other] = [a.figures, b.figures]
expectFigure('VERSION takes at most half as long', median(mine.VERSION.all) * 2 <= median(other.VERSION.all))
expectFigure('ADD takes at most 1/2.5 as long', median(mine.ADD.all) * 2.5 <= median(other.ADD.all))
expectFigure("ADD's p99 is below their median", quantile(mine.ADD.all, 0.99) <= median(other.ADD.all))
expectFigure('a burst takes at most a third', median(a.bursts.ADD.all) * 3 <= median(b.bursts.ADD.all))
