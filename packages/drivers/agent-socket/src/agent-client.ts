import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import {
  type AttachJson,
  type ConfigJson,
  type DetachJson,
  type ErrorJson,
  errorFromJson,
  type LeaseJson,
  type LeaseListJson,
  type NodeStatus,
  type PodJson,
  type ReconcileJson,
  type ReserveJson,
  TrilaneError
} from '@trilane/contracts'
import { CNI_STATUS, type CniAnswer } from './cni-answer.ts'

/** An attach is done in milliseconds; a full pass over thousands of routes takes seconds. */
const DEFAULT_TIMEOUT_MS = 30_000

const IN_WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no socket',
  ECONNREFUSED: 'nobody listens there',
  EACCES: 'not permitted; it is for root',
  ECONNRESET: 'it ended before it answered'
}

/**
 * Asks the daemon of this node.
 *
 * Every method throws what the daemon threw, as a `TrilaneError`, or `TRI_DAEMON_UNREACHABLE` when there was no
 * answer. An attach that was not answered may have been done all the same.
 */
export class AgentClient {
  readonly #socketPath: string
  readonly #timeoutMs: number
  readonly #query: string

  /**
   * @param options timeoutMs: for each request as a whole. Default: 30 s. network: whose leases and config are meant, where
   *   the daemon serves several
   */
  constructor(socketPath: string, options: { readonly timeoutMs?: number; readonly network?: string } = {}) {
    this.#socketPath = socketPath
    this.#query = options.network === undefined ? '' : `?network=${encodeURIComponent(options.network)}`
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
  }

  status(): Promise<NodeStatus> {
    return this.#ask<NodeStatus>('GET', '/v1/status')
  }

  pods(): Promise<readonly PodJson[]> {
    return this.#ask<readonly PodJson[]>('GET', '/v1/pods')
  }

  attach(body: AttachJson): Promise<PodJson> {
    return this.#ask<PodJson>('POST', '/v1/pods', body)
  }

  async detach(body: DetachJson): Promise<void> {
    await this.#ask('DELETE', '/v1/pods', body)
  }

  /** A full pass now. */
  reconcile(): Promise<ReconcileJson> {
    return this.#ask<ReconcileJson>('POST', '/v1/reconcile')
  }

  leases(): Promise<LeaseListJson> {
    return this.#ask<LeaseListJson>('GET', `/v1/leases${this.#query}`)
  }

  reserve(body: ReserveJson): Promise<LeaseJson> {
    return this.#ask<LeaseJson>('POST', `/v1/leases${this.#query}`, body)
  }

  release(key: string): Promise<LeaseJson> {
    return this.#ask<LeaseJson>('DELETE', `/v1/leases${this.#query}`, { key })
  }

  config(): Promise<ConfigJson> {
    return this.#ask<ConfigJson>('GET', `/v1/config${this.#query}`)
  }

  setConfig(text: string): Promise<ConfigJson> {
    return this.#ask<ConfigJson>('PUT', `/v1/config${this.#query}`, { text })
  }

  /** One call of the CNI plugin. @param invocation the launcher's bytes */
  async cni(invocation: Uint8Array): Promise<CniAnswer> {
    const { status, text } = await this.#send('POST', '/v1/cni', invocation)
    if (status === CNI_STATUS.success || status === CNI_STATUS.failure) {
      return { isSuccess: status === CNI_STATUS.success, text }
    }
    return this.#read<CniAnswer>(status, text)
  }

  async #ask<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const sent = new TextEncoder().encode(body === undefined ? '' : JSON.stringify(body))
    const { status, text } = await this.#send(method, path, sent)
    return this.#read<Answer>(status, text)
  }

  async #send(
    method: string,
    path: string,
    body: Uint8Array
  ): Promise<{ readonly status: number; readonly text: string }> {
    const patience = AbortSignal.timeout(this.#timeoutMs)
    const asked = request({
      socketPath: this.#socketPath,
      method,
      path,
      agent: false,
      headers: { 'content-type': 'application/json', 'content-length': body.length },
      signal: patience
    })
    asked.end(body)
    try {
      return await answerOf(asked)
    } catch (error) {
      throw this.#unreachable(
        patience.aborted ? `no answer within ${this.#timeoutMs} ms` : inWords(error),
        error
      )
    }
  }

  #read<Answer>(status: number, text: string): Answer {
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (error) {
      throw this.#unreachable(`it answered ${status} with something that is not JSON`, error)
    }
    // Both ends are of one build or of neighbouring ones; what a newer daemon adds is ignored.
    if (status === 200) return value as Answer
    if (isErrorJson(value)) throw errorFromJson(value)
    throw this.#unreachable(`it answered ${status} with something that is no error of ours`)
  }

  #unreachable(problem: string, cause?: unknown): TrilaneError {
    return TrilaneError.of('TRI_DAEMON_UNREACHABLE', { socket: this.#socketPath, problem }, { cause })
  }
}

function inWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return IN_WORDS[(error as NodeJS.ErrnoException).code ?? ''] ?? error.message
}

async function answerOf(asked: ClientRequest): Promise<{ readonly status: number; readonly text: string }> {
  const message = await new Promise<IncomingMessage>((resolve, reject) => {
    asked.once('response', resolve)
    asked.once('error', reject)
  })
  const chunks: Buffer[] = []
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk)
  return { status: message.statusCode ?? 0, text: Buffer.concat(chunks).toString() }
}

function isErrorJson(value: unknown): value is ErrorJson {
  if (typeof value !== 'object' || value === null) return false
  const { code, message, values } = value as Partial<Record<keyof ErrorJson, unknown>>
  return (
    typeof code === 'string' && typeof message === 'string' && typeof values === 'object' && values !== null
  )
}
