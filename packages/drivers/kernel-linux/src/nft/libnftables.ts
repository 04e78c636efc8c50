import { TrilaneError } from '@trilane/contracts'
import koffi from 'koffi'

const LIBRARY = 'libnftables.so.1'

/** `NFT_CTX_OUTPUT_…` (nftables/libnftables.h). With JSON also the input may be JSON. */
export const OUTPUT = { STATELESS: 4, HANDLE: 8, JSON: 16 } as const

type Context = object

interface Calls {
  /** Once, from the namespace that the context is for: it opens its socket here. */
  readonly create: (flags: number) => Context | null
  readonly bufferOutput: (context: Context) => number
  readonly bufferErrors: (context: Context) => number
  readonly setFlags: (context: Context, flags: number) => void
  readonly run: {
    async(context: Context, commands: string, callback: (error: unknown, result: number) => void): void
  }
  readonly output: (context: Context) => string
  readonly errors: (context: Context) => string
  readonly free: { async(context: Context, callback: (error: unknown) => void): void }
}

let loaded: Calls | undefined

/** Tried anew until it succeeds: the library may be installed meanwhile. */
function load(): Calls {
  if (loaded !== undefined) return loaded
  let library: ReturnType<typeof koffi.load>
  try {
    library = koffi.load(LIBRARY)
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause)
    throw TrilaneError.of('TRI_FIREWALL_UNAVAILABLE', { problem }, { cause })
  }
  const func = (declaration: string): never => library.func(declaration) as never
  loaded = {
    create: func('void *nft_ctx_new(uint)'),
    bufferOutput: func('int nft_ctx_buffer_output(void *)'),
    bufferErrors: func('int nft_ctx_buffer_error(void *)'),
    setFlags: func('void nft_ctx_output_set_flags(void *, uint)'),
    run: func('int nft_run_cmd_from_buffer(void *, str)'),
    output: func('str nft_ctx_get_output_buffer(void *)'),
    errors: func('str nft_ctx_get_error_buffer(void *)'),
    free: func('void nft_ctx_free(void *)')
  }
  return loaded
}

/** What libnftables said. `problem` is the reason without the echo of the command; absent when all went well. */
export interface NftAnswer {
  readonly output: string
  readonly problem?: string
}

/**
 * A context of libnftables, held because the first use of each costs the kernel 12 ms at its end.
 *
 * Commands run one after another on a thread of the pool: a listing of somebody's 100,000 elements must not stop the
 * event loop. The context's socket belongs to the namespace of {@link open}, whatever thread uses it.
 */
export class NftContext {
  readonly #calls: Calls
  readonly #context: Context
  #tail: Promise<unknown> = Promise.resolve()
  #closed = false

  private constructor(calls: Calls, context: Context) {
    this.#calls = calls
    this.#context = context
  }

  /**
   * Call it inside the namespace, and only where nfnetlink is known to answer: without it libnftables ends the process.
   *
   * @throws TrilaneError `TRI_FIREWALL_UNAVAILABLE`
   */
  static open(): NftContext {
    const calls = load()
    const context = calls.create(0)
    if (context === null) {
      throw TrilaneError.of('TRI_FIREWALL_UNAVAILABLE', { problem: `${LIBRARY} gives no context` })
    }
    calls.bufferOutput(context)
    calls.bufferErrors(context)
    return new NftContext(calls, context)
  }

  /** Runs commands as one transaction. */
  run(commands: string, flags = 0): Promise<NftAnswer> {
    const result = this.#tail.then(() => this.#runNow(commands, flags))
    this.#tail = result.catch(() => undefined)
    return result
  }

  /** After what is under way. Repeating it is free. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    void this.#tail.then(() => this.#calls.free.async(this.#context, () => {}))
  }

  async #runNow(commands: string, flags: number): Promise<NftAnswer> {
    const calls = this.#calls
    calls.setFlags(this.#context, flags)
    const status = await new Promise<number>((resolve, reject) => {
      calls.run.async(this.#context, commands, (error, result) => {
        if (error !== null && error !== undefined) reject(error)
        else resolve(result)
      })
    })
    const output = calls.output(this.#context)
    return status === 0 ? { output } : { output, problem: reasonIn(calls.errors(this.#context)) }
  }
}

/** `internal:0:0-0: Error: Could not process rule: No such file or directory` → its last part. */
function reasonIn(words: string): string {
  const [, reason] = /Error: (?:Could not process rule: )?(.+)/.exec(words) ?? []
  return reason ?? (words.trim() || 'no reason given')
}
