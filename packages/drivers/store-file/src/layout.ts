import { join } from 'node:path'

/**
 * The directory:
 *
 * ```
 * store/
 *   lock               flock(2) of whoever changes something
 *   journal            the last revision, the config's, and the keys removed lately
 *   config             the network config as it was written; may be edited by hand
 *   subnets/
 *     10.5.71.0-24     one lease: {"revision":…,"expiresAtMs":…,"value":<flannel's object>}
 *   new, new-journal   what is about to be renamed; belong to the holder of the lock
 * ```
 *
 * The files in `subnets` are the truth. A lease is written when its file is renamed into place, and removed when
 * the journal that names it as removed is: of a key's file and its removal, the higher revision holds. So a process
 * that dies at any instruction leaves either the old or the new state, and reading takes no lock.
 *
 * A file in `subnets` that is no lease is reported and never touched.
 */
export interface Layout {
  readonly directory: string
  readonly lock: string
  readonly journal: string
  readonly config: string
  readonly subnets: string
  readonly staged: string
  readonly stagedJournal: string
}

export function layoutOf(directory: string): Layout {
  return {
    directory,
    lock: join(directory, 'lock'),
    journal: join(directory, 'journal'),
    config: join(directory, 'config'),
    subnets: join(directory, 'subnets'),
    staged: join(directory, 'new'),
    stagedJournal: join(directory, 'new-journal')
  }
}
