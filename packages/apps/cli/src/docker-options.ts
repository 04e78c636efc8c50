import { TrilaneError } from '@trilane/contracts'

/** What mk-docker-opts.sh is asked by `-i`, `-c`, `-m` and `-k`. */
export interface DockerOptionsWish {
  /** One variable for each option: `DOCKER_OPT_MTU="--mtu=1450"`. Both forms when neither is asked for. */
  readonly individual: boolean
  /** All of them in one. */
  readonly combined: boolean
  readonly ipMasq: boolean
  /** Name of the one. */
  readonly key: string
}

const PREFIX = 'DOCKER_OPT_'

/**
 * The environment file that Docker's service reads, byte for byte as flannel's mk-docker-opts.sh writes it – the space
 * that the combined options begin with included.
 *
 * @param variables of subnet.env
 * @param environment options that are there already: `DOCKER_OPT_…`, and the combined ones of before
 * @throws TrilaneError `TRI_CONFIG_INVALID` for a FLANNEL_IPMASQ that is neither true nor false
 */
export function dockerOptions(
  variables: ReadonlyMap<string, string>,
  environment: Readonly<Record<string, string | undefined>>,
  wish: DockerOptionsWish
): string {
  const options = new Map<string, string>()
  for (const [name, value = ''] of Object.entries(environment)) {
    if (name.startsWith(PREFIX)) options.set(name, value)
  }
  const add = (name: string, flag: string, value: string | undefined): void => {
    if (value !== undefined && value !== '') options.set(`${PREFIX}${name}`, `${flag}=${value}`)
  }
  add('BIP', '--bip', variables.get('FLANNEL_SUBNET'))
  add('MTU', '--mtu', variables.get('FLANNEL_MTU'))
  if (wish.ipMasq) add('IPMASQ', '--ip-masq', dockerMasquerades(variables.get('FLANNEL_IPMASQ')))

  const sorted = [...options].sort(([a], [b]) => (a < b ? -1 : 1))
  const both = !wish.individual && !wish.combined
  const lines = wish.individual || both ? sorted.map(([name, value]) => `${name}="${value}"`) : []
  if (wish.combined || both) {
    const former = environment[wish.key] ?? ''
    const all = [former === '' ? '' : `${former} `, ...sorted.map(([, value]) => ` ${value}`)].join('')
    lines.push(`${wish.key}="${all}"`)
  }
  return lines.map((line) => `${line}\n`).join('')
}

/** One of the two masquerades: Docker does unless the daemon does. */
function dockerMasquerades(ipMasq: string | undefined): string | undefined {
  if (ipMasq === undefined || ipMasq === '') return undefined
  if (ipMasq === 'true') return 'false'
  if (ipMasq === 'false') return 'true'
  throw TrilaneError.of('TRI_CONFIG_INVALID', {
    path: 'FLANNEL_IPMASQ',
    value: ipMasq,
    allowed: 'it is true or false'
  })
}
