import type { Sysctl } from '@trilane/contracts'
import type { Device } from './device.ts'
import type { NetworkNamespace } from './namespace.ts'
import { Refusal } from './refusal.ts'

/** Defaults of Linux 6.x in a fresh namespace, by the part of the tree that has an entry per device. */
const PER_DEVICE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'net/ipv4/conf': {
    accept_local: '0',
    accept_redirects: '1',
    arp_accept: '0',
    arp_announce: '0',
    arp_filter: '0',
    arp_ignore: '0',
    arp_notify: '0',
    forwarding: '0',
    log_martians: '0',
    promote_secondaries: '1',
    proxy_arp: '0',
    proxy_arp_pvlan: '0',
    route_localnet: '0',
    rp_filter: '0',
    secure_redirects: '1',
    send_redirects: '1'
  },
  'net/ipv6/conf': {
    accept_dad: '1',
    accept_ra: '1',
    accept_redirects: '1',
    addr_gen_mode: '0',
    autoconf: '1',
    disable_ipv6: '0',
    forwarding: '0',
    keep_addr_on_down: '0',
    ndisc_notify: '0',
    proxy_ndp: '0'
  },
  'net/ipv4/neigh': {
    app_solicit: '0',
    base_reachable_time_ms: '30000',
    gc_stale_time: '60',
    mcast_solicit: '3',
    ucast_solicit: '3'
  },
  'net/ipv6/neigh': {
    app_solicit: '0',
    base_reachable_time_ms: '30000',
    gc_stale_time: '60',
    mcast_solicit: '3',
    ucast_solicit: '3'
  }
}

const GLOBAL: Readonly<Record<string, string>> = {
  'net/ipv4/ip_forward': '0',
  'net/ipv4/ip_nonlocal_bind': '0',
  'net/ipv4/fib_multipath_hash_policy': '0',
  'net/ipv6/ip_nonlocal_bind': '0'
}

/** Written to `all`, these are written to every device, and to `default`. */
const SPREADING = ['forwarding', 'disable_ipv6']

const NUMBER = /^-?\d+$/

/** `undefined` when there is no such parameter, or no such device. */
export function readSysctl(namespace: NetworkNamespace, key: string): string | undefined {
  const written = namespace.sysctls.get(canonical(key))
  return written ?? defaultOf(namespace, key)
}

/** `sysctl -w`. */
export function writeSysctl(namespace: NetworkNamespace, { key, value }: Sysctl): void {
  if (readSysctl(namespace, key) === undefined) throw new Refusal('ENOENT', `the parameter ${key}`)
  if (!NUMBER.test(value.trim())) throw new Refusal('EINVAL', 'Invalid argument')
  const name = canonical(key)
  namespace.sysctls.set(name, value.trim())
  spread(namespace, name, value.trim())
}

/** What was written, without what followed from it. */
export function writtenSysctls(namespace: NetworkNamespace): Sysctl[] {
  return [...namespace.sysctls].flatMap(([key, value]) => {
    const place = parse(key)
    const follows =
      place !== undefined &&
      place.device !== 'all' &&
      SPREADING.includes(place.leaf) &&
      namespace.sysctls.get(`${place.tree}/all/${place.leaf}`) === value
    return follows ? [] : [{ key, value }]
  })
}

/** There is no such thing. */
export function refuseSysctlRemoval(_here: NetworkNamespace, { key }: Sysctl): void {
  throw new Refusal('EINVAL', `the parameter ${key} has no former value to go back to`)
}

export function inheritSysctls(device: Device): void {
  const { namespace, name } = device
  for (const tree of Object.keys(PER_DEVICE)) {
    for (const leaf of Object.keys(PER_DEVICE[tree] ?? {})) {
      const inherited = namespace.sysctls.get(`${tree}/default/${leaf}`)
      if (inherited !== undefined) namespace.sysctls.set(`${tree}/${name}/${leaf}`, inherited)
    }
  }
}

export function forgetSysctlsOf(device: Device): void {
  for (const key of device.namespace.sysctls.keys()) {
    if (parse(key)?.device === device.name) device.namespace.sysctls.delete(key)
  }
}

/** `ip_forward` is another name of `conf/all/forwarding`. */
function canonical(key: string): string {
  return key === 'net/ipv4/ip_forward' ? 'net/ipv4/conf/all/forwarding' : key
}

function spread(namespace: NetworkNamespace, key: string, value: string): void {
  const place = parse(key)
  if (place?.device !== 'all' || !SPREADING.includes(place.leaf)) return
  for (const name of ['default', ...namespace.devices.keys()]) {
    namespace.sysctls.set(`${place.tree}/${name}/${place.leaf}`, value)
  }
}

function defaultOf(namespace: NetworkNamespace, key: string): string | undefined {
  const place = parse(key)
  if (place === undefined) return GLOBAL[key]
  const { tree, device, leaf } = place
  const isConf = tree.endsWith('conf')
  const exists = device === 'default' || (isConf && device === 'all') || namespace.devices.has(device)
  return exists ? PER_DEVICE[tree]?.[leaf] : undefined
}

function parse(
  key: string
): { readonly tree: string; readonly device: string; readonly leaf: string } | undefined {
  const match = /^(net\/ipv[46]\/(?:conf|neigh))\/([^/]+)\/([^/]+)$/.exec(key)
  if (match === null) return undefined
  const [, tree = '', device = '', leaf = ''] = match
  return { tree, device, leaf }
}
