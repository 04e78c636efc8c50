import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TrilaneError } from '@trilane/contracts'
import type { Place, Switch, Testbed } from '@trilane/testbed'
import { buildLab } from '../../lab.ts'
import { planLab } from '../../plan.ts'
import { type ModeRun, modeNetwork } from '../modes.ts'
import type { ModeSubject, Subject, WireDevice } from './subject.ts'

/** Of the uplinks and cables. */
const WIRE_MTU_BYTES = 1500

export async function modeSubject(bed: Testbed, run: ModeRun): Promise<ModeSubject> {
  const { network, text } = await modeNetwork(run.mode, 'single')
  const whole = planLab(bed.name, network, { nodes: 3, pods: 1 })
  const [first, second, spare] = whole.nodes
  if (first === undefined || second === undefined || spare === undefined) throw incomplete(run.id)
  const folder = join(bed.directory, 'given')
  await mkdir(folder)
  const config = join(folder, run.mode.config)
  await writeFile(config, text)
  const lab = await buildLab(bed, { ...whole, nodes: [first, second] }, network, config, 'file', () => {})
  const [from, to] = lab.nodes
  const [fromPod, toPod] = [from?.pods[0], to?.pods[0]]
  const address = toPod?.report.addresses[0]
  if (from === undefined || to === undefined || fromPod === undefined || toPod === undefined) {
    throw incomplete(run.id)
  }
  if (address === undefined) throw incomplete(run.id)
  return {
    id: run.id,
    from: fromPod.place,
    to: toPod.place,
    address,
    mtuBytes: from.report.podMtuBytes,
    wire: wireBetween(from.place, lab.segment, to.place),
    places: [fromPod.place, from.place, lab.segment, to.place, toPod.place],
    run,
    network,
    lab,
    first: from,
    spare
  }
}

/** `node`: as a lab's nodes and their switch are, without a daemon. `veth`: a pair of devices, and nothing between. */
export async function baselineSubjects(bed: Testbed): Promise<[Subject, Subject]> {
  const lan = await bed.addSwitch('segment')
  const node1 = await bed.addNode('node1', { switch: lan, addresses: ['192.168.77.1/24'] })
  const node2 = await bed.addNode('node2', { switch: lan, addresses: ['192.168.77.2/24'] })
  const left = await bed.addContainer(node1, 'veth')
  const right = await bed.addContainer(node2, 'veth')
  await left.run([
    'ip',
    'link',
    'add',
    'eth0',
    'type',
    'veth',
    'peer',
    'name',
    'eth0',
    'netns',
    right.namespace
  ])
  for (const [place, address] of [
    [left, '192.0.2.1/24'],
    [right, '192.0.2.2/24']
  ] as const) {
    await place.run(['ip', 'address', 'add', address, 'dev', 'eth0'])
    await place.run(['ip', 'link', 'set', 'dev', 'eth0', 'up'])
  }
  const mtuBytes = WIRE_MTU_BYTES
  return [
    {
      id: 'node',
      from: node1,
      to: node2,
      address: '192.168.77.2',
      mtuBytes,
      wire: wireBetween(node1, lan, node2),
      places: [node1, lan, node2]
    },
    {
      id: 'veth',
      from: left,
      to: right,
      address: '192.0.2.2',
      mtuBytes,
      wire: [uplinkOf(left), uplinkOf(right)],
      places: [left, right]
    }
  ]
}

/** A switch's port is called as the machine that is plugged in. */
function wireBetween(from: Place, lan: Switch, to: Place): [WireDevice, ...WireDevice[]] {
  const ports = [from, to].map(({ name }) => ({ place: lan, device: name }))
  return [uplinkOf(from), ...ports, uplinkOf(to)]
}

function uplinkOf(place: Place): WireDevice {
  return { place, device: 'eth0' }
}

function incomplete(id: string): TrilaneError {
  return TrilaneError.of('TRI_INTERNAL', { text: `the lab of ${id} is not what was asked for` })
}
