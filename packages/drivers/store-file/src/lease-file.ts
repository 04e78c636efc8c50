import { decodeLease, encodeLease } from '@trilane/config'
import { type Lease, type StoredLease, TrilaneError } from '@trilane/contracts'
import { isRevision } from './journal.ts'

/** The text of one lease's file. */
export function formatLeaseFile(lease: Lease, revision: number, expiresAtMs: number | undefined): string {
  const expiry = expiresAtMs === undefined ? '' : `"expiresAtMs":${expiresAtMs},`
  return `{"revision":${revision},${expiry}"value":${encodeLease(lease)}}\n`
}

/** @throws TrilaneError `TRI_LEASE_INVALID` */
export function parseLeaseFile(key: string, text: string): StoredLease {
  const { revision, expiresAtMs, value } = parseEnvelope(key, text)
  const lease = decodeLease(key, JSON.stringify(value ?? null))
  return { key, lease, revision, ...(expiresAtMs === undefined ? {} : { expiresAtMs }) }
}

interface Envelope {
  readonly revision: number
  readonly expiresAtMs?: number
  readonly value?: unknown
}

function parseEnvelope(key: string, text: string): Envelope {
  const fail = (problem: string, cause?: unknown): never => {
    throw TrilaneError.of('TRI_LEASE_INVALID', { key, problem }, { cause })
  }
  let envelope: Partial<Envelope> | null
  try {
    envelope = JSON.parse(text)
  } catch (cause) {
    return fail(text === '' ? 'its file is empty' : 'its file is not JSON', cause)
  }
  const { revision, expiresAtMs, value } = envelope ?? {}
  if (!isRevision(revision)) return fail('its file has no revision')
  if (expiresAtMs !== undefined && !Number.isFinite(expiresAtMs)) return fail('its expiresAtMs is no time')
  return { revision, value, ...(expiresAtMs === undefined ? {} : { expiresAtMs }) }
}

export function isExpired(stored: StoredLease, wallMs: number): boolean {
  return endMs(stored) <= wallMs
}

/** Infinity for a reservation. A file always tells. */
export function endMs({ expiresAtMs }: StoredLease): number {
  return typeof expiresAtMs === 'number' ? expiresAtMs : Number.POSITIVE_INFINITY
}
