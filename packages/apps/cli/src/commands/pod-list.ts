import { type AskOptions, daemonOf } from '../socket.ts'
import { table } from '../table.ts'

/** `trilane pod list`. */
export async function listPods(options: AskOptions): Promise<void> {
  const pods = await daemonOf(options).pods()
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify(pods, null, 2)}\n`)
    return
  }
  const rows = pods.map(({ network, containerId, ifname, phase, addresses, hostDevice, parent }) => [
    network,
    containerId.slice(0, 24),
    ifname,
    addresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`).join(' '),
    hostDevice ?? (parent === undefined ? '' : `on ${parent}`),
    phase
  ])
  const lines = table([['NETWORK', 'CONTAINER', 'INTERFACE', 'ADDRESSES', 'DEVICE', 'PHASE'], ...rows])
  process.stdout.write(`${lines.join('\n')}\n`)
}
