import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Captured, Place, Switch } from '@trilane/testbed'
import { Testbed } from '@trilane/testbed'
import { TRILANE } from '../daemon/trilane.ts'

/** A node and a router on one switch, and what the doctor says on the node. */
export class DoctorBed {
  readonly #bed: Testbed
  readonly lan: Switch
  readonly node: Place
  readonly router: Place
  readonly mac: string

  private constructor(bed: Testbed, lan: Switch, node: Place, router: Place, mac: string) {
    this.#bed = bed
    this.lan = lan
    this.node = node
    this.router = router
    this.mac = mac
  }

  static async create(): Promise<DoctorBed> {
    const bed = await Testbed.create()
    try {
      const lan = await bed.addSwitch('lan')
      const router = await bed.addOutside('router', {
        switch: lan,
        addresses: ['192.168.77.254/24', 'fd77::254/64']
      })
      const node = await bed.addNode('node', {
        switch: lan,
        addresses: ['192.168.77.1/24', 'fd77::1/64'],
        gateways: ['192.168.77.254', 'fd77::254']
      })
      const { stdout } = await node.run(['ip', '-j', 'link', 'show', 'dev', 'eth0'])
      return new DoctorBed(bed, lan, node, router, JSON.parse(stdout)[0].address)
    } catch (error) {
      await bed.dispose()
      throw error
    }
  }

  /** Drops frames on the switch that match, before it has learnt anything of them. */
  async drop(...matches: readonly string[]): Promise<void> {
    const rules = matches.map((match) => `add rule bridge port limits ${match} drop`)
    const table = [
      'add table bridge port',
      'add chain bridge port limits { type filter hook prerouting priority -300; }'
    ]
    await this.lan.run(['nft', '-f', '-'], { input: `${[...table, ...rules].join('\n')}\n` })
  }

  /** Of Debian's busybox, until the bed is disposed of. */
  async startDhcpServer(first: string, last: string): Promise<void> {
    const path = join(this.router.directory, 'udhcpd.conf')
    const lines = {
      start: first,
      end: last,
      interface: 'eth0',
      lease_file: join(this.router.directory, 'leases'),
      pidfile: join(this.router.directory, 'pid'),
      'option subnet': '255.255.255.0'
    }
    await writeFile(join(this.router.directory, 'leases'), '')
    await writeFile(
      path,
      Object.entries(lines)
        .map(([name, value]) => `${name} ${value}\n`)
        .join('')
    )
    const server = await this.router.spawn(['busybox', 'udhcpd', '-f', path])
    for (let attempt = 0; !server.stderr.includes('started'); attempt++) {
      if (attempt > 200 || !server.running) throw new Error(`udhcpd does not start: ${server.stderr}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  async writeConfig(text: string): Promise<string> {
    const path = join(this.node.directory, 'network.yaml')
    await writeFile(path, text)
    return path
  }

  doctor(...argv: readonly string[]): Promise<Captured> {
    const flags = ['--machine-id', '0123456789abcdef0123456789abcdef']
    return this.node.run([TRILANE, 'doctor', ...argv, ...flags], { anyStatus: true })
  }

  /** What makes a trace: devices, addresses, routes, names of namespaces. */
  async traces(): Promise<string> {
    const shown = await Promise.all(
      ['ip -d link', 'ip address', 'ip route show table all', 'ip -6 route show table all'].map(
        async (command) => (await this.node.run(command.split(' '))).stdout
      )
    )
    // Lifetimes and counters tick.
    return shown
      .join('')
      .replace(/\d+sec/g, '')
      .replace(/expires \S+/g, '')
  }

  dispose(): Promise<void> {
    return this.#bed.dispose()
  }
}
