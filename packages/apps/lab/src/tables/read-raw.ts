import type { Captured } from '@trilane/testbed'
import type {
  AddressJson,
  FdbJson,
  LinkJson,
  NamespaceIdJson,
  NeighbourJson,
  RouteJson,
  RuleJson
} from './iproute.ts'
import type { RulesetJson } from './nft-rows.ts'

/** A namespace whose tables are read. */
export interface Readable {
  /** In the answer. */
  readonly name: string
  readonly kind: 'pod' | 'node' | 'switch' | 'router' | 'host'
  /** Name of its namespace below /run/netns, when it has one: by it others name it. */
  readonly namespace?: string
  /** Runs a program inside. */
  readonly run: (argv: readonly string[]) => Promise<Captured>
}

/** The tables of one namespace as iproute2 and nft print them. */
export interface RawTables {
  readonly links: readonly LinkJson[]
  readonly addresses: readonly AddressJson[]
  readonly routes: { readonly v4: readonly RouteJson[]; readonly v6: readonly RouteJson[] }
  readonly rules: { readonly v4: readonly RuleJson[]; readonly v6: readonly RuleJson[] }
  readonly neighbours: readonly NeighbourJson[]
  readonly fdb: readonly FdbJson[]
  readonly namespaceIds: readonly NamespaceIdJson[]
  /** By the name that `sysctl` gives them. */
  readonly sysctls: ReadonlyMap<string, string>
  readonly ruleset: RulesetJson
}

const COMMANDS: readonly string[] = [
  'ip -json -details link show',
  'ip -json address show',
  'ip -json -4 -details route show table all',
  'ip -json -6 -details route show table all',
  'ip -json -4 rule show',
  'ip -json -6 rule show',
  'ip -json neighbour show',
  'bridge -json fdb show',
  'ip -json netns list-id',
  // A kernel without IPv6 has no such files, and a machine without nft no such rules.
  'cd /proc/sys/net && grep -H . ipv4/conf/*/forwarding ipv4/conf/*/rp_filter ipv6/conf/all/forwarding || :',
  'if command -v nft >/dev/null; then nft -j list ruleset; fi'
]

/** No JSON has a line like it. */
const MARK = '=== next ==='
const SCRIPT = `set -e\n${COMMANDS.join(`\necho; echo '${MARK}'\n`)}`

/** One process for all tables, so that they are of about one moment. @throws TrilaneError `TRI_COMMAND_FAILED` */
export async function readRaw({ run }: Readable): Promise<RawTables> {
  const { stdout } = await run(['sh', '-c', SCRIPT])
  const parts = stdout.split(`${MARK}\n`).map((part) => part.trim())
  const list = (index: number): never[] => JSON.parse(parts[index] || '[]') as never[]
  return {
    links: list(0),
    addresses: list(1),
    routes: { v4: list(2), v6: list(3) },
    rules: { v4: list(4), v6: list(5) },
    neighbours: list(6),
    fdb: list(7),
    namespaceIds: list(8),
    sysctls: sysctlsOf(parts[9] ?? ''),
    ruleset: JSON.parse(parts[10] || '{}') as RulesetJson
  }
}

/** Lines of `ipv4/conf/flannel.1/forwarding:1`; the name of it is `net.ipv4.conf.flannel/1.forwarding`. */
function sysctlsOf(text: string): Map<string, string> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [, path, value] = /^(.+):(\d+)$/.exec(line) ?? []
      return path === undefined || value === undefined ? [] : [[nameOf(path), value]]
    })
  )
}

function nameOf(path: string): string {
  const parts = path.split('/').map((part) => part.replaceAll('.', '/'))
  return ['net', ...parts].join('.')
}
