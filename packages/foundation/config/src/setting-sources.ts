import type { TrilaneError } from '@trilane/contracts'
import { readDocument } from './document.ts'
import { nearestName } from './nearest-name.ts'
import type { NodeConfigSources } from './node-config.ts'
import { NODE_SETTINGS, type NodeSetting, type SettingName } from './node-settings.ts'
import { SETTING_KINDS, type SettingKind, type SettingValue } from './setting-kinds.ts'
import { type Entry, excerpt, findEntry, invalid, type Written } from './written.ts'

type KindOf<Name extends SettingName> = Extract<
  (typeof NODE_SETTINGS)[number],
  { readonly name: Name }
>['kind']
type ValueOf<Name extends SettingName> = SettingValue<KindOf<Name>>

/** One source's word on a setting: under which name, and what. */
interface Given {
  readonly path: string
  readonly values: readonly Written[]
}

/** The sources of a node's config, in the order in which they win. An empty text counts as nothing. */
export class SettingSources {
  readonly #sources: NodeConfigSources
  readonly #file: readonly Entry[]

  /** @throws TrilaneError `TRI_CONFIG_SYNTAX`; `TRI_CONFIG_INVALID` for a key that no setting has */
  constructor(sources: NodeConfigSources) {
    this.#sources = sources
    this.#file = sources.file === undefined ? [] : readDocument(sources.file.text, sources.file.source)
    const names = NODE_SETTINGS.map(({ name }) => name)
    for (const { key, written } of this.#file) {
      if (names.some((name) => name.toLowerCase() === key.toLowerCase())) continue
      const near = nearestName(key, names)
      const hint = near === undefined ? `the keys are ${names.join(', ')}` : `did you mean ${near}?`
      const meant = NODE_SETTINGS.find(({ name }) => name === near)
      throw invalid(
        key,
        meant === undefined ? written : shown(meant, written),
        `there is no such key; ${hint}`
      )
    }
  }

  /** The setting, or its default, if it has one. @throws TrilaneError `TRI_CONFIG_INVALID` */
  get<Name extends SettingName>(name: Name): ValueOf<Name> | undefined {
    return this.all(name)[0]
  }

  /** The same for a setting that has a default. */
  need<Name extends SettingName>(name: Name): ValueOf<Name> {
    const value = this.get(name)
    if (value === undefined) throw new TypeError(`${name} has no default`)
    return value
  }

  /** Every value of a repeatable setting. @throws TrilaneError `TRI_CONFIG_INVALID` */
  all<Name extends SettingName>(name: Name): ValueOf<Name>[] {
    const setting = settingNamed(name)
    const { allowed, parse } = SETTING_KINDS[setting.kind]
    const read = (text: string): ValueOf<Name> | undefined => parse(text) as ValueOf<Name> | undefined

    const given = this.#given(setting)
    if (given === undefined) {
      const byDefault = setting.default === undefined ? undefined : read(setting.default)
      return byDefault === undefined ? [] : [byDefault]
    }
    return given.values.map((written) => {
      const value = typeof written.value === 'string' ? read(written.value) : undefined
      if (value === undefined) throw invalid(given.path, shown(setting, written), allowed)
      return value
    })
  }

  /** Does any source say something about it? */
  isGiven(name: SettingName): boolean {
    return this.#given(settingNamed(name)) !== undefined
  }

  /** `TRI_CONFIG_INVALID` for what was given. */
  invalid(name: SettingName, allowed: string): TrilaneError {
    const given = this.#given(settingNamed(name))
    return invalid(given?.path ?? name, shown(settingNamed(name), given?.values[0]), allowed)
  }

  #given(setting: NodeSetting): Given | undefined {
    const flags = (this.#sources.flags[setting.flag] ?? []).filter((value) => value !== '')
    if (flags.length > 0) return texts(`--${setting.flag}`, flags, 'the command line')
    for (const variable of setting.env) {
      const value = this.#sources.env[variable]
      if (value !== undefined && value !== '') return texts(variable, [value], 'the environment')
    }
    return this.#inFile(setting)
  }

  #inFile(setting: NodeSetting): Given | undefined {
    const written = findEntry(this.#file, setting.name)
    if (written === undefined || written.value === '') return undefined
    const items = Array.isArray(written.value) ? written.value : [written.value]
    if (Array.isArray(written.value) && !setting.repeatable)
      throw invalid(setting.name, shown(setting, written), 'one value, no list')
    const values = items.map((item): Written => {
      return {
        ...written,
        value: typeof item === 'number' || typeof item === 'boolean' ? String(item) : item
      }
    })
    return values.length === 0 ? undefined : { path: setting.name, values }
  }
}

/** What a message may show: no password, and no URL with one in it. */
function shown<Given extends Written | undefined>(setting: NodeSetting, written: Given): Given {
  const isSecret = setting.kind === 'secret' || (setting.kind === 'endpoints' && written?.text.includes('@'))
  return written === undefined || !isSecret ? written : { ...written, text: 'this value' }
}

function settingNamed(name: SettingName): NodeSetting & { readonly kind: SettingKind } {
  const setting = NODE_SETTINGS.find((candidate) => candidate.name === name)
  if (setting === undefined) throw new TypeError(`there is no setting ${name}`)
  return setting
}

function texts(path: string, values: readonly string[], place: string): Given {
  return { path, values: values.map((value) => ({ value, text: excerpt(value), place })) }
}
