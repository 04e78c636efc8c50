import { strict as assert } from 'node:assert'
import { echo, type Place } from '@trilane/testbed'

/** A device as `ip -details -json address show` has it. */
export interface Device {
  readonly ifname: string
  readonly address: string
  readonly mtu: number
  readonly flags: readonly string[]
  readonly master?: string
  readonly linkinfo?: {
    readonly info_kind?: string
    readonly info_data?: Readonly<Record<string, unknown>>
    readonly info_slave_data?: Readonly<Record<string, unknown>>
  }
  readonly addr_info: readonly {
    readonly family: string
    readonly local: string
    readonly prefixlen: number
    readonly scope: string
    readonly tentative?: boolean
  }[]
}

/** @returns `undefined` when there is none of that name */
export async function deviceIn(place: Place, name: string): Promise<Device | undefined> {
  const argv = ['ip', '-details', '-json', 'address', 'show', 'dev', name]
  const { status, stdout } = await place.run(argv, { anyStatus: true })
  return status === 0 ? (JSON.parse(stdout) as Device[])[0] : undefined
}

/** @throws AssertionError when there is none of that name */
export async function mustHave(place: Place, name: string): Promise<Device> {
  const device = await deviceIn(place, name)
  assert(device !== undefined, `there is no ${name} in ${place.name}`)
  return device
}

/** Global addresses with their lengths, v4 first. */
export function addressesOn({ addr_info }: Device): readonly string[] {
  const texts = addr_info
    .filter(({ scope }) => scope === 'global')
    .map(({ local, prefixlen }) => `${local}/${prefixlen}`)
  return [...texts.filter((text) => !text.includes(':')), ...texts.filter((text) => text.includes(':'))]
}

/** `ip …` in a place. */
export async function ip(place: Place, ...argv: readonly string[]): Promise<string> {
  return (await place.run(['ip', ...argv])).stdout
}

/** One echo request, no second try. */
export async function reaches(from: Place, address: string): Promise<void> {
  const { answered, words } = await echo({ from, address })
  assert(answered, `${from.name} does not reach ${address}: ${words}`)
}

/** Within three seconds: an IPv6 address may have to be probed for first. */
export async function soonReaches(from: Place, address: string): Promise<void> {
  const deadline = performance.now() + 3_000
  for (;;) {
    const { answered, words } = await echo({ from, address })
    if (answered) return
    assert(performance.now() < deadline, `${from.name} does not reach ${address}: ${words}`)
  }
}

export async function reachesNot(from: Place, address: string): Promise<void> {
  const { answered } = await echo({ from, address })
  assert(!answered, `${from.name} reaches ${address}`)
}

/** Value of a kernel setting: `net/ipv4/ip_forward`. */
export async function sysctl(place: Place, name: string): Promise<string> {
  return (await place.run(['sysctl', '-n', name])).stdout.trim()
}
