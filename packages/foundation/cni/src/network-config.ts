import { CniError } from './cni-error.ts'
import { Fields, isObject } from './fields.ts'
import { readJson, syntax } from './json.ts'
import { checkNetworkName } from './names.ts'
import { isSupported, LATEST_VERSION, UNNAMED_VERSION } from './spec-version.ts'

/** What every plugin reads of its config; the rest is in {@link fields}. */
export interface CniNetworkConfig {
  /** As written; `0.1.0` when it is absent or empty. Not checked against what is supported. */
  readonly cniVersion: string
  readonly name: string
  readonly fields: Fields
}

/**
 * The config that a runtime writes to a plugin's stdin.
 *
 * @throws CniError 6 for what is no JSON object or has a version that is no text; 7 for a missing or wrong name
 */
export function readNetworkConfig(bytes: Uint8Array): CniNetworkConfig {
  const json = readJson(bytes)
  // Go decodes null into an empty config.
  if (json !== null && !isObject(json)) throw syntax('it is not an object')
  const fields = new Fields(json ?? new Map())
  const name = fields.get('name')
  if (name !== undefined && typeof name !== 'string') throw syntax('name is not a text')
  if (name === undefined || name === '') throw new CniError(7, 'missing network name')
  checkNetworkName(name)
  const version = fields.get('cniVersion')
  if (version !== undefined && typeof version !== 'string') {
    throw new CniError(6, 'decoding version from network config: cniVersion is not a text')
  }
  return { cniVersion: version === undefined || version === '' ? UNNAMED_VERSION : version, name, fields }
}

/** In which version to answer an error: the config's own, else the newest. Never throws. */
export function answerVersionOf(bytes: Uint8Array): string {
  try {
    const { cniVersion } = readNetworkConfig(bytes)
    return isSupported(cniVersion) ? cniVersion : LATEST_VERSION
  } catch {
    return LATEST_VERSION
  }
}
