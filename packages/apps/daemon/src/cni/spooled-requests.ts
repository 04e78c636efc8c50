import { decodeInvocation, type Invocation } from '@trilane/cni'
import type { Logger } from '@trilane/contracts'
import { type CniPlugin, mayPass } from './cni-plugin.ts'

/** What the launcher keeps while no daemon answers; all other verbs need an answer at once. */
const KEPT_VERBS: readonly (string | undefined)[] = ['DEL', 'GC']

/** The port; `FileSpool` of state-files. */
export interface Spool {
  names(): readonly string[]
  read(name: string): Uint8Array
  remove(name: string): void
}

/**
 * Does what was asked for while no daemon answered, in the order in which it came.
 *
 * Every call waits for what was not tried yet, so that an old DEL or GC never meets a pod that came later. A DEL that cannot
 * be done yet is kept, and calls for the same container go on waiting for it, others do not: whatever it hangs at is not
 * their matter. A GC is tried once, because its list grows old.
 */
export class SpooledRequests {
  readonly #spool: Spool
  readonly #plugin: Pick<CniPlugin, 'call'>
  readonly #logger: Logger
  #running: Promise<void> | undefined
  /** Names of those that have failed and are kept, and the container that each is for. */
  readonly #kept = new Map<string, string | undefined>()

  constructor(parts: {
    readonly spool: Spool
    readonly plugin: Pick<CniPlugin, 'call'>
    readonly logger: Logger
  }) {
    this.#spool = parts.spool
    this.#plugin = parts.plugin
    this.#logger = parts.logger
  }

  /** What a call for this container has to wait for. Never throws. */
  async replayFor(containerId: string | undefined): Promise<void> {
    const isDue = (name: string) => !this.#kept.has(name) || this.#kept.get(name) === containerId
    if (this.#names().some(isDue)) await this.replay()
  }

  /** Callers that come while it runs wait for the same run, and for one more, as theirs may be newer. Never throws. */
  async replay(): Promise<void> {
    await this.#running
    if (this.#names().length === 0) return
    this.#running ??= this.#replay().finally(() => {
      this.#running = undefined
    })
    await this.#running
  }

  async #replay(): Promise<void> {
    for (const name of this.#names()) {
      try {
        if (!(await this.#isDone(name))) continue
        this.#spool.remove(name)
        this.#kept.delete(name)
      } catch (error) {
        this.#logger.error('spooled request stays', { name, error })
      }
    }
  }

  async #isDone(name: string): Promise<boolean> {
    const invocation = this.#read(name)
    const verb = invocation?.env.get('CNI_COMMAND')
    const containerId = invocation?.env.get('CNI_CONTAINERID')
    if (invocation === undefined || !KEPT_VERBS.includes(verb)) {
      this.#logger.error('spooled request is none and is dropped', { name })
      return true
    }
    try {
      await this.#plugin.call(invocation)
      this.#logger.info('spooled request done', { verb, containerId })
      return true
    } catch (error) {
      const isKept = verb === 'DEL' && mayPass(error)
      this.#logger.error('spooled request failed', { verb, containerId, error, isKept })
      if (isKept) this.#kept.set(name, containerId)
      return !isKept
    }
  }

  #read(name: string): Invocation | undefined {
    const bytes = this.#spool.read(name)
    try {
      return decodeInvocation(bytes)
    } catch {
      return undefined
    }
  }

  #names(): readonly string[] {
    try {
      return this.#spool.names()
    } catch (error) {
      this.#logger.error('spool cannot be read', { error })
      return []
    }
  }
}
