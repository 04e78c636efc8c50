import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Attachments } from '@trilane/attachments'
import { SILENT_LOGGER } from '@trilane/contracts'
import { mapFamilies } from '@trilane/ip'
import { LeaseAddressPool, rangeOf } from '@trilane/ipam'
import { LinuxDirectoryWatches, LinuxFileLocks, LinuxKernel } from '@trilane/kernel-linux'
import { bridgedPodLink, bridgedPodState, NodePodLinks } from '@trilane/pod-link'
import { planChanges } from '@trilane/reconcile'
import { FileAttachments, HostLocalReservations, writeFileAtomic } from '@trilane/state-files'
import { expectFigure, Figures, median, timedMs } from './figures.ts'
import { CLOCK, NODE, OWN_LEASE } from './node.ts'
import { makeNamespaces, run } from './programs.ts'

/**
 * How long a pod waits for its network: the code that the daemon composes, beside six `ip` commands (which keep no
 * record, guard no address, announce nothing) and beside the reference plugins bridge and host-local.
 */
const ROUNDS = 5
const PODS = 20
const TARGET_MS = 3
const MTU_BYTES = 1450
const SETTLE_MS = 300

interface Pod {
  readonly id: string
  readonly number: number
  readonly namespace: string
}

interface Way {
  readonly attached: Figures
  readonly detached: Figures
  attach(pod: Pod): Promise<unknown>
  detach(pod: Pod): Promise<unknown>
}

const ifname = 'eth0'
// Not /tmp, which may be memory: a disk's durability is a part of what is measured.
const directory = mkdtempSync('/var/lib/trilane-bench-')
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))

const kernel = await LinuxKernel.open()
const wanted = bridgedPodState(NODE, OWN_LEASE, { mtuBytes: MTU_BYTES })
const sysctls = wanted.sysctls.map(({ key }) => key)
await kernel.apply(planChanges(wanted, await kernel.read({ links: true, addresses: true, sysctls })))
// As in the daemon, whose reconciler follows the kernel.
const watch = kernel.watch(() => {})

function ours(): Way {
  const attachments = new Attachments({
    network: 'bench',
    ipam: { run: async () => '' },
    foreignLinks: { remove: async () => {} },
    hostPorts: {
      publish: async () => {},
      restore: () => {},
      withdraw: async () => {},
      problems: () => []
    },
    pool: new LeaseAddressPool({
      store: new HostLocalReservations({
        directory: join(directory, 'networks', 'bench'),
        locks: new LinuxFileLocks(),
        watches: new LinuxDirectoryWatches()
      }),
      ranges: () => mapFamilies(OWN_LEASE.subnets, (subnet) => rangeOf(subnet))
    }),
    store: new FileAttachments({ stateDirectory: directory }),
    links: new NodePodLinks({
      kernel,
      network: 'bench',
      machineId: 'bench',
      clock: CLOCK,
      logger: SILENT_LOGGER
    }),
    spec: () => bridgedPodLink(NODE, OWN_LEASE, MTU_BYTES),
    logger: SILENT_LOGGER
  })
  return {
    attached: new Figures('attach: trilane'),
    detached: new Figures('detach: trilane'),
    attach: ({ id, namespace }) =>
      attachments.attach({ containerId: id, ifname, namespace: `/run/netns/${namespace}` }),
    detach: ({ id }) => attachments.detach({ containerId: id, ifname })
  }
}

async function ipCommands(): Promise<Way> {
  await run(['ip', 'link', 'add', 'name', 'br-ip', 'type', 'bridge'])
  await run(['ip', 'address', 'add', '10.99.1.1/24', 'dev', 'br-ip'])
  await run(['ip', 'link', 'set', 'dev', 'br-ip', 'up'])
  return {
    attached: new Figures('attach: six ip commands'),
    detached: new Figures('detach: one ip command'),
    attach: async ({ number, namespace }) => {
      const device = `ip${number}`
      const mtu = ['mtu', `${MTU_BYTES}`]
      const inPod = ['ip', '-n', namespace]
      const peer = ['peer', 'name', ifname, ...mtu, 'netns', namespace]
      await run(['ip', 'link', 'add', 'name', device, ...mtu, 'type', 'veth', ...peer])
      await run(['ip', 'link', 'set', 'dev', device, 'master', 'br-ip', 'up'])
      await run([...inPod, 'link', 'set', 'dev', 'lo', 'up'])
      await run([...inPod, 'address', 'add', `10.99.1.${number + 2}/24`, 'dev', ifname])
      await run([...inPod, 'link', 'set', 'dev', ifname, 'up'])
      await run([...inPod, 'route', 'add', 'default', 'via', '10.99.1.1'])
    },
    detach: ({ number }) => run(['ip', 'link', 'del', 'dev', `ip${number}`])
  }
}

function referencePlugins(): Way {
  const config = JSON.stringify({
    cniVersion: '1.0.0',
    name: 'reference',
    type: 'bridge',
    bridge: 'br-cni',
    isDefaultGateway: true,
    hairpinMode: true,
    mtu: MTU_BYTES,
    ipam: { type: 'host-local', subnet: '10.99.2.0/24', dataDir: join(directory, 'reference') }
  })
  const call = (command: string, { id, namespace }: Pod) =>
    run(['/usr/lib/cni/bridge'], {
      input: config,
      env: {
        ...process.env,
        CNI_COMMAND: command,
        CNI_CONTAINERID: id,
        CNI_NETNS: `/run/netns/${namespace}`,
        CNI_IFNAME: ifname,
        CNI_PATH: '/usr/lib/cni'
      }
    })
  return {
    attached: new Figures('attach: bridge and host-local'),
    detached: new Figures('detach: bridge and host-local'),
    attach: (pod) => call('ADD', pod),
    detach: (pod) => call('DEL', pod)
  }
}

/** What the disk alone asks for one file that survives a power failure. */
async function measureDisk(): Promise<void> {
  const timesMs: number[] = []
  for (const { id } of pods) {
    timesMs.push(await timedMs(() => writeFileAtomic(join(directory, 'disk', id), `${id}\n`)))
    rmSync(join(directory, 'disk', id))
  }
  disk.addRound(timesMs)
}

async function measure(way: Way, pods: readonly Pod[]): Promise<void> {
  const attachedMs: number[] = []
  for (const pod of pods) attachedMs.push(await timedMs(() => way.attach(pod)))
  const detachedMs: number[] = []
  for (const pod of pods) detachedMs.push(await timedMs(() => way.detach(pod)))
  way.attached.addRound(attachedMs)
  way.detached.addRound(detachedMs)
}

const pods = Array.from({ length: PODS }, (_, number) => ({
  id: `bench-container-${number}`,
  number,
  namespace: `pod${number}`
}))
await makeNamespaces(pods.map(({ namespace }) => namespace))
const disk = new Figures('disk: one durable file')
const trilane = ours()
const ways = [trilane, await ipCommands(), referencePlugins()]
for (const way of ways) {
  // The first call of each makes directories and bridges and warms the code up.
  for (const pod of pods.slice(0, 2)) await way.attach(pod)
  for (const pod of pods.slice(0, 2)) await way.detach(pod)
}
for (let round = 0; round < ROUNDS; round++) {
  for (const way of ways) {
    await measure(way, pods)
    // The kernel goes on tidying up after the devices that were removed.
    await CLOCK.sleep(SETTLE_MS)
  }
  await measureDisk()
}

console.log(`\none pod after the other, ${ROUNDS} rounds of ${PODS}`)
for (const { attached } of ways) console.log(attached.toLine(trilane.attached))
for (const { detached } of ways) console.log(detached.toLine(trilane.detached))
console.log(disk.toLine(disk))

const together: number[] = []
for (let round = 0; round < ROUNDS; round++) {
  together.push(await timedMs(() => Promise.all(pods.map((pod) => trilane.attach(pod)))))
  await Promise.all(pods.map((pod) => trilane.detach(pod)))
}
console.log(`${PODS} pods at once: ${(median(together) / PODS).toFixed(2)} ms each`)
const attachMs = median(trilane.attached.all)
expectFigure(`attach takes ${attachMs.toFixed(2)} ms, at most ${TARGET_MS}`, attachMs <= TARGET_MS)
watch.close()
kernel.close()
