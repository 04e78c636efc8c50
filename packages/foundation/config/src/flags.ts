import { TrilaneError } from '@trilane/contracts'
import { nearestName } from './nearest-name.ts'
import { FLANNEL_ONLY_FLAGS, NODE_SETTINGS, type NodeSetting } from './node-settings.ts'

/** Values by flag name without dashes (`net-config-path`), in the order given. */
export type FlagValues = Readonly<Record<string, readonly string[]>>

/**
 * The daemon's arguments by the rules of Go's flag package, which flanneld's are written by: one dash or two,
 * `--iface eth0` or `--iface=eth0`, a boolean alone or with `=`. `--` ends the flags.
 *
 * `help` (or `h`) and `version` are no settings: they are in the result, and nothing after `help` is looked at.
 *
 * @param workingDirectory what relative paths on the command line are relative to; without it they stay as they are, and are refused later
 * @throws TrilaneError `TRI_USAGE` for an unknown flag, a missing value or a stray word; `TRI_CONFIG_INVALID` for
 *   a flag of flanneld that this build does not have
 */
export function parseFlags(args: readonly string[], workingDirectory?: string): FlagValues {
  const values = new Map<string, string[]>()
  const rest = [...args]
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const match = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(word)
    if (word === '--' && rest.length === 0) break
    if (match === null) throw usage(`"${word}" is not a flag`)
    const [, flag = '', inline] = match
    if (HELP.includes(flag)) return { ...Object.fromEntries(values), help: ['true'] }
    const setting = settingOf(flag, inline)
    const given = inline ?? (setting.kind === 'boolean' ? 'true' : rest.shift())
    if (given === undefined) throw usage(`--${flag} needs a value`)
    const value = setting.kind === 'path' ? absolute(given, workingDirectory) : given
    // Go keeps the last of a flag that is no list.
    values.set(flag, setting.repeatable ? [...(values.get(flag) ?? []), value] : [value])
  }
  return Object.fromEntries(values)
}

const HELP: readonly string[] = ['h', 'help']

/** flanneld's: it is a flag of the command line alone. */
const VERSION = { flag: 'version', kind: 'boolean', repeatable: false } as const

function absolute(path: string, workingDirectory: string | undefined): string {
  const stays = path === '' || path.startsWith('/') || workingDirectory === undefined
  return stays ? path : `${workingDirectory}/${path}`
}

function settingOf(
  flag: string,
  value: string | undefined
): Pick<NodeSetting, 'flag' | 'kind' | 'repeatable'> {
  if (flag === VERSION.flag) return VERSION
  const setting = NODE_SETTINGS.find((candidate) => candidate.flag === flag)
  if (setting !== undefined) return setting
  refuseFlannelOnly(flag, `--${flag}`, value ?? 'this flag')
  const near = nearestName(flag, [...NODE_SETTINGS.map((candidate) => candidate.flag), VERSION.flag, 'help'])
  throw usage(`there is no flag --${flag}${near === undefined ? '' : `; did you mean --${near}?`}`)
}

/** @throws TrilaneError `TRI_CONFIG_INVALID` when `flag` is one that only flanneld has */
export function refuseFlannelOnly(flag: string, path: string, value: string): void {
  if (!Object.hasOwn(FLANNEL_ONLY_FLAGS, flag)) return
  throw TrilaneError.of('TRI_CONFIG_INVALID', { path, value, allowed: `${FLANNEL_ONLY_FLAGS[flag]}` })
}

function usage(problem: string): TrilaneError {
  return TrilaneError.of('TRI_USAGE', { problem, command: 'daemon' })
}
