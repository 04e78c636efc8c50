import type { SettingSources } from './setting-sources.ts'

/** Where and as whom this node speaks to etcd. */
export interface EtcdConfig {
  /** At least one, all `http://host:port` or all `https://host:port`. */
  readonly endpoints: readonly string[]
  readonly prefix: string
  /** Absolute paths of PEM files; a certificate has its key. */
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string }
  readonly credentials?: { readonly username: string; readonly password: string }
}

const ETCD_SETTINGS = [
  'etcdEndpoints',
  'etcdPrefix',
  'etcdCafile',
  'etcdCertfile',
  'etcdKeyfile',
  'etcdUsername',
  'etcdPassword'
] as const

/**
 * The etcd that leases are kept in, or `undefined` when they are kept in a directory: as `store` says, else by whether
 * anything is said about etcd.
 *
 * @throws TrilaneError `TRI_CONFIG_INVALID`, also for what flannel ignores in silence: TLS files beside `http://`, half a
 *   client certificate
 */
export function etcdConfig(settings: SettingSources): EtcdConfig | undefined {
  const isMentioned = ETCD_SETTINGS.some((name) => settings.isGiven(name))
  if ((settings.get('store') ?? (isMentioned ? 'etcd' : 'file')) === 'file') return undefined

  const endpoints = settings.need('etcdEndpoints')
  const ca = settings.get('etcdCafile')
  const cert = settings.get('etcdCertfile')
  const key = settings.get('etcdKeyfile')
  const isSecure = endpoints[0]?.startsWith('https:') === true
  for (const name of ['etcdCafile', 'etcdCertfile', 'etcdKeyfile'] as const) {
    if (isSecure || !settings.isGiven(name)) continue
    throw settings.invalid(name, 'it needs endpoints with https:// in --etcd-endpoints')
  }
  if (cert !== undefined && key === undefined)
    throw settings.invalid('etcdCertfile', 'it needs --etcd-keyfile too')
  if (key !== undefined && cert === undefined)
    throw settings.invalid('etcdKeyfile', 'it needs --etcd-certfile too')

  const username = settings.get('etcdUsername')
  const password = settings.get('etcdPassword')
  if (username !== undefined && password === undefined) {
    throw settings.invalid('etcdUsername', 'it needs --etcd-password too (or TRILANE_ETCD_PASSWORD)')
  }
  if (password !== undefined && username === undefined) {
    throw settings.invalid('etcdPassword', 'it needs --etcd-username too')
  }
  return {
    endpoints,
    prefix: settings.need('etcdPrefix'),
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key })
    },
    ...(username === undefined || password === undefined ? {} : { credentials: { username, password } })
  }
}
