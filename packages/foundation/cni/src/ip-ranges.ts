import { type Family, IpAddress, type PerFamily, Prefix, Range } from '@trilane/ip'
import { Fields, isArray, isObject } from './fields.ts'
import type { Json } from './json.ts'

export interface WantedRanges {
  readonly ranges: PerFamily<readonly Range[]>
  /** That were named beside them: they must be this node's own. */
  readonly gateways: readonly IpAddress[]
}

/**
 * Parts of this node's lease that a pod is to have its addresses from, in host-local's words: `ipRanges` of the capability,
 * else `ranges`, `subnet`, `rangeStart`, `rangeEnd` of `ipam`; a family that the first does not name may be in the second.
 * Whether they are parts of the lease is the pool's matter.
 *
 * @throws CniError 7 with the field and its value
 */
export function wantedRanges(config: Fields): WantedRanges {
  const [ipam, runtime] = [config.object('ipam'), config.object('runtimeConfig')]
  const inline = ipam.get('subnet') === undefined ? [] : [[rangeIn(ipam)]]
  const [configured, asked] = [setsIn(ipam, 'ranges'), setsIn(runtime, 'ipRanges')]
  const all = [...inline, ...configured, ...asked]
  return {
    ranges: {
      ...byFamily(ipam, 'ranges', [...inline, ...configured]),
      ...byFamily(runtime, 'ipRanges', asked)
    },
    gateways: all.flat().flatMap(({ gateway }) => gateway ?? [])
  }
}

/** A set is for one address, and a pod has one of each family. */
function byFamily(
  fields: Fields,
  name: string,
  sets: readonly (readonly GatewayRange[])[]
): PerFamily<readonly Range[]> {
  const ranges: { [F in Family]?: readonly Range[] } = {}
  for (const set of sets.map((each) => each.map(({ range }) => range))) {
    const [first] = set
    if (first === undefined) continue
    if (set.some(({ family }) => family !== first.family)) {
      throw fields.wrong(name, 'sets of one family each: it mixes address families')
    }
    if (set.some((range, index) => set.slice(index + 1).some((other) => other.overlaps(range)))) {
      throw fields.wrong(name, 'sets of ranges that do not overlap')
    }
    if (ranges[first.family] !== undefined) {
      throw fields.wrong(name, `one set for ${first.family} addresses, of which a pod has one`)
    }
    ranges[first.family] = set
  }
  return ranges
}

function setsIn(fields: Fields, name: string): readonly (readonly GatewayRange[])[] {
  return fields.list(name).map((set, index) => {
    const path = `${fields.pathOf(name)}[${index}]`
    if (!isArray(set)) throw fields.wrong(name, 'a list of lists of ranges')
    return set.map((each, at) => rangeIn(rangeFields(each, fields, name, `${path}[${at}]`)))
  })
}

function rangeFields(value: Json, fields: Fields, name: string, path: string): Fields {
  if (!isObject(value)) throw fields.wrong(name, 'a list of lists of ranges')
  return new Fields(value, path)
}

interface GatewayRange {
  readonly range: Range
  readonly gateway?: IpAddress
}

/** As host-local reads it: without its own bounds it is all of the subnet but the network and broadcast addresses. */
function rangeIn(fields: Fields): GatewayRange {
  const text = fields.text('subnet') ?? ''
  const subnet = Prefix.tryParse(text)
  const written = IpAddress.tryParse(text.split('/')[0] ?? '')
  if (subnet === undefined || written?.equals(subnet.address) !== true) {
    throw fields.wrong('subnet', 'a subnet such as 10.5.71.0/25, written by its network address')
  }
  if (subnet.size < 4n) throw fields.wrong('subnet', 'large enough to allocate from')
  const first = boundIn(fields, 'rangeStart', subnet) ?? subnet.nth(1)
  const last =
    boundIn(fields, 'rangeEnd', subnet) ?? subnet.nth(subnet.size - (subnet.family === 'v4' ? 2n : 1n))
  if (first.compare(last) > 0) throw fields.wrong('rangeEnd', `an address behind the first one, ${first}`)
  const gateway = boundIn(fields, 'gateway', subnet)
  return { range: Range.of(first, last), ...(gateway === undefined ? {} : { gateway }) }
}

function boundIn(fields: Fields, name: string, subnet: Prefix): IpAddress | undefined {
  const text = fields.text(name) ?? ''
  if (text === '') return undefined
  const address = IpAddress.tryParse(text)
  if (address !== undefined && subnet.contains(address)) return address
  throw fields.wrong(name, `an address of ${subnet}`)
}
