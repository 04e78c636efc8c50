import { TrilaneError } from '@trilane/contracts'
import { IpAddress } from '@trilane/ip'

/** What `trilane doctor` is told. */
export interface DoctorArguments {
  /** A network config. */
  readonly file?: string
  /** Whose network is asked. Default: as the config has it, else the uplink. */
  readonly parent?: string
  /** Machines that should answer, besides routers and neighbours. */
  readonly ask: readonly IpAddress[]
  /** Addresses of nobody to ask from. Default: of the config's range. */
  readonly sources: readonly IpAddress[]
  readonly isGentle: boolean
  readonly json: boolean
  /** The daemon's own. */
  readonly flags: readonly string[]
}

const VALUES = ['config', 'parent', 'ask', 'source']

/** @throws TrilaneError `TRI_USAGE` */
export function doctorArguments(args: readonly string[]): DoctorArguments {
  const flags: string[] = []
  const given = new Map<string, string[]>(VALUES.map((name) => [name, []]))
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? ''
    const [, name = '', value] = /^--?([a-z]+)(?:=(.*))?$/.exec(word) ?? []
    const values = given.get(name)
    if (values === undefined) flags.push(word)
    else values.push(value ?? args[++at] ?? '')
  }
  const last = (name: string): string | undefined => {
    const text = given.get(name)?.at(-1)
    if (text === '') throw usage(`--${name} has no value`)
    return text
  }
  const file = last('config')
  const parent = last('parent')
  return {
    ...(file === undefined ? {} : { file }),
    ...(parent === undefined ? {} : { parent }),
    ask: addressesOf('ask', given.get('ask') ?? []),
    sources: addressesOf('source', given.get('source') ?? []),
    isGentle: flags.includes('--gently'),
    json: flags.includes('--json'),
    flags: flags.filter((flag) => flag !== '--json' && flag !== '--gently')
  }
}

function addressesOf(name: string, texts: readonly string[]): IpAddress[] {
  return texts.map((text) => {
    const address = IpAddress.tryParse(text)
    if (address === undefined) throw usage(`--${name} ${text}: not an IP address`)
    return address
  })
}

function usage(problem: string): TrilaneError {
  return TrilaneError.of('TRI_USAGE', { problem, command: 'doctor' })
}
