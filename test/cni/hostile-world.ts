import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import type { HostileWorld } from './hostile-requests.ts'
import type { CniWorld } from './world.ts'

const THEIRS = `#!/bin/sh
[ "$CNI_COMMAND" = ADD ] && echo '{"ips":[{"address":"10.90.0.5/24"}]}'
exit 0
`

/** A node to be mistreated, and the way to see that nothing of it is left. */
export class MistreatedNode implements HostileWorld {
  readonly world: CniWorld
  readonly namespaces: readonly string[]
  readonly plugins: string
  readonly #empty: string

  private constructor(world: CniWorld, namespaces: readonly string[], plugins: string, empty: string) {
    this.world = world
    this.namespaces = namespaces
    this.plugins = plugins
    this.#empty = empty
  }

  /** @param world with one node, which nobody else uses at the same time */
  static async of(world: CniWorld): Promise<MistreatedNode> {
    const pods = [await world.container(), await world.container()]
    const plugins = world.node.file('plugins')
    mkdirSync(plugins)
    writeFileSync(`${plugins}/theirs`, THEIRS)
    chmodSync(`${plugins}/theirs`, 0o755)
    const namespaces = pods.map(({ target }) => target.netns)
    return new MistreatedNode(world, namespaces, plugins, await world.leftovers())
  }

  /** Takes away whatever was attached. @throws Error when something else is left */
  async clean(): Promise<void> {
    const { client } = this.world.node
    for (const { containerId, ifname } of await client.pods()) await client.detach({ containerId, ifname })
    const left = await this.world.leftovers()
    if (left !== this.#empty) throw new Error(`left behind: ${left}, not ${this.#empty}`)
  }
}
