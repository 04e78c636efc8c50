import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import type { Program } from '@trilane/testbed'
import { until } from '../cluster/until.ts'
import { Cri, type PortMapping } from './cri.ts'
import { IMAGE } from './image.ts'
import type { Machine } from './machine.ts'

/** For `--snapshotter`: overlay does not work on overlay, where this may run. */
const SNAPSHOTTER = ['--snapshotter', 'native'] as const

/** containerd on a machine. */
export class Containerd {
  /** Debian's config for CNI, and what lets it run inside of another container: no overlay, AppArmor, registry. */
  static readonly CONFIG = `
version = 2
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "${IMAGE}"
restrict_oom_score_adj = true
disable_apparmor = true
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "/etc/cni/net.d"
`

  readonly machine: Machine
  readonly cri: Cri
  readonly #sandboxes = new Set<string>()

  private constructor(machine: Machine, cri: Cri) {
    this.machine = machine
    this.cri = cri
  }

  static async start(machine: Machine, imagePath: string): Promise<Containerd> {
    const { node } = machine
    mkdirSync(node.file('root', 'etc', 'containerd'), { recursive: true })
    writeFileSync(node.file('root', 'etc', 'containerd', 'config.toml'), Containerd.CONFIG)
    const program = await machine.spawn(['containerd'], 'containerd.log')
    const socket = node.file('root', 'run', 'containerd', 'containerd.sock')
    await until(`containerd of ${node.name} answers`, () => {
      mustRun(program)
      return existsSync(socket)
    })
    const containerd = new Containerd(machine, new Cri(socket))
    for (const namespace of ['default', 'k8s.io']) {
      await containerd.ctr('-n', namespace, 'images', 'import', ...SNAPSHOTTER, imagePath)
    }
    return containerd
  }

  /** `ctr …`. @returns its stdout. @throws TrilaneError `TRI_COMMAND_FAILED` */
  async ctr(...argv: readonly string[]): Promise<string> {
    return (await this.machine.run(['ctr', ...argv])).stdout
  }

  /** A container with a network, to its end. */
  runWithNetwork(id: string, ...argv: readonly string[]): Promise<string> {
    return this.ctr('run', '--rm', ...SNAPSHOTTER, '--cni', IMAGE, id, ...argv)
  }

  /** A program in a sandbox of CRI. */
  exec(sandbox: string, ...argv: readonly string[]): Promise<string> {
    const exec = ['tasks', 'exec', '--exec-id', `exec-${++execs}`]
    return this.ctr('-n', 'k8s.io', ...exec, sandbox, ...argv)
  }

  /** A sandbox that {@link removeSandboxes} ends. @returns its id */
  async runSandbox(name: string, portMappings: readonly PortMapping[] = []): Promise<string> {
    const id = await this.cri.runSandbox(name, portMappings)
    this.#sandboxes.add(id)
    return id
  }

  async removeSandbox(id: string): Promise<void> {
    await this.cri.removeSandbox(id)
    this.#sandboxes.delete(id)
  }

  /** Stops and removes those that are left. */
  async removeSandboxes(): Promise<void> {
    for (const id of this.#sandboxes) {
      await this.cri.stopSandbox(id)
      await this.removeSandbox(id)
    }
  }
}

let execs = 0

function mustRun(program: Program): void {
  if (!program.running) throw new Error(`containerd ended: ${program.stderr}`)
}
