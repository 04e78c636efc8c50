import type {
  ErrorJson,
  HealthItem,
  LeaseJson,
  NetworkStatus,
  NodeStatus,
  PeerStatus,
  WaitingNetwork
} from '@trilane/contracts'
import { type Ink, inkFor } from '@trilane/terminal'
import { type AskOptions, daemonOf } from '../socket.ts'
import { table } from '../table.ts'

/** `trilane status`: exits 1 unless every network is ready. */
export async function showStatus(options: AskOptions): Promise<void> {
  const status = await daemonOf(options).status()
  const text =
    options.json === true
      ? JSON.stringify(status, null, 2)
      : describeNode(status, inkFor(process.stdout), Date.now())
  process.stdout.write(`${text}\n`)
  const ready = status.waiting === undefined && status.networks.every(({ state }) => state === 'ready')
  process.exitCode = ready ? 0 : 1
}

/** @param nowMs for ages, ms since 1970 */
export function describeNode(status: NodeStatus, ink: Ink, nowMs: number): string {
  const head = `${ink.strong(status.name)}  trilane ${status.version}, pid ${status.pid}, up ${duration(nowMs - status.startedAtMs)}`
  const waiting = (status.waiting ?? []).map((network) => describeWaiting(network, ink))
  return [head, ...status.networks.map((network) => describeNetwork(network, ink, nowMs)), ...waiting].join(
    '\n\n'
  )
}

function describeWaiting({ name, problem }: WaitingNetwork, ink: Ink): string {
  const head = `network ${ink.strong(name)}: ${ink.bad('waiting')} for a config that can be used`
  if (problem === undefined) return head
  const { code, message, remedy } = problem
  return `${head}\n  ${code}: ${message}\n        fix: ${remedy}`
}

function describeNetwork(network: NetworkStatus, ink: Ink, nowMs: number): string {
  const { lease, uplink, kernel } = network
  const verdict = network.state === 'ready' ? ink.good(network.state) : ink.bad(network.state)
  const facts: [string, string][] = [['backend', backendText(network)]]
  for (const { type, problem } of network.lanes) {
    if (problem !== undefined) facts.push(['not used', `${type}: ${problem}`])
  }
  if (uplink !== undefined)
    facts.push(['uplink', `${uplink.name} ${uplink.addresses.join(' ')} mtu ${uplink.mtuBytes}`])
  if (lease !== undefined) {
    facts.push(['lease', `${lease.subnets.join(' ')}, ${lifeText(lease, nowMs)}`])
  }
  facts.push(['store', network.store])
  facts.push(['pods', podsText(network)])
  for (const { between, reason } of network.separations ?? [])
    facts.push(['separate', `${between}: ${reason}`])
  facts.push([
    'kernel',
    `${kernel.present} of ${kernel.wanted} objects there; ${kernel.writes} writes, ${kernel.repairs} repairs, ${kernel.fullPasses} full passes`
  ])
  return [
    `network ${ink.strong(network.name)}: ${verdict}`,
    ...table(facts.map(([name, value]) => [`  ${name}`, value])),
    ...kernel.missing.map((command) => `  ${ink.bad('missing')}  ${command}`),
    ...kernel.refused.map((error) => `  ${ink.bad('refused')}  ${refusal(error)}`),
    ...describePeers(network.peers, ink, nowMs),
    ...network.health.flatMap((item) => describeHealth(item, ink, nowMs))
  ].join('\n')
}

function refusal({ code, message, details }: ErrorJson): string {
  return `${code}: ${message}${details === undefined ? '' : ` (${details})`}`
}

function lifeText({ expiresAtMs }: LeaseJson, nowMs: number): string {
  if (expiresAtMs === undefined) return 'reserved'
  return expiresAtMs === 'unknown' ? 'leased' : `ends in ${duration(expiresAtMs - nowMs)}`
}

function podsText({ pods, podMtuBytes, podsOn }: NetworkStatus): string {
  const mtu = podMtuBytes === undefined ? [] : [`mtu ${podMtuBytes}`]
  const place =
    podsOn === undefined ? [] : [`on ${podsOn.parent} by ${podsOn.type} ${podsOn.mode ?? ''}`.trim()]
  return [String(pods), ...mtu, ...place].join(', ')
}

function backendText({ backend, lanes }: NetworkStatus): string {
  if (lanes.length < 2) return backend
  return `${backend}, lanes ${lanes.map(({ type }) => type).join(' then ')}`
}

function describePeers(peers: readonly PeerStatus[], ink: Ink, nowMs: number): string[] {
  if (peers.length === 0) return [`  ${ink.dim('no peers')}`]
  const rows = peers.map((peer) => {
    const { lease, lane, wanted, present, laneSinceMs } = peer
    return [
      `  ${lease.node ?? '?'}`,
      lease.subnets.join(' '),
      lease.publicAddresses.join(' '),
      lane ?? 'none',
      lane === undefined ? '-' : `${present}/${wanted}`,
      duration(nowMs - laneSinceMs),
      whyText(peer)
    ]
  })
  return table([['  PEER', 'SUBNETS', 'AT', 'LANE', 'STATE', 'FOR', 'WHY'], ...rows])
}

/** The reason names the first lane that was passed over. */
function whyText({ laneReason, passedOver, error }: PeerStatus): string {
  if (error !== undefined) return `${error.code}: ${error.message}`
  return [laneReason, ...passedOver.slice(1).map(({ lane, reason }) => `${lane}: ${reason}`)].join('; ')
}

function describeHealth(item: HealthItem, ink: Ink, nowMs: number): string[] {
  const head = `  ${ink.bad(item.severity)}  ${item.code}: ${item.text} (for ${duration(nowMs - item.sinceMs)})`
  return item.fix === undefined ? [head] : [head, `        fix: ${item.fix}`]
}

/** The largest two units: `3 d 4 h`, `5 m 2 s`. */
export function duration(ms: number): string {
  let restSeconds = Math.max(0, Math.round(ms / 1000))
  const parts: string[] = []
  for (const [unit, seconds] of [
    ['d', 86_400],
    ['h', 3_600],
    ['m', 60],
    ['s', 1]
  ] as const) {
    const count = Math.floor(restSeconds / seconds)
    restSeconds -= count * seconds
    if (count > 0) parts.push(`${count} ${unit}`)
  }
  return parts.slice(0, 2).join(' ') || '0 s'
}
