// Opens a store, follows it, closes it, and has nothing else to do: arguments are an endpoint, and perhaps a CA, a user
// and a password.
import { setTimeout as sleep } from 'node:timers/promises'
import { SILENT_LOGGER } from '@trilane/contracts'
import { EtcdSubnetStore } from '@trilane/store-etcd'

const [endpoint = '', ca = '', username = '', password = ''] = process.argv.slice(2)
const store = new EtcdSubnetStore({
  endpoints: [endpoint],
  prefix: '/trilane-test/close',
  ...(ca === '' ? {} : { tls: { ca } }),
  ...(username === '' ? {} : { credentials: { username, password } }),
  clock: {
    wallMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    bootMs: () => performance.now(),
    sleep: (ms, signal) => sleep(ms, undefined, { ...(signal && { signal }) }).catch(() => {})
  },
  logger: SILENT_LOGGER,
  callTimeoutMs: 200
})
const answers = await store.list().then(
  () => true,
  () => false
)
store.watch(1, () => {})
await sleep(300)
await store.close()
const after = await store.list().catch((error: unknown) => error)
process.stdout.write(
  `${answers ? 'answered' : 'silent'}, then ${after instanceof Error ? 'closed' : 'open'}\n`
)
