import { type Client, credentials, loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'

const PROTO = new URL('runtime.proto', import.meta.url).pathname

/** Nothing here takes longer. */
const TIMEOUT_MS = 30_000

export interface SandboxStatus {
  readonly state: 'SANDBOX_READY' | 'SANDBOX_NOTREADY'
  /** Empty once it is stopped. */
  readonly addresses: readonly string[]
}

export interface PortMapping {
  readonly protocol: 'TCP' | 'UDP'
  readonly containerPort: number
  readonly hostPort: number
}

/** What kubelet says to a runtime about the sandboxes of pods. */
export class Cri {
  readonly #client: Client & Readonly<Record<string, unknown>>

  constructor(socketPath: string) {
    const definition = loadSync(PROTO, { enums: String, defaults: true })
    const { v1 } = loadPackageDefinition(definition).runtime as unknown as {
      readonly v1: { readonly RuntimeService: ServiceClientConstructor }
    }
    // gRPC's own guess, the escaped path, is not accepted for the name of a server.
    this.#client = new v1.RuntimeService(`unix:${socketPath}`, credentials.createInsecure(), {
      'grpc.default_authority': 'localhost'
    }) as unknown as Client & Readonly<Record<string, unknown>>
  }

  /** Whether the runtime has a network for pods, and if not, why. */
  async networkCondition(): Promise<{ readonly status: boolean; readonly message: string }> {
    const { status } = await this.#call<{ status: { conditions: Condition[] } }>('Status', {})
    const condition = status.conditions.find(({ type }) => type === 'NetworkReady')
    if (condition === undefined) throw new Error(`no NetworkReady in ${JSON.stringify(status)}`)
    return condition
  }

  /** @returns its id */
  async runSandbox(name: string, portMappings: readonly PortMapping[] = []): Promise<string> {
    const config = {
      metadata: { name, uid: `uid-${name}`, namespace: 'default' },
      hostname: name,
      dnsConfig: { servers: ['10.96.0.10'] },
      portMappings,
      linux: {}
    }
    return (await this.#call<{ podSandboxId: string }>('RunPodSandbox', { config })).podSandboxId
  }

  async stopSandbox(podSandboxId: string): Promise<void> {
    await this.#call('StopPodSandbox', { podSandboxId })
  }

  async removeSandbox(podSandboxId: string): Promise<void> {
    await this.#call('RemovePodSandbox', { podSandboxId })
  }

  async sandboxStatus(podSandboxId: string): Promise<SandboxStatus> {
    const { status } = await this.#call<{ status: RawStatus }>('PodSandboxStatus', { podSandboxId })
    const { ip = '', additionalIps = [] } = status.network ?? {}
    const addresses = [ip, ...additionalIps.map((more) => more.ip)].filter((address) => address !== '')
    return { state: status.state, addresses }
  }

  close(): void {
    this.#client.close()
  }

  #call<T>(method: string, request: object): Promise<T> {
    const call = this.#client[method] as (
      this: Client,
      request: object,
      options: { readonly deadline: number },
      answer: (error: Error | null, response: T) => void
    ) => void
    return new Promise((resolve, reject) => {
      const answer = (error: Error | null, response: T) =>
        error === null ? resolve(response) : reject(error)
      call.call(this.#client, request, { deadline: Date.now() + TIMEOUT_MS }, answer)
    })
  }
}

interface Condition {
  readonly type: string
  readonly status: boolean
  readonly message: string
}

interface RawStatus {
  readonly state: SandboxStatus['state']
  readonly network?: { readonly ip: string; readonly additionalIps: readonly { readonly ip: string }[] }
}
