import type { KernelChange } from './kernel.ts'
import { MAIN_TABLE } from './kernel-object-key.ts'
import type {
  FdbEntry,
  InterfaceAddress,
  Link,
  LinkKind,
  Neighbour,
  Route,
  VxlanKind
} from './kernel-state.ts'

/**
 * The `ip`, `bridge` or `sysctl` commands that do the same as a change, in order: what `trilane plan`
 * prints, what errors quote, what tests compare. Run by hand in an empty namespace they give the same state.
 */
export function commandsOf(change: KernelChange): string[] {
  const { action } = change
  switch (change.kind) {
    case 'link':
      if (action === 'remove') return [`ip link del dev ${change.value.name}`]
      return action === 'create' ? createLink(change.value) : setLink(change.value)
    case 'address':
      return [addressCommand(change.value, VERB[action])]
    case 'route':
      return [routeCommand(change.value, VERB[action])]
    case 'neighbour':
      return [neighbourCommand(change.value, VERB[action])]
    case 'fdb':
      return [fdbCommand(change.value, VERB[action])]
    case 'sysctl':
      return [`sysctl -w ${change.value.key}=${quote(change.value.value)}`]
  }
}

/** {@link commandsOf} on one line, for messages. */
export function commandOf(change: KernelChange): string {
  return commandsOf(change).join(' && ')
}

type Verb = 'add' | 'replace' | 'del'

const VERB: Readonly<Record<KernelChange['action'], Verb>> = { create: 'add', set: 'replace', remove: 'del' }

function createLink(link: Link): string[] {
  const words = ['ip link add']
  const parent = 'parent' in link.kind ? link.kind.parent : undefined
  if (parent !== undefined && link.kind.type !== 'vxlan') words.push(`link ${parent}`)
  words.push(`name ${link.name}`)
  if (link.namespace !== undefined) words.push(`netns ${link.namespace}`)
  if (link.mtuBytes !== undefined) words.push(`mtu ${link.mtuBytes}`)
  if (link.mac !== undefined) words.push(`address ${link.mac}`)
  words.push(`type ${kindWords(link.kind)}`)
  const { name, kind, master, hairpin, alias, up } = link
  const rest: Link = {
    name,
    kind,
    ...(typeof master === 'string' ? { master } : {}),
    ...(hairpin === undefined ? {} : { hairpin }),
    ...(alias === undefined ? {} : { alias }),
    ...(up === true ? { up } : {})
  }
  return [words.join(' '), ...setAttributes(rest)]
}

/** What belongs to the type has a command of its own: Linux takes it together with nothing else. */
function setLink(link: Link): string[] {
  const words = changeableWords(link.kind)
  return words === ''
    ? setAttributes(link)
    : [...setAttributes(link), `ip link set dev ${link.name} ${words}`]
}

function setAttributes(link: Link): string[] {
  const words: string[] = []
  if (link.mtuBytes !== undefined) words.push(`mtu ${link.mtuBytes}`)
  if (link.mac !== undefined) words.push(`address ${link.mac}`)
  if (link.alias !== undefined) words.push(`alias ${quote(link.alias)}`)
  if (link.master !== undefined) words.push(link.master === null ? 'nomaster' : `master ${link.master}`)
  if (link.up !== undefined) words.push(link.up ? 'up' : 'down')
  const commands = words.length === 0 ? [] : [`ip link set dev ${link.name} ${words.join(' ')}`]
  if (link.hairpin !== undefined) {
    commands.push(`bridge link set dev ${link.name} hairpin ${link.hairpin ? 'on' : 'off'}`)
  }
  if (link.sendLimit !== undefined) {
    const { bytesPerSecond, burstBytes } = link.sendLimit
    const limit = `tbf rate ${bytesPerSecond}bps burst ${burstBytes} latency 25ms`
    commands.push(`tc qdisc replace dev ${link.name} root handle 1: ${limit}`)
  }
  return commands
}

/** What of the type can be changed on the living device. */
function changeableWords(kind: LinkKind): string {
  switch (kind.type) {
    case 'vxlan': {
      const words = [...tunnelEndWords(kind), ...learningWords(kind)]
      return words.length === 0 ? '' : ['type vxlan', ...words].join(' ')
    }
    case 'macvlan':
      return kind.mode === undefined ? '' : `type ${kindWords(kind)}`
    case 'ipvlan':
      return kind.mode === undefined && kind.flag === undefined ? '' : `type ${kindWords(kind)}`
    default:
      return ''
  }
}

function kindWords(kind: LinkKind): string {
  switch (kind.type) {
    case 'veth': {
      const { peer } = kind
      if (peer === undefined) return 'veth'
      const words = [`veth peer name ${peer.name}`]
      if (peer.namespace !== undefined) words.push(`netns ${peer.namespace}`)
      if (peer.mtuBytes !== undefined) words.push(`mtu ${peer.mtuBytes}`)
      if (peer.mac !== undefined) words.push(`address ${peer.mac}`)
      return words.join(' ')
    }
    case 'vxlan': {
      const words = [`vxlan id ${kind.vni}`, ...tunnelEndWords(kind)]
      if (kind.port !== undefined) words.push(`dstport ${kind.port}`)
      words.push(...learningWords(kind))
      if (kind.gbp === true) words.push('gbp')
      return words.join(' ')
    }
    case 'macvlan':
      return kind.mode === undefined ? 'macvlan' : `macvlan mode ${kind.mode}`
    case 'ipvlan':
      return ['ipvlan', kind.mode === undefined ? '' : `mode ${kind.mode}`, kind.flag ?? '']
        .filter((word) => word !== '')
        .join(' ')
    case 'vlan':
      return `vlan id ${kind.vlanId}`
    case 'other':
      return kind.kernelType
    case 'bridge':
      return 'bridge'
  }
}

function tunnelEndWords({ local, parent }: VxlanKind): string[] {
  const words: string[] = []
  if (local !== undefined) words.push(`local ${local}`)
  if (parent !== undefined) words.push(`dev ${parent}`)
  return words
}

function learningWords({ learning }: VxlanKind): string[] {
  if (learning === undefined) return []
  return [learning ? 'learning' : 'nolearning']
}

function addressCommand(address: InterfaceAddress, verb: Verb): string {
  const words = [`ip address ${verb} ${address.address}/${address.prefixLength} dev ${address.device}`]
  if (address.skipDad === true && address.address.family === 'v6' && verb !== 'del') words.push('nodad')
  return words.join(' ')
}

function routeCommand(route: Route, verb: Verb): string {
  const words = [route.destination.family === 'v6' ? 'ip -6 route' : 'ip route', verb]
  if (route.type !== undefined && route.type !== 'unicast') words.push(route.type)
  words.push(route.destination.length === 0 ? 'default' : String(route.destination))
  if (route.gateway !== undefined) words.push(`via ${route.gateway}`)
  for (const hop of route.nextHops ?? []) {
    words.push('nexthop')
    if (hop.gateway !== undefined) words.push(`via ${hop.gateway}`)
    if (hop.device !== undefined) words.push(`dev ${hop.device}`)
    words.push(`weight ${hop.weight}`)
  }
  if (route.device !== undefined) words.push(`dev ${route.device}`)
  if (route.protocol !== undefined) words.push(`proto ${route.protocol}`)
  if (route.scope !== undefined) words.push(`scope ${route.scope}`)
  if (route.source !== undefined) words.push(`src ${route.source}`)
  if (route.metric !== undefined) words.push(`metric ${route.metric}`)
  if (route.table !== undefined && route.table !== MAIN_TABLE) words.push(`table ${route.table}`)
  if (route.onlink === true) words.push('onlink')
  return words.join(' ')
}

function neighbourCommand(neighbour: Neighbour, verb: Verb): string {
  if (verb === 'del') return `ip neigh del ${neighbour.address} dev ${neighbour.device}`
  const mac = neighbour.mac === undefined ? '' : ` lladdr ${neighbour.mac}`
  return `ip neigh ${verb} ${neighbour.address}${mac} dev ${neighbour.device} nud ${neighbour.state ?? 'permanent'}`
}

function fdbCommand(entry: FdbEntry, verb: Verb): string {
  const words = `bridge fdb ${verb} ${entry.mac} dev ${entry.device} dst ${entry.destination} self`
  return verb === 'del' ? words : `${words} permanent`
}

function quote(text: string): string {
  return /^[\w:./@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
