import { readFile, stat } from 'node:fs/promises'
import { type Logger, TrilaneError } from '@trilane/contracts'
import { writeFileAtomic } from '@trilane/state-files'
import type { Health } from './health.ts'

/** flannel's mode for `subnet.env`: container engines of other users read it. */
const MODE = 0o644

/**
 * `subnet.env`, which CNI plugins and container engines read whenever they like: they find the former text or the new
 * one, never a part. Written only when it is not as it should be, whoever changed or removed it.
 */
export class SubnetFile {
  readonly #path: string
  readonly #logger: Logger
  #tail: Promise<unknown> = Promise.resolve()

  constructor(path: string, logger: Logger) {
    this.#path = path
    this.#logger = logger
  }

  /** Of several calls at once the last one's text stays. @throws TrilaneError `TRI_FILE` */
  keep(text: string): Promise<void> {
    const result = this.#tail.then(() => this.#keep(text))
    this.#tail = result.catch(() => undefined)
    return result
  }

  async #keep(text: string): Promise<void> {
    const because = await this.#difference(text)
    if (because === undefined) return
    await writeFileAtomic(this.#path, text, { modeOctal: MODE })
    this.#logger.info('subnet file written', { path: this.#path, because })
  }

  async #difference(text: string): Promise<string | undefined> {
    try {
      if ((await readFile(this.#path, 'utf8')) !== text) return 'it said something else'
      return ((await stat(this.#path)).mode & 0o777) === MODE ? undefined : 'its mode was another'
    } catch {
      return 'it was not there'
    }
  }
}

/** Its health says what `write` throws; it never rejects. */
export async function published(write: () => Promise<void>, health: Health, logger: Logger): Promise<void> {
  try {
    await write()
    health.clear('subnet.env')
  } catch (error) {
    const problem = TrilaneError.from(error)
    health.raise('subnet.env', 'medium', problem)
    logger.warn('subnet file not written', { error: problem })
  }
}
