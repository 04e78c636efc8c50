/**
 * Every error that Trilane can report. `docs/errors.md` has a section for each, and a test
 * compares the two in both directions.
 */
export interface ErrorRow {
  /** One sentence; `{holes}` are filled with the values of the case. */
  readonly sentence: string
  /** What the reader can do. May use the same holes. */
  readonly remedy: string
  /** May the same call succeed later without anybody changing anything? */
  readonly retryable: boolean
  /**
   * Code of the CNI error JSON (spec 1.1, "Error"): 1–99 are the spec's, 100 and above ours.
   * 11 is "try again later".
   */
  readonly cniCode: number
  /** Exit status of a program that ends with it: 1 failure, 2 wrong usage or wrong config. */
  readonly exitStatus: 1 | 2
}

const row = <const Sentence extends string, const Remedy extends string>(
  sentence: Sentence,
  remedy: Remedy,
  more: Partial<Omit<ErrorRow, 'sentence' | 'remedy'>> = {}
): ErrorRow & { readonly sentence: Sentence; readonly remedy: Remedy } => ({
  sentence,
  remedy,
  retryable: more.retryable ?? false,
  cniCode: more.cniCode ?? (more.retryable ? 11 : 100),
  exitStatus: more.exitStatus ?? 1
})

export const ERROR_TABLE = {
  // What people write
  TRI_USAGE: row('{problem}', 'see `trilane {command} --help`', { exitStatus: 2, cniCode: 4 }),
  TRI_CONFIG_SYNTAX: row(
    '{source} is not valid YAML or JSON: {problem}',
    'correct the text at the place named',
    {
      exitStatus: 2,
      cniCode: 6
    }
  ),
  TRI_CONFIG_INVALID: row(
    '{path}: {value} is not allowed; {allowed}',
    'correct {path}; docs/configuration.md lists every key',
    {
      exitStatus: 2,
      cniCode: 7
    }
  ),
  TRI_CONFIG_MISSING: row(
    'there is no network config in {source}',
    'write one, or name a file with --net-config-path',
    {
      retryable: true
    }
  ),
  TRI_CONFIG_WAITS: row(
    'the network config in {source} has other values of {keys}, which this daemon takes at its next start only',
    'restart the daemon of one node after the other, or write the former values again; docs/configuration.md says what changes at once'
  ),
  TRI_BACKEND_UNKNOWN: row(
    'Backend.Type: there is no backend "{type}"; this build has {known}',
    '{suggestion}',
    { exitStatus: 2, cniCode: 7 }
  ),

  // This machine
  TRI_NOT_ROOT: row('{what} needs root', 'run it as root: it makes network devices and namespaces', {
    exitStatus: 1
  }),
  TRI_UPLINK_NOT_FOUND: row(
    'no uplink: {reason}',
    'name one with --iface, or wait until it is up: the daemon goes on looking',
    {
      retryable: true
    }
  ),
  TRI_PARENT_NOT_FOUND: row(
    'pods of {network} are to stand on the device {parent}, which this node does not have; it has {known}',
    'name one of these as Backend.Parent, or plug the device in: the daemon waits for it',
    { retryable: true }
  ),
  TRI_PARENT_BUSY: row(
    'no {wanted} can stand on {parent}: {reason}',
    'remove what stands there, or name another device as Backend.Parent',
    { retryable: true }
  ),
  TRI_PARENT_UNFIT: row('{type} cannot be used on {parent}: {reason}', '{remedy}'),
  TRI_SEGMENT_ONE_MAC: row(
    'the switch port of {parent} takes one MAC address only, or drops addresses that it does not know: {address} answers the node, and not its pods',
    '`trilane doctor` tells which: allow more MACs at that port (port security, anti-spoofing of the hypervisor), or set Backend.Type to ipvlan, whose pods have the MAC of the node; where addresses are dropped, to vxlan',
    { retryable: true }
  ),
  TRI_PODS_CUT_OFF: row(
    'the device {parent} was removed and took the interfaces of {count} pods with it: {pods}',
    'start these pods again: an interface that is gone cannot be put back under a running program'
  ),
  TRI_VLAN_KEPT: row(
    'no network config names the VLAN of the device {device} any more, and {count} pods stand on it: {pods}',
    'end these pods, or start them again: the device is removed after the last of them',
    { retryable: true }
  ),
  TRI_MACHINE_ID_MISSING: row(
    '{path} holds no machine id: {problem}',
    'run systemd-machine-id-setup, or give --machine-id'
  ),
  TRI_KERNEL_REFUSED: row(
    'the kernel refused `{command}`: {errno}{text}',
    "see the kernel's words; `trilane status` shows what is missing",
    {
      retryable: true
    }
  ),
  TRI_KERNEL_EXISTS: row(
    '`{command}`: it exists already',
    'another program made it, or the request was repeated'
  ),
  TRI_KERNEL_NOT_FOUND: row(
    '`{command}`: {what} does not exist',
    'it vanished, or was never made; the next full pass makes what is ours',
    {
      retryable: true
    }
  ),
  TRI_KERNEL_UNSUPPORTED: row(
    'this kernel cannot do `{command}`: {errno}{text}',
    'load the module that is missing (`modprobe`), or choose a backend that this kernel has: `trilane doctor` tries them'
  ),
  TRI_KERNEL_PERMISSION: row(
    'not permitted: `{command}`',
    'run as root, or with CAP_NET_ADMIN and CAP_SYS_ADMIN'
  ),
  TRI_KERNEL_READ_INCOMPLETE: row(
    "the kernel's {what} changed during each of {attempts} readings",
    'it is tried again',
    {
      retryable: true
    }
  ),
  TRI_NAMESPACE_INVALID: row(
    '{path} is not a network namespace: {problem}',
    'give the path of a bind-mounted namespace, such as /run/netns/NAME, or /proc/PID/ns/net',
    {
      cniCode: 4
    }
  ),
  TRI_WISH_CONFLICT: row(
    '{object} is wanted twice: {winner} wants it otherwise than {loser}, and came first',
    'give the two different names or addresses in their configs'
  ),
  TRI_NO_ROUTE: row('this node has no route to {address}', 'add one, or check the uplink'),

  // Firewall
  TRI_FIREWALL_UNAVAILABLE: row(
    'the firewall cannot be used: {problem}',
    'install libnftables.so.1 (Debian: libnftables1) on a kernel with nf_tables; pods are connected meanwhile, but neither masqueraded nor let through',
    { retryable: true }
  ),
  TRI_FIREWALL_TOOL_MISSING: row(
    'the old iptables has to be changed ({what}), and `{command}` is missing',
    'install it (Debian: iptables)',
    { retryable: true }
  ),
  TRI_FORWARD_REFUSED: row('{chain} refuses packets of {networks}: {reason}', '{fix}', { retryable: true }),

  // Leases
  TRI_STORE_UNAVAILABLE: row(
    'the store {store} cannot be used: {problem}',
    'check that it runs and that this node may reach it; pods keep their network meanwhile',
    {
      retryable: true
    }
  ),
  TRI_STORE_REMEMBERED: row(
    'the store {store} has not answered since the daemon started: peers and lease are those of {at}, as this node last knew them ({problem})',
    'check that it runs and that this node may reach it; nothing is removed meanwhile',
    {
      retryable: true
    }
  ),
  TRI_LEASE_INVALID: row(
    'lease {key} is skipped: {problem}',
    'correct or remove that key; all other peers are served'
  ),
  TRI_LEASE_RIVAL: row(
    'lease {key} is skipped: {problem}; {owner} holds it',
    'decide which of the two nodes shall have it and change the other; until then neither serves the other, and all others serve both as far as they can be told apart'
  ),
  TRI_LEASE_UNKNOWN: row(
    'there is no lease {key} among the {count} of the store',
    '`trilane lease list` shows them',
    { exitStatus: 2 }
  ),
  TRI_LEASE_CONFLICT: row(
    'lease {key} was changed by {owner} in the meantime',
    'read it again and decide anew',
    { retryable: true }
  ),
  TRI_LEASE_LOST: row(
    'this node no longer holds {subnet}: {reason}',
    'the daemon acquires a lease again; see docs/errors.md for what happens to running pods',
    {
      retryable: true
    }
  ),
  TRI_SUBNETS_EXHAUSTED: row(
    '{network} has no free /{length}: {live} leased ({holders}), {reserved} reserved ({keepers}), {excluded} excluded',
    'widen Network, SubnetMin to SubnetMax, or raise SubnetLen; or release leases of nodes that are gone',
    {
      retryable: true
    }
  ),
  TRI_PEER_NOT_ON_LINK: row(
    '{type} cannot reach {peer} at {peerAddress}: {device} is {localAddress}, another network',
    '{type} needs all nodes on one L2 segment: move the node, or choose another Backend.Type; host-gw may have a second lane for such peers, Backend.Lanes: [host-gw, vxlan]'
  ),
  TRI_PEER_FAMILY_MISSING: row(
    '{peer} announces {subnet} but no {family} address to reach it by',
    'give that node an address of the family, or turn the family off in the network config'
  ),
  TRI_PEER_NO_LANE: row(
    'no lane to {peer}: {reasons}',
    'give the network a lane that both nodes can serve, such as Backend.Lanes: [host-gw, vxlan]; docs/lanes.md says what each needs'
  ),
  TRI_PEER_SILENT: row(
    '{peer} is carried by {lane}, but {address} does not answer on {device}, and no other lane fits',
    'see that the node is up and shares the segment, or allow another lane for it: Backend.Lanes: [host-gw, vxlan]',
    { retryable: true }
  ),

  // Pods
  TRI_ADDRESSES_EXHAUSTED: row(
    '{range} has no free address: {used} in use',
    "raise the subnet's size (a smaller SubnetLen), or remove pods",
    {
      retryable: true
    }
  ),
  TRI_ADDRESS_TAKEN: row('{address} is taken by {owner}', 'ask for another address, or for none'),
  TRI_ADDRESS_IN_USE: row(
    'the machine {mac} on the segment of {device} has the address {address}',
    'add it to Exclude of the network config, or give that machine another address'
  ),
  TRI_ADDRESS_NOT_ALLOWED: row(
    '{address} cannot be given to a pod: {reason}',
    'ask for an address inside {range}',
    { cniCode: 7 }
  ),
  TRI_RANGE_NOT_ALLOWED: row(
    'no pod can have an address out of {range}: {reason}',
    'ask for ranges inside {allowed}, which this node gives out, or for none',
    { cniCode: 7 }
  ),
  TRI_POOL_CORRUPT: row(
    '{file} is not a reservation: {problem}',
    'the address stays out of use; remove the file when nothing uses it'
  ),
  TRI_IPAM_MISSING: row(
    'failed to find plugin "{type}" in path [{path}]: {reason}',
    'install it in one of these directories, or correct ipam.type'
  ),
  TRI_IPAM_FAILED: row(
    'the IPAM plugin {type} refused {verb}: {text}',
    'the words are that plugin’s: see its documentation, and the config that names it'
  ),
  TRI_IPAM_TIMEOUT: row(
    'the IPAM plugin {type} had not ended {waitedMs} ms after {verb}, and was killed',
    'find out what it waits for',
    { retryable: true }
  ),
  TRI_POD_EXISTS: row('{containerId}/{ifname} is attached already', 'detach it first'),
  TRI_HOST_PORT_REFUSED: row(
    'host port {port} cannot lead to {containerId}/{ifname}: {reason}',
    'choose another host port or hostIP, or remove the pod that has it'
  ),
  TRI_POD_INTERFACE_EXISTS: row(
    '{namespace} has an interface {ifname} already',
    'choose another interface name, or remove that one'
  ),
  TRI_POD_CHANGED: row('{containerId}/{ifname}: {problem}', 'detach the pod and attach it again'),
  TRI_NOT_READY: row('{network} is not ready: {reason}', 'wait; `trilane status` shows what is missing', {
    retryable: true
  }),
  TRI_NETWORK_UNKNOWN: row(
    'this daemon serves no network "{network}"; it serves {known}',
    'use one of these names',
    { cniCode: 7 }
  ),
  TRI_NETWORKS_CLASH: row(
    '{network} cannot be on this node beside {other}: both have {shared}',
    'give one of the two another Network, VNI or range of slices'
  ),

  // Programs and disk
  TRI_DAEMON_UNREACHABLE: row(
    'no daemon answers at {socket}: {problem}',
    'start it with `trilane daemon`, or name its socket with --socket',
    {
      retryable: true
    }
  ),
  TRI_DAEMON_RUNNING: row('a daemon (pid {pid}) runs here', 'stop it first'),
  TRI_LISTEN_FAILED: row(
    '{address} cannot be listened at: {problem}',
    'choose another --healthz-port or --healthz-ip, or end the program that has it'
  ),
  TRI_SUBNET_ROUTED: row(
    'the routing table already contains the subnet {subnet}: {route}',
    "remove that route, or find out which node holds the subnet: Docker's bridge would take its packets"
  ),
  TRI_REQUEST_INVALID: row('the request is not valid: {problem}', 'see docs/architecture.md, "The socket"', {
    cniCode: 4
  }),
  TRI_FILE: row(
    '{operation} {path}: {problem}',
    'check that the directory exists, is writable and has space',
    { cniCode: 5 }
  ),
  TRI_LOCK_TIMEOUT: row(
    '{path} stayed locked for {waitedMs} ms',
    'see which process holds it with `fuser {path}`',
    { retryable: true }
  ),
  TRI_LAB_EXISTS: row('lab "{name}" is up already', '`trilane lab down --name {name}` takes it down'),
  TRI_LAB_UNKNOWN: row('there is no {what} "{name}"; there is {known}', 'use one of these names', {
    exitStatus: 2
  }),
  TRI_GUEST_UNPREPARED: row(
    'no guest kernel is prepared in {directory}',
    'run `scripts/setup guest` in a checkout; it installs qemu and unpacks a kernel beside this one'
  ),
  TRI_GUEST_FAILED: row('the guest kernel was ended without an answer: {how}', 'see its last lines above'),
  TRI_COMMAND_FAILED: row('`{command}` failed with {status}', 'see its words above'),
  TRI_INTERNAL: row('unexpected: {text}', 'this is a defect of Trilane: please report it with the log', {
    cniCode: 999
  })
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof ERROR_TABLE
