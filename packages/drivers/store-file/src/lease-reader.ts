import { lstatSync, type Stats } from 'node:fs'
import { type StoredLease, TrilaneError } from '@trilane/contracts'
import { readSmallFile } from './files.ts'
import { parseLeaseFile } from './lease-file.ts'

/** What one key's file says. */
export type LeaseReading =
  | { readonly stored: StoredLease; readonly error?: never }
  | { readonly stored?: never; readonly error: TrilaneError }

type Remembered = LeaseReading & {
  readonly stats: Stats
  /** The file can no longer be written without showing it in its times. */
  readonly settled: boolean
  readonly text: string
}

/**
 * The kernel stamps files with the time of its last tick, up to 10 ms ago: within that, a second write may show
 * the times, the size and even the inode number of the first.
 */
const RACY_MS = 100

/** Reads the lease files again and again, but only those that may have changed. */
export class LeaseReader {
  readonly #directory: string
  #remembered: ReadonlyMap<string, Remembered> = new Map()

  constructor(directory: string) {
    this.#directory = directory
  }

  /**
   * @param latestMs a time by the file system's clock that has passed: the journal's
   * @returns by key, without those that have vanished meanwhile
   */
  read(keys: readonly string[], latestMs: number): ReadonlyMap<string, LeaseReading> {
    const readings = new Map<string, Remembered>()
    for (const key of keys) {
      const reading = this.#readOne(key, latestMs - RACY_MS)
      if (reading !== undefined) readings.set(key, reading)
    }
    this.#remembered = readings
    return readings
  }

  #readOne(key: string, settledMs: number): Remembered | undefined {
    const path = `${this.#directory}/${key}`
    const stats = lstatSync(path, { throwIfNoEntry: false })
    if (stats === undefined) return undefined
    const known = this.#remembered.get(key)
    if (known?.settled && isSame(known.stats, stats)) return known

    const read = readSmallFile(path)
    if (read === undefined) return undefined
    const text = read instanceof Error ? read.message : read
    const settled = stats.mtimeMs < settledMs && stats.ctimeMs < settledMs
    if (known?.text === text) return { ...known, stats, settled }
    return { ...parse(key, read), stats, settled, text }
  }
}

function parse(key: string, read: string | Error): LeaseReading {
  try {
    if (read instanceof Error) throw TrilaneError.of('TRI_LEASE_INVALID', { key, problem: read.message })
    return { stored: parseLeaseFile(key, read) }
  } catch (error) {
    if (TrilaneError.is(error, 'TRI_LEASE_INVALID')) return { error }
    throw error
  }
}

function isSame(left: Stats, right: Stats): boolean {
  return (
    left.ino === right.ino &&
    left.size === right.size &&
    left.mtimeMs === right.mtimeMs &&
    left.ctimeMs === right.ctimeMs
  )
}
