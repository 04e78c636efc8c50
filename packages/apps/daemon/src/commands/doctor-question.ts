import {
  type Kernel,
  type KernelSnapshot,
  type NetworkConfig,
  type NodeFacts,
  type ParentDevice,
  TrilaneError
} from '@trilane/contracts'
import type { Question, SpareAddresses } from '@trilane/doctor'
import { FAMILIES, type Family, type IpAddress, type PerFamily, Prefix, Range } from '@trilane/ip'
import { type ParentOptions, parentOptions, standOn } from '@trilane/parent-device'
import { parentDevice } from '../parent-device.ts'
import type { UplinkWish } from '../uplink.ts'
import { selectUplink } from '../uplink-selection.ts'
import type { DoctorArguments } from './doctor-arguments.ts'

/** So many machines are asked: one that answers is enough. */
const TARGETS = 6

/** What is known of a network whose pods shall be on the nodes' own. */
export interface UnderlayWish {
  readonly node: NodeFacts
  readonly options: ParentOptions
}

/** @returns `undefined` for a network of the pods' own */
export function underlayWish(node: NodeFacts, isUnderlay: boolean): UnderlayWish | undefined {
  return isUnderlay ? { node, options: parentOptions(node.network.backend.options, undefined) } : undefined
}

/**
 * What the doctor looks at.
 *
 * @param uplink name of the device that leads to the other nodes, if one is known
 * @throws TrilaneError `TRI_PARENT_NOT_FOUND`, `TRI_UPLINK_NOT_FOUND`
 */
export async function doctorQuestion(
  kernel: Kernel,
  snapshot: KernelSnapshot,
  told: DoctorArguments,
  wish: {
    readonly network?: NetworkConfig
    readonly underlay?: UnderlayWish
    readonly uplink: string
  }
): Promise<Question> {
  const { network, underlay, uplink } = wish
  const stand = underlay === undefined ? undefined : standOn(underlay.node, underlay.options)
  // A VLAN that is not there yet cannot be asked; what its parent's port lets through, can.
  const isThere = snapshot.links.some(({ name }) => name === stand?.device)
  const name = told.parent ?? (isThere ? stand?.device : stand?.parent.name) ?? uplink
  const parent = parentDevice(snapshot, { name }, uplink, network?.name ?? 'default')
  const { neighbours } = await kernel.read({ neighboursOf: [name] })
  const isSegmentOfPods = underlay?.options.vlanId === undefined || isThere
  const configured = FAMILIES.flatMap((family) => underlay?.options.gateways[family] ?? [])
  const targets = distinct([
    ...told.ask,
    ...(isSegmentOfPods ? configured : []),
    ...FAMILIES.flatMap((family) => parent.gateways[family] ?? []),
    ...neighbours
      .filter(({ mac, address }) => mac !== undefined && !address.isMulticast)
      .map(({ address }) => address)
  ])
    .filter((address) => network === undefined || network.families[address.family] !== undefined)
    .filter((address) => !parent.addresses.some((own) => own.address.equals(address)))
  return {
    parent,
    isUp: snapshot.links.some((link) => link.name === name && link.up),
    targets: targets.slice(0, TARGETS),
    spare: spareAddresses(told.sources, isSegmentOfPods ? network : undefined, parent),
    isGentle: told.isGentle
  }
}

/** The device that leads to the other nodes, of whichever family. */
export function uplinkOf(snapshot: KernelSnapshot, wish: UplinkWish, bridge: string): string {
  const problems: TrilaneError[] = []
  for (const family of FAMILIES) {
    try {
      return selectUplink(snapshot, wish, [family], bridge).link.name
    } catch (error) {
      problems.push(TrilaneError.from(error))
    }
  }
  throw problems[0] ?? TrilaneError.of('TRI_UPLINK_NOT_FOUND', { reason: 'there is no device' })
}

/** Of the range that pods get addresses of, if it is on the segment. */
function spareAddresses(
  sources: readonly IpAddress[],
  network: NetworkConfig | undefined,
  parent: ParentDevice
): PerFamily<SpareAddresses> {
  const spare: { [F in Family]?: SpareAddresses } = {}
  for (const family of FAMILIES) {
    const source = sources.find((address) => address.family === family)
    const config = network?.families[family]
    if (source !== undefined) {
      spare[family] = { range: Range.of(source, source), excluded: [] }
    } else if (config !== undefined && parent.onLink.some((prefix) => prefix.contains(config.network))) {
      const { subnetMin, subnetMax, subnetLength, network: whole, excluded = [] } = config
      const last = Prefix.of(subnetMax, subnetLength).last
      spare[family] = {
        range: Range.of(subnetMin, last),
        // No machine answers its network's first address, nor the broadcast.
        excluded: [...excluded, ...[whole.address, whole.last].map((end) => Range.of(end, end))]
      }
    }
  }
  return spare
}

function distinct(addresses: readonly IpAddress[]): IpAddress[] {
  return [...new Map(addresses.map((address) => [`${address}`, address])).values()]
}
