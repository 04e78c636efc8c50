import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Machine } from './machine.ts'
import { blocksOf } from './page.ts'

/** What lets it run inside of another container: no overlay, no systemd. */
const ENGINE = `
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
`
const STORAGE = `
[storage]
driver = "vfs"
graphroot = "/var/lib/containers/storage"
runroot = "/run/containers/storage"
`

/** podman and buildah on a machine, with the config that docs/podman.md shows. */
export class Podman {
  readonly machine: Machine

  private constructor(machine: Machine) {
    this.machine = machine
  }

  static async prepare(machine: Machine, imagePath: string): Promise<Podman> {
    const etc = machine.node.file('root', 'etc', 'containers')
    mkdirSync(etc, { recursive: true })
    const [network = ''] = blocksOf('docs/podman.md', 'toml')
    writeFileSync(join(etc, 'containers.conf'), network + ENGINE)
    writeFileSync(join(etc, 'storage.conf'), STORAGE)
    writeFileSync(join(etc, 'policy.json'), '{"default": [{"type": "insecureAcceptAnything"}]}')
    const podman = new Podman(machine)
    await podman.run('load', '--input', imagePath)
    return podman
  }

  /** `podman …`. @returns its stdout. @throws TrilaneError `TRI_COMMAND_FAILED` */
  async run(...argv: readonly string[]): Promise<string> {
    return (await this.machine.run(['podman', ...argv])).stdout
  }

  async buildah(...argv: readonly string[]): Promise<string> {
    return (await this.machine.run(['buildah', ...argv])).stdout
  }

  /** As podman shows it, of one of the container's networks. */
  async addressOf(container: string, network = 'trilane'): Promise<string> {
    const format = `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`
    return (await this.run('inspect', '--format', format, container)).trim()
  }

  async removeAll(): Promise<void> {
    await this.run('rm', '--all', '--force', '--time', '0')
    await this.buildah('rm', '--all')
  }
}
