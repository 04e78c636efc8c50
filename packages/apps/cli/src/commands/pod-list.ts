import type { BandwidthJson, HostPortJson, LimitJson } from '@trilane/contracts'
import { type AskOptions, daemonOf } from '../socket.ts'
import { table } from '../table.ts'

/** `trilane pod list`. */
export async function listPods(options: AskOptions): Promise<void> {
  const pods = await daemonOf(options).pods()
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify(pods, null, 2)}\n`)
    return
  }
  const rows = pods.map(({ network, containerId, ifname, phase, addresses, hostDevice, parent, ...more }) => [
    network,
    containerId.slice(0, 24),
    ifname,
    addresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`).join(' '),
    hostDevice ?? (parent === undefined ? '' : `on ${parent}`),
    (more.hostPorts ?? []).map(portText).join(' ') || '-',
    limitText(more.bandwidth) || '-',
    phase
  ])
  const lines = table([
    ['NETWORK', 'CONTAINER', 'INTERFACE', 'ADDRESSES', 'DEVICE', 'HOST PORTS', 'LIMITS', 'PHASE'],
    ...rows
  ])
  process.stdout.write(`${lines.join('\n')}\n`)
}

/** `192.0.2.1:8080->80/tcp` */
function portText({ protocol = 'tcp', hostPort, hostAddress, podPort }: HostPortJson): string {
  const host = hostAddress?.includes(':') ? `[${hostAddress}]` : hostAddress
  return `${host === undefined ? '' : `${host}:`}${hostPort}->${podPort}/${protocol}`
}

/** `in 8M out 1M`, in bits a second as `tc` has them. */
function limitText({ ingress, egress }: BandwidthJson = {}): string {
  const parts = [
    ['in', ingress],
    ['out', egress]
  ] as const
  return parts
    .flatMap(([word, limit]) => (limit === undefined ? [] : [`${word} ${rateText(limit)}`]))
    .join(' ')
}

function rateText({ bytesPerSecond }: LimitJson): string {
  const bits = bytesPerSecond * 8
  if (bits >= 1e6) return `${Math.round(bits / 1e4) / 100}M`
  return bits >= 1e3 ? `${Math.round(bits / 10) / 100}k` : `${bits}`
}
