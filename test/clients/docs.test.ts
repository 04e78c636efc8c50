import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Clients, INSTALL } from './clients.ts'
import { Containerd } from './containerd.ts'
import { IMAGE } from './image.ts'
import { blocksOf } from './page.ts'
import { Podman } from './podman.ts'

/** Named in the docs; no registry is asked for it here. */
const BUSYBOX = 'docker.io/library/busybox'

let clients: Clients
beforeAll(async () => {
  clients = await Clients.create({ nodes: 1 })
})
afterEach(() => clients.nothingIsLeft())
afterAll(() => clients?.dispose())

describe('docs/containerd.md', () => {
  const [install, byHand = ''] = blocksOf('docs/containerd.md', '')

  it('shows the config that the tests use', () => {
    expect(install).toBe(`${INSTALL}\n`)
    const [shown = ''] = blocksOf('docs/containerd.md', 'toml')
    for (const line of shown.trim().split('\n')) expect(Containerd.CONFIG).toContain(line)
  })

  it('says what to type, and that works', async () => {
    const containerd = await Containerd.start(clients.machine(1), clients.imagePath)
    try {
      await containerd.ctr('images', 'tag', IMAGE, `${BUSYBOX}:latest`)
      const typed = byHand.replace(`ctr images pull ${BUSYBOX}:latest\n`, '')
      expect(typed).not.toBe(byHand)
      const said = await clients.machine(1).type(`export CONTAINERD_SNAPSHOTTER=native\n${typed}`)
      expect(said).toMatch(/inet 10\.5\.\d+\.\d+\/24/)
    } finally {
      containerd.cri.close()
    }
  })
})

describe('docs/podman.md', () => {
  const [install, byPodman = '', byBuildah = ''] = blocksOf('docs/podman.md', '')
  let podman: Podman
  beforeAll(async () => {
    podman = await Podman.prepare(clients.machine(1), clients.imagePath)
    await podman.run('tag', IMAGE, BUSYBOX)
  })

  it('installs as the tests do', () => {
    expect(install).toBe(`${INSTALL}\n`)
  })

  it('says what to type, and that works', async () => {
    const said = await clients.machine(1).type(byPodman)
    expect(said).toMatch(/^cni\n/)
    expect(said).toMatch(/\btrilane +trilane\n/)
    expect(said).toMatch(/inet 10\.5\.\d+\.\d+\/24/)
    expect(said).toMatch(/^HTTP\/1\.1 /m)
    expect(said).toMatch(/\beth0 .*\b10\.5\.\d+\.\d+/)
  })

  it('says what to type for buildah, and that works', async () => {
    expect(await clients.machine(1).type(byBuildah)).toMatch(/inet 10\.5\.\d+\.\d+\/24/)
  })
})
