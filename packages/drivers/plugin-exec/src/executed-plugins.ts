import { readPluginError } from '@trilane/cni'
import { type IpamCall, type IpamPlugins, type IpamVerb, type Logger, TrilaneError } from '@trilane/contracts'
import { findPlugin } from './find-plugin.ts'
import { type ProgramRun, runProgram } from './run-program.ts'

export interface ExecutedPluginsOptions {
  readonly logger: Logger
  /**
   * For one call. A refused ADD is followed by a DEL, and both must have ended before the launcher's 60 s are over.
   * @default 15_000
   */
  readonly timeLimitMs?: number
  /** For scripts. @default the value of this process */
  readonly path?: string
}

/** A result has less than 1 KiB. */
const OUTPUT_LIMIT_BYTES = 1_048_576

export class ExecutedPlugins implements IpamPlugins {
  readonly #logger: Logger
  readonly #timeLimitMs: number
  readonly #path: string

  constructor({ logger, timeLimitMs = 15_000, path = process.env.PATH ?? '' }: ExecutedPluginsOptions) {
    this.#logger = logger
    this.#timeLimitMs = timeLimitMs
    this.#path = path
  }

  async find({ type, env }: IpamCall): Promise<void> {
    findPlugin(type, env.CNI_PATH ?? '')
  }

  async run(verb: IpamVerb, { type, env, config }: IpamCall): Promise<string> {
    const ran = await runProgram({
      file: findPlugin(type, env.CNI_PATH ?? ''),
      env: { PATH: this.#path, ...env, CNI_COMMAND: verb },
      stdin: config,
      timeLimitMs: this.#timeLimitMs,
      outputLimitBytes: OUTPUT_LIMIT_BYTES
    })
    const pod = { verb, type, containerId: env.CNI_CONTAINERID, ifname: env.CNI_IFNAME }
    if (ran.stderr !== '') this.#logger.warn('ipam plugin says', { ...pod, text: ran.stderr.trim() })
    const { problem, status, stdout } = ran
    if (problem === 'timeout') {
      throw TrilaneError.of('TRI_IPAM_TIMEOUT', { type, verb, waitedMs: this.#timeLimitMs })
    }
    if (problem === undefined && status === 0) return stdout
    throw failed(verb, type, ran)
  }
}

function failed(verb: IpamVerb, type: string, { problem, status, stdout }: ProgramRun): TrilaneError {
  if (problem !== undefined) {
    return TrilaneError.of('TRI_IPAM_FAILED', {
      verb,
      type,
      text: problem instanceof Error ? problem.message : problem
    })
  }
  const cause = readPluginError(stdout, status === undefined ? 'it was killed' : `exit status ${status}`)
  return TrilaneError.of('TRI_IPAM_FAILED', { verb, type, text: cause.message }, { cause })
}
