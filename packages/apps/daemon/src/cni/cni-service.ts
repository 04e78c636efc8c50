import { accessSync, constants, existsSync, statfsSync } from 'node:fs'
import type { CniAnswer } from '@trilane/agent-socket'
import { decodeInvocation } from '@trilane/cni'
import type { NodeConfig } from '@trilane/config'
import type { Clock, Logger } from '@trilane/contracts'
import { FileSpool } from '@trilane/state-files'
import { CniPlugin, type CniPluginParts } from './cni-plugin.ts'
import { SpooledRequests } from './spooled-requests.ts'

/** A launcher that found no daemon a moment before there was one has written to the spool behind our first look. */
const SPOOL_LOOK_MS = 10_000

/** What is about a network whose config is not there yet cannot be done before; at the start that is a moment away. */
const SPOOL_RETRY_MS = 250

/** The daemon's side of the CNI plugin: what came while it was away, then what comes. */
export class CniService {
  readonly #plugin: CniPlugin
  readonly #spooled: SpooledRequests
  readonly #clock: Clock
  readonly #waiting: () => readonly string[]
  readonly #networks: CniPluginParts['networks']

  constructor(
    parts: Omit<CniPluginParts, 'writeProblem'> & {
      readonly config: Pick<NodeConfig, 'stateDirectory' | 'cniDataDirectory'>
      readonly clock: Clock
      readonly logger: Logger
    }
  ) {
    const { config, clock, logger, ...more } = parts
    const { stateDirectory, cniDataDirectory } = config
    this.#plugin = new CniPlugin({
      ...more,
      logger,
      writeProblem: () => writeProblem([stateDirectory, cniDataDirectory])
    })
    this.#spooled = new SpooledRequests({
      spool: new FileSpool({ stateDirectory }),
      plugin: this.#plugin,
      logger
    })
    this.#clock = clock
    this.#waiting = parts.waiting ?? (() => [])
    this.#networks = parts.networks
  }

  /** @param invocation the launcher's bytes; see {@link CniPlugin.answer} */
  async answer(invocation: Uint8Array): Promise<CniAnswer> {
    if (this.#isServing) await this.#spooled.replayFor(containerIdIn(invocation))
    return this.#plugin.answer(invocation)
  }

  /** Without a network there is nothing that a request could be done on: it would be forgotten. */
  get #isServing(): boolean {
    return this.#networks.length > 0
  }

  /** Looks at the spool now and then. @returns when `stop` is aborted */
  async keepUp(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const isWaiting = this.#waiting().length > 0
      if (this.#isServing) await this.#spooled.replay()
      await this.#clock.sleep(isWaiting ? SPOOL_RETRY_MS : SPOOL_LOOK_MS, stop)
    }
  }
}

function containerIdIn(invocation: Uint8Array): string | undefined {
  try {
    return decodeInvocation(invocation).env.get('CNI_CONTAINERID')
  } catch {
    return undefined
  }
}

/** What is not there yet is made when it is needed. */
function writeProblem(directories: readonly string[]): string | undefined {
  for (const directory of directories.filter((path) => existsSync(path))) {
    try {
      accessSync(directory, constants.W_OK)
      // What is kept for users other than root does not count: this runs as root.
      if (statfsSync(directory).bfree === 0) return `${directory} cannot be written: its file system is full`
    } catch (error) {
      return `${directory} cannot be written: ${error instanceof Error ? error.message : error}`
    }
  }
  return undefined
}
