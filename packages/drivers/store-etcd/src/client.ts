import type { IDuplexStream, IWatchRequest, IWatchResponse, KVClient, LeaseClient } from 'etcd3'
import { muteIpServerNameWarning } from './ip-server-name.ts'

export interface ClientSettings {
  /** `http://10.0.0.1:2379`, `https://etcd.example:2379`. */
  readonly endpoint: string
  /** Only for `https`. Without a CA, those of the system count. */
  readonly tls?: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer }
  readonly credentials?: { readonly username: string; readonly password: string }
  /** Of one call to the server, the one that authenticates too. */
  readonly attemptTimeoutMs: number
}

export type WatchStream = IDuplexStream<IWatchRequest, IWatchResponse>

/** One endpoint of etcd as `etcd3` gives it, without what `etcd3` does by itself. */
export interface Client {
  readonly kv: KVClient
  readonly leaseClient: LeaseClient
  /** For streams that should end soon; other calls have it by themselves. */
  readonly attemptTimeoutMs: number
  openWatch(): Promise<WatchStream>
  close(): void
}

/**
 * A dead connection is noticed after the sum of the two. etcd's server takes pings that come more often than every 5 s
 * for an attack and hangs up.
 */
const KEEPALIVE_TIME_MS = 10_000
const KEEPALIVE_TIMEOUT_MS = 5_000

/** Of one answer. A page of leases is far below; a poisonous value (etcd allows 1.5 MiB each) must not cost us the heap. */
const LONGEST_ANSWER_BYTES = 64 * 1024 * 1024

/**
 * Connects at the first call. Loads `etcd3` at its own first call, because it takes 0.1 s and 60 MB that a node without
 * etcd need not spend.
 */
export async function openClient(settings: ClientSettings): Promise<Client> {
  const { endpoint, tls, credentials, attemptTimeoutMs } = settings
  const [{ Etcd3 }, { noop }] = await Promise.all([import('etcd3'), import('cockatiel')])

  class RawEtcd extends Etcd3 implements Client {
    readonly attemptTimeoutMs = attemptTimeoutMs

    /** `etcd3`'s own watcher loses events in silence, and shares one stream that one refused watch blocks for ever. */
    openWatch(): Promise<WatchStream> {
      return this.pool.withConnection('Watch', ({ resource, client, metadata }) => {
        const { watch } = client as unknown as { watch(metadata: unknown, options: object): WatchStream }
        const headers = metadata.clone()
        // A member that is cut off from the others ends the stream instead of keeping silent.
        headers.set('hasleader', 'true')
        const stream = watch.call(client, headers, {})
        stream.on('error', (error) => {
          // Forgets the connection, and with it every call that is under way: not when it was us who hung up.
          if (!error.message.includes('Cancelled on client')) this.pool.markFailed(resource, error)
        })
        return stream
      })
    }
  }

  const isSecure = endpoint.startsWith('https:')
  if (isSecure) muteIpServerNameWarning()
  return new RawEtcd({
    hosts: endpoint,
    ...(isSecure && tls !== undefined ? { credentials: credentialsOf(tls) } : {}),
    ...(credentials === undefined ? {} : { auth: { ...credentials } }),
    // Breakers and retries are ours: see connection.ts.
    faultHandling: { host: () => noop, global: noop },
    // Without a deadline a call into a black hole never ends.
    defaultCallOptions: ({ isStream }) => (isStream ? {} : { deadline: Date.now() + attemptTimeoutMs }),
    grpcOptions: {
      // Also the one that grpc calls transparent: whoever writes must know that an earlier attempt may have been done.
      'grpc.enable_retries': 0,
      'grpc.keepalive_time_ms': KEEPALIVE_TIME_MS,
      'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
      'grpc.keepalive_permit_without_calls': 1,
      'grpc.max_receive_message_length': LONGEST_ANSWER_BYTES
    }
  })
}

/** `etcd3`'s type wants a CA; grpc takes the system's without one. */
function credentialsOf({ ca, cert, key }: NonNullable<ClientSettings['tls']>) {
  return {
    rootCertificate: ca as Buffer,
    ...(cert === undefined ? {} : { certChain: cert }),
    ...(key === undefined ? {} : { privateKey: key })
  }
}
