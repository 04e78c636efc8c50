import { decodeLease, encodeLease } from '@trilane/config'
import type { RememberedEvent, RememberedStore, StoredConfig, StoredLease } from '@trilane/contracts'

/** Another version is another program's, and no cache of this one. */
const VERSION = 1

interface Head {
  /** {@link SubnetStore.description} */
  readonly store: string
  readonly listedAtMs: number
  readonly revision: number
  /** How many there are in the list: a file that was cut off has fewer, and is no complete list. */
  readonly leases: number
}

export function headLine(head: Head): string {
  return JSON.stringify({ version: VERSION, ...head })
}

export function eventLine(event: RememberedEvent): string {
  switch (event.kind) {
    case 'config':
      return JSON.stringify({ config: event.config })
    case 'gone':
      return JSON.stringify({ gone: event.key, revision: event.revision })
    case 'put': {
      const { key, revision, expiresAtMs, lease } = event.stored
      return `{"put":${JSON.stringify({ key, revision, expiresAtMs })},"value":${encodeLease(lease)}}`
    }
  }
}

/** @returns `undefined` for what is no complete list of that store */
export function readRemembered(text: string, store: string): RememberedStore | undefined {
  const lines = text.split('\n')
  const head = parse(lines[0] ?? '') as (Partial<Head> & { version?: unknown }) | undefined
  if (head?.version !== VERSION || head.store !== store) return undefined
  const { listedAtMs, revision, leases: count } = head
  if (typeof listedAtMs !== 'number' || typeof revision !== 'number' || typeof count !== 'number') {
    return undefined
  }
  const leases = new Map<string, StoredLease>()
  let config: StoredConfig | undefined
  let latest = revision
  let listed = 0
  for (const line of lines.slice(1)) {
    const event = readEvent(line)
    if (event?.kind === 'config') config = event.config
    if (event === undefined || event.kind === 'config') continue
    const at = event.kind === 'put' ? event.stored.revision : event.revision
    // An event that was late when it was noted is older than the list.
    if (listed >= count && at > 0 && at <= revision) continue
    if (event.kind === 'gone') leases.delete(event.key)
    else leases.set(event.stored.key, event.stored)
    if (event.kind === 'put') listed++
    latest = Math.max(latest, at)
  }
  if (listed < count) return undefined
  return {
    ...(config === undefined ? {} : { config }),
    list: { leases: [...leases.values()], rejected: [], revision: latest },
    listedAtMs
  }
}

function readEvent(line: string): RememberedEvent | undefined {
  const fields = parse(line)
  if (fields === undefined) return undefined
  const { config, gone, put, value, revision } = fields
  if (isObject(config) && typeof config.text === 'string' && typeof config.revision === 'number') {
    return { kind: 'config', config: { text: config.text, revision: config.revision } }
  }
  if (typeof gone === 'string' && typeof revision === 'number') return { kind: 'gone', key: gone, revision }
  return isObject(put) ? readPut(put, value) : undefined
}

function readPut(
  { key, revision, expiresAtMs }: Readonly<Record<string, unknown>>,
  value: unknown
): RememberedEvent | undefined {
  if (typeof key !== 'string' || typeof revision !== 'number') return undefined
  try {
    const lease = decodeLease(key, JSON.stringify(value ?? null))
    const stored = { key, lease, revision }
    if (typeof expiresAtMs === 'number' || expiresAtMs === 'unknown') {
      return { kind: 'put', stored: { ...stored, expiresAtMs } }
    }
    return { kind: 'put', stored }
  } catch {
    return undefined
  }
}

function parse(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
