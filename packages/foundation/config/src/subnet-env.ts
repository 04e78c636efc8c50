import { FAMILIES, type Family, type PerFamily, Prefix } from '@trilane/ip'

/** What a node writes for the CNI plugins and container engines that read flannel's `subnet.env`. */
export interface SubnetEnv {
  readonly networks: PerFamily<Prefix>
  readonly subnets: PerFamily<Prefix>
  readonly mtuBytes: number
  readonly ipMasq: boolean
}

const VARIABLES: Readonly<Record<Family, { readonly network: string; readonly subnet: string }>> = {
  v4: { network: 'FLANNEL_NETWORK', subnet: 'FLANNEL_SUBNET' },
  v6: { network: 'FLANNEL_IPV6_NETWORK', subnet: 'FLANNEL_IPV6_SUBNET' }
}

/**
 * flannel's lines in flannel's order; a subnet stands as its first usable address, `10.5.71.1/24`. It has two
 * addresses at least, as every lease has.
 */
export function formatSubnetEnv(env: SubnetEnv): string {
  const lines = FAMILIES.flatMap((family) => {
    const network = env.networks[family]
    const subnet = env.subnets[family]
    if (network === undefined || subnet === undefined) return []
    const { network: networkName, subnet: subnetName } = VARIABLES[family]
    return [`${networkName}=${network}`, `${subnetName}=${subnet.nth(1)}/${subnet.length}`]
  })
  return [...lines, `FLANNEL_MTU=${env.mtuBytes}`, `FLANNEL_IPMASQ=${env.ipMasq}`, ''].join('\n')
}

/**
 * Reads what {@link formatSubnetEnv} or flanneld wrote, by dotenv rules. Never fails: what cannot be read is left
 * out. A variable that holds several networks is left out too, for which of them was meant is unknown.
 */
export function parseSubnetEnv(
  text: string
): Pick<SubnetEnv, 'networks' | 'subnets'> & Partial<Pick<SubnetEnv, 'mtuBytes' | 'ipMasq'>> {
  const variables = parseDotenv(text)
  const networks: { v4?: Prefix; v6?: Prefix } = {}
  const subnets: { v4?: Prefix; v6?: Prefix } = {}
  for (const family of FAMILIES) {
    const network = onlyPrefix(variables.get(VARIABLES[family].network), family)
    const subnet = onlyPrefix(variables.get(VARIABLES[family].subnet), family)
    if (network !== undefined) networks[family] = network
    if (subnet !== undefined) subnets[family] = subnet
  }
  const mtu = variables.get('FLANNEL_MTU') ?? ''
  const ipMasq = variables.get('FLANNEL_IPMASQ')
  return {
    networks,
    subnets,
    ...(/^[1-9]\d{0,5}$/.test(mtu) ? { mtuBytes: Number(mtu) } : {}),
    ...(ipMasq === 'true' || ipMasq === 'false' ? { ipMasq: ipMasq === 'true' } : {})
  }
}

function onlyPrefix(value: string | undefined, family: Family): Prefix | undefined {
  const prefixes = (value ?? '')
    .split(',')
    .map((part) => Prefix.tryParse(part.trim()))
    .filter((prefix) => prefix?.family === family)
  return prefixes.length === 1 ? prefixes[0] : undefined
}

const LINE = /^(?:export\s+)?([A-Za-z_]\w*)\s*[=:](.*)$/

/** Variables of a file in dotenv's format, as they are written. The last of several lines for one variable wins. */
export function parseDotenv(text: string): ReadonlyMap<string, string> {
  const variables = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [, name, value] = LINE.exec(line.trim()) ?? []
    if (name !== undefined && value !== undefined) variables.set(name, dotenvValue(value.trim()))
  }
  return variables
}

/** In quotes: what is between them. Else up to a `#` after a space. */
function dotenvValue(value: string): string {
  const quote = value[0]
  if (quote === '"' || quote === "'") {
    const end = value.indexOf(quote, 1)
    if (end > 0) return value.slice(1, end)
  }
  const comment = value.search(/\s#/)
  return comment < 0 ? value : value.slice(0, comment).trimEnd()
}
