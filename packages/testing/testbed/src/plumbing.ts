import { randomInt } from 'node:crypto'
import type { Place } from './place.ts'
import { Switch } from './place.ts'
import { runProgram } from './program.ts'

/** A cable from a place to a switch. */
export interface Cable {
  /** Name of the device in the place. */
  readonly device: string
  readonly switch: Switch
  /** With prefix lengths: `192.168.77.1/24`, `fd77::1/64`. */
  readonly addresses: readonly string[]
  /** @default 1500 */
  readonly mtuBytes?: number
}

/** Runs `ip` commands in the place's namespace, all in one process. */
async function ip(place: Place, commands: readonly string[]): Promise<void> {
  await runProgram(['ip', '-n', place.namespace, '-batch', '-'], { input: `${commands.join('\n')}\n` })
}

async function sysctl(place: Place, settings: readonly string[]): Promise<void> {
  await place.run(['sysctl', '-q', '-w', ...settings])
}

/** The bridge of a switch: it forwards at once, floods multicast, and has no address of its own. */
export async function setUpSwitch(place: Switch): Promise<void> {
  await sysctl(place, ['net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1'])
  await ip(place, [
    `link add name ${Switch.BRIDGE} type bridge forward_delay 0 stp_state 0 mcast_snooping 0`,
    `link set dev ${Switch.BRIDGE} up`
  ])
}

/**
 * A machine as it comes up: IPv4 settings of a new namespace are copies of this machine's, so those that decide
 * about forwarding are given their values; a node that forwards is the product's doing.
 */
export async function setUpHost(place: Place, forwarding: boolean): Promise<void> {
  const value = forwarding ? 1 : 0
  await sysctl(place, [
    `net.ipv4.conf.all.forwarding=${value}`,
    `net.ipv4.conf.default.forwarding=${value}`,
    `net.ipv6.conf.all.forwarding=${value}`,
    'net.ipv4.conf.all.rp_filter=0',
    'net.ipv4.conf.default.rp_filter=0'
  ])
  await ip(place, ['link set dev lo up'])
}

/** Plugs a device of a place into a switch. */
export async function plug(place: Place, cable: Cable): Promise<void> {
  const mtuBytes = cable.mtuBytes ?? 1500
  const { device } = cable
  // Linux reports a carrier at once for a device whose index is not its peer's, else up to a second later
  // (linkwatch_urgent_event), and a port forwards nothing before that; so it gets an index that no peer will have.
  const index = randomInt(1_000, 1_000_000_000)
  await ip(cable.switch, [
    `link add name ${place.name} index ${index} mtu ${mtuBytes} type veth peer name ${device} mtu ${mtuBytes} netns ${place.namespace}`,
    asPort(place.name)
  ])
  // Without duplicate address detection, which would hold back the first second of IPv6; on this device only.
  await sysctl(place, [`net.ipv6.conf.${device}.accept_dad=0`])
  await ip(place, [
    ...cable.addresses.map((address) => `address add ${address} dev ${device}${nodad(address)}`),
    `link set dev ${device} up`
  ])
}

/** Takes a machine's cable out of one switch and puts it into another. */
export async function moveCable(place: Place, from: Switch, to: Switch): Promise<void> {
  await ip(from, [`link set dev ${place.name} netns ${to.namespace}`])
  await ip(to, [asPort(place.name)])
}

/** Pulls a device out of a machine. */
export async function pull(place: Place, device: string): Promise<void> {
  await ip(place, [`link del dev ${device}`])
}

function asPort(device: string): string {
  return `link set dev ${device} master ${Switch.BRIDGE} up`
}

/** Default routes. */
export async function setGateways(place: Place, gateways: readonly string[]): Promise<void> {
  if (gateways.length === 0) return
  await ip(
    place,
    gateways.map((gateway) => `route add default via ${gateway}`)
  )
}

function nodad(address: string): string {
  return address.includes(':') ? ' nodad' : ''
}
