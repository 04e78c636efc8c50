import { TrilaneError } from '@trilane/contracts'

/** What went wrong, in our words. */
export interface Failure {
  readonly problem: string
  /** What to do, where the error's own remedy is too general. */
  readonly fix?: string
  /** May another attempt, or another endpoint, succeed within the same call? */
  readonly passing: boolean
  /** It tells that something broke, and not why: another attempt's reason is the better one. */
  readonly isVague?: true
  /** It wants none now, or it wants one. */
  readonly login?: 'refused' | 'wanted'
}

interface Row {
  /** In the text of grpc's, etcd's or Node's error. */
  readonly text: RegExp
  readonly problem: string
  readonly fix?: string
  readonly passing?: true
  readonly isVague?: true
  readonly login?: 'refused' | 'wanted'
}

/** The first row that fits counts. Texts: etcd's `rpctypes/error.go`, OpenSSL's and Node's for TLS, errno names. */
const ROWS: readonly Row[] = [
  // Who we are
  {
    text: /authentication failed, invalid user ID or password/,
    problem: 'it refuses the user name or the password',
    fix: 'check --etcd-username and the password'
  },
  {
    text: /user name is empty/,
    problem: 'it wants a user and a password',
    login: 'wanted',
    fix: 'give --etcd-username and --etcd-password (or TRILANE_ETCD_PASSWORD), or a client certificate whose name is a user'
  },
  { text: /authentication is not enabled/, problem: 'its authentication is turned off', login: 'refused' },
  {
    text: /permission denied/,
    problem: 'this user may not do that',
    fix: 'grant its role what docs/running-with-etcd.md lists: read <prefix>/config, readwrite <prefix>/subnets/'
  },
  { text: /invalid auth token/, problem: 'it no longer knows our login', passing: true },
  // TLS
  {
    text: /certificate has expired|CERT_HAS_EXPIRED/,
    problem: 'its certificate has expired',
    fix: 'renew it, or set this clock right'
  },
  {
    text: /certificate is not yet valid|CERT_NOT_YET_VALID/,
    problem: 'its certificate is not valid yet',
    fix: 'set this clock right'
  },
  {
    text: /altnames|ERR_TLS_CERT_ALTNAME_INVALID/,
    problem: 'its certificate is for another name',
    fix: 'name the endpoint as the certificate does, or have the name added to it'
  },
  {
    text: /self.signed certificate|unable to (?:verify|get)|issuer|SIGNATURE/i,
    problem: 'its certificate is not of the CA that we were given',
    fix: 'give the CA that signed it with --etcd-cafile'
  },
  {
    text: /alert (?:bad certificate|certificate required|unknown ca|handshake failure)|alert number (?:40|42|48|116)/i,
    problem: 'it does not take our client certificate, or wants one',
    fix: 'give one that its CA signed with --etcd-certfile and --etcd-keyfile'
  },
  {
    text: /wrong version number|packet length too long/i,
    problem: 'it does not speak TLS',
    fix: 'write http:// in --etcd-endpoints, or turn TLS on in etcd'
  },
  {
    text: /before secure TLS connection/,
    problem: 'it hung up before TLS was agreed on',
    fix: 'if it has no TLS, write http:// in --etcd-endpoints',
    passing: true
  },
  // What it can do now
  {
    text: /database space exceeded/,
    problem: 'its disk quota is used up (alarm NOSPACE)',
    fix: 'compact, defragment and disarm it: docs/running-with-etcd.md'
  },
  { text: /request is too large|larger than max/, problem: 'a value is too large for it' },
  {
    text: /no leader|leader changed|leader failed|leader lost|raft: stopped/i,
    problem: 'its cluster has no leader',
    passing: true
  },
  {
    text: /request timed out|context (?:deadline exceeded|canceled)/,
    problem: 'its cluster does not agree in time',
    passing: true
  },
  { text: /DEADLINE_EXCEEDED|Deadline exceeded/, problem: 'it does not answer in time', passing: true },
  { text: /ECONNREFUSED/, problem: 'nobody listens there (connection refused)', passing: true },
  { text: /ENOTFOUND|EAI_AGAIN|Name resolution failed/, problem: 'its name is not known', passing: true },
  { text: /EHOSTUNREACH|ENETUNREACH|ETIMEDOUT/, problem: 'there is no way to it', passing: true },
  {
    text: /Connection dropped|ECONNRESET|socket hang up|disconnected|GOAWAY|UNAVAILABLE|CANCELLED|INTERNAL/,
    problem: 'the connection was cut',
    passing: true,
    isVague: true
  }
]

export function failureOf(error: unknown): Failure {
  const text = error instanceof Error ? error.message : String(error)
  const row = ROWS.find((candidate) => candidate.text.test(text))
  if (row === undefined) return { problem: text, passing: false }
  const { text: _, passing = false, ...rest } = row
  return { ...rest, passing }
}

const LEASE_GONE = /requested lease not found/
const OTHER_HISTORY = /required revision (?:has been compacted|is a future revision)/

/** etcd understood, and says that it is otherwise. */
export function isAnswer(error: unknown): boolean {
  return isLeaseGone(error) || isNotInHistory(error)
}

/** The etcd lease has ended. */
export function isLeaseGone(error: unknown): boolean {
  return error instanceof Error && !TrilaneError.is(error) && LEASE_GONE.test(error.message)
}

/** There is an etcd lease of that id already. */
export function isLeaseThere(error: unknown): boolean {
  return error instanceof Error && error.message.includes('lease already exists')
}

/** The revision was compacted, or is one of a former life of the store. */
export function isNotInHistory(error: unknown): boolean {
  return error instanceof Error && !TrilaneError.is(error) && OTHER_HISTORY.test(error.message)
}

/** `TRI_STORE_UNAVAILABLE`; what etcd, grpc or OpenSSL said is in the details. */
export function storeUnavailable(store: string, error: unknown): TrilaneError {
  if (TrilaneError.is(error)) return error
  const { problem, fix } = failureOf(error)
  const said = error instanceof Error ? error.message : String(error)
  const details = [said, ...(fix === undefined ? [] : [fix])].join('\n')
  return TrilaneError.of('TRI_STORE_UNAVAILABLE', { store, problem }, { cause: error, details })
}
