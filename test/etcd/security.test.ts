import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Logger, TrilaneError } from '@trilane/contracts'
import type { EtcdSubnetStore, EtcdSubnetStoreOptions } from '@trilane/store-etcd'
import { type Certificate, CertificateAuthority, Etcd } from '@trilane/testbed'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { DAY_MS, freshPrefix, leaseOf, openStore } from './fixture.ts'
import { listedText, Mirror } from './mirror.ts'
import { runProcess } from './process.ts'

const PASSWORD = 'p4ssw0rd:of@nobody'
const opened: EtcdSubnetStore[] = []
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close()
})

/** Everything that a logger was told. */
const logged: string[] = []
const log = (message: string, fields?: object) => logged.push(`${message} ${JSON.stringify(fields)}`)
const logger: Logger = { debug: log, info: log, warn: log, error: log, child: () => logger }

function open(etcd: Etcd, more: Partial<EtcdSubnetStoreOptions>, prefix = freshPrefix()): EtcdSubnetStore {
  const store = openStore(etcd, prefix, { logger, callTimeoutMs: 500, ...more })
  opened.push(store)
  return store
}

/** The error's sentence and details, as people read it. */
async function refusal(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => new Error('it was not refused'),
    (thrown: unknown) => thrown
  )
  if (!TrilaneError.is(error, 'TRI_STORE_UNAVAILABLE')) throw error
  const text = error.format()
  expect(`${text} ${JSON.stringify(error)}`).not.toContain(PASSWORD)
  return text
}

/** A store that works: writes, lists, follows. */
async function works(store: EtcdSubnetStore): Promise<void> {
  const mirror = await Mirror.of(store)
  await store.create(leaseOf(1), DAY_MS)
  const second = await store.create(leaseOf(2), DAY_MS)
  await (second && store.update(second, second.lease, DAY_MS))
  await expect
    .poll(async () => mirror.leases.size === 2 && mirror.text === (await listedText(store)))
    .toBe(true)
  mirror.close()
}

describe('TLS', () => {
  let authority: CertificateAuthority
  let stranger: CertificateAuthority
  let server: Certificate
  let client: Certificate
  let directory: string

  beforeAll(async () => {
    authority = await CertificateAuthority.create()
    stranger = await CertificateAuthority.create()
    server = await authority.issue('server', ['IP:127.0.0.1', 'DNS:localhost'])
    client = await authority.issue('client')
    directory = await mkdtemp(join(tmpdir(), `trilane-tls-${process.pid}-`))
  })
  afterAll(async () => {
    await authority?.dispose()
    await stranger?.dispose()
    if (directory) await rm(directory, { recursive: true })
  })

  describe('with a CA alone', () => {
    let etcd: Etcd
    beforeAll(async () => {
      etcd = await Etcd.start({ tls: server })
    })
    afterAll(() => etcd?.dispose())

    it('works, under an address and under a name', async () => {
      await works(open(etcd, { tls: { ca: authority.cert } }))
      const endpoints = [etcd.url.replace('127.0.0.1', 'localhost')]
      await works(open(etcd, { tls: { ca: authority.cert }, endpoints }))
    })

    it.each([
      ['another CA', () => ({ ca: stranger.cert }), 'not of the CA', '--etcd-cafile'],
      ['no CA', () => ({}), 'not of the CA', '--etcd-cafile'],
      [
        'a CA file that is missing',
        () => ({ ca: '/nowhere/ca.pem' }),
        '/nowhere/ca.pem cannot be read (ENOENT)',
        ''
      ],
      ['a CA file that is a key', () => ({ ca: server.key }), 'CA', '']
    ])('refuses with %s, and says so', async (_, tls, problem, fix) => {
      const text = await refusal(open(etcd, { tls: tls() }).list())
      expect(text).toContain(problem)
      expect(text).toContain(fix)
    })

    it('that is spoken to without TLS, or the other way round, is named', async () => {
      const plain = await Etcd.start()
      try {
        const endpoints = [etcd.url.replace('https:', 'http:')]
        expect(await refusal(open(etcd, { endpoints }).list())).toContain('connection was cut')
        const secure = [plain.url.replace('http:', 'https:')]
        const text = await refusal(open(plain, { endpoints: secure, tls: { ca: authority.cert } }).list())
        expect(text).toContain('write http:// in --etcd-endpoints')
      } finally {
        await plain.dispose()
      }
    })

    it('reads its files again when they were wrong', async () => {
      const ca = join(directory, 'ca.pem')
      await copyFile(stranger.cert, ca)
      const store = open(etcd, { tls: { ca } })
      await refusal(store.list())
      await copyFile(authority.cert, ca)
      await works(store)
    })

    it('prints no deprecation, and the process ends after close', async () => {
      const ended = await runProcess('close-program', [etcd.url, authority.cert])
      expect(ended).toEqual({ status: 0, output: 'answered, then closed\n' })
    })
  })

  it('with a certificate for another name is refused, and says so', async () => {
    const wrong = await authority.issue('elsewhere', ['DNS:elsewhere.example'])
    const etcd = await Etcd.start({ tls: wrong })
    try {
      const text = await refusal(open(etcd, { tls: { ca: authority.cert } }).list())
      expect(text).toContain('its certificate is for another name')
    } finally {
      await etcd.dispose()
    }
  })

  it('with client certificates works with one, and names what is missing without', async () => {
    const etcd = await Etcd.start({
      tls: { ...server, clientCa: authority.cert },
      clientTls: client
    })
    try {
      await works(open(etcd, { tls: { ca: authority.cert, ...client } }))
      const other = await stranger.issue('client')
      for (const tls of [{ ca: authority.cert }, { ca: authority.cert, ...other }]) {
        const text = await refusal(open(etcd, { tls }).list())
        expect(text).toContain('client certificate')
        expect(text).toContain('--etcd-certfile')
      }
    } finally {
      await etcd.dispose()
    }
  })
})

describe('users and passwords', () => {
  let etcd: Etcd
  const prefix = '/coreos.com/network'
  const credentials = { username: 'trilane', password: PASSWORD }
  const asRoot = ['--user', 'root:root']

  beforeAll(async () => {
    etcd = await Etcd.start()
    // The minimal role, as docs/running-with-etcd.md has it.
    await etcd.ctl(['role', 'add', 'trilane'])
    await etcd.ctl(['role', 'grant-permission', 'trilane', 'read', `${prefix}/config`])
    await etcd.ctl(['role', 'grant-permission', '--prefix', 'trilane', 'readwrite', `${prefix}/subnets/`])
    for (const [user, password] of [
      ['root', 'root'],
      ['trilane', PASSWORD],
      ['nobody', PASSWORD]
    ]) {
      await etcd.ctl(['user', 'add', `${user}`, '--interactive=false'], { input: `${password}` })
    }
    await etcd.ctl(['user', 'grant-role', 'root', 'root'])
    await etcd.ctl(['user', 'grant-role', 'trilane', 'trilane'])
  })
  afterAll(() => etcd?.dispose())

  it('work with the minimal role, before and after authentication is turned on, and after a restart', async () => {
    const store = open(etcd, { credentials }, prefix)
    await works(store)
    await etcd.ctl(['put', `${prefix}/config`, '--', '{"Network":"10.5.0.0/16"}'])
    const mirror = await Mirror.of(store)
    await etcd.ctl(['auth', 'enable'])
    expect((await store.readConfig())?.text).toBe('{"Network":"10.5.0.0/16"}')
    await store.create(leaseOf(3), DAY_MS)
    await expect.poll(() => mirror.leases.has('10.0.3.0-24')).toBe(true)
    await etcd.member(1).kill()
    await etcd.member(1).start()
    // Its tokens are forgotten.
    await expect
      .poll(() => store.create(leaseOf(4), DAY_MS).catch(() => false), { timeout: 15_000 })
      .toBeTruthy()
    await expect.poll(() => mirror.leases.has('10.0.4.0-24'), { timeout: 15_000 }).toBe(true)
    expect(mirror.gaps).toBe(0)
    // A lease may be revoked by who may write its key.
    for (const stored of (await store.list()).leases) expect(await store.remove(stored)).toBe(true)
  }, 60_000)

  it.each([
    ['no user', undefined, 'it wants a user and a password', '--etcd-username'],
    [
      'a wrong password',
      { username: 'trilane', password: `${PASSWORD}!` },
      'refuses the user name or the password',
      ''
    ],
    [
      'an unknown user',
      { username: 'stranger', password: PASSWORD },
      'refuses the user name or the password',
      ''
    ],
    ['a user without a role', { username: 'nobody', password: PASSWORD }, 'this user may not do that', 'role']
  ])('with %s: each call says what is wrong', async (_, given, problem, fix) => {
    const store = open(etcd, given === undefined ? {} : { credentials: given }, prefix)
    for (const call of [
      () => store.list(),
      () => store.readConfig(),
      () => store.create(leaseOf(9), DAY_MS)
    ]) {
      const text = await refusal(call())
      expect(text).toContain(problem)
      expect(text).toContain(fix)
    }
  })

  it('leave nothing that keeps a process from its end', async () => {
    const ended = await runProcess('close-program', [etcd.url, '', 'root', 'root'])
    expect(ended).toEqual({ status: 0, output: 'answered, then closed\n' })
  })

  it('a watch that is refused says so once, disturbs no call, and works as soon as it may', async () => {
    logged.length = 0
    await etcd.ctl([...asRoot, 'role', 'add', 'half'])
    await etcd.ctl([
      ...asRoot,
      'role',
      'grant-permission',
      '--prefix',
      'half',
      'readwrite',
      `${prefix}/subnets/`
    ])
    await etcd.ctl([...asRoot, 'user', 'grant-role', 'nobody', 'half'])
    const store = open(etcd, { credentials: { username: 'nobody', password: PASSWORD } }, prefix)
    await store.create(leaseOf(20), DAY_MS)
    const mirror = await Mirror.of(store)
    await expect.poll(() => logged.filter((line) => line.includes('may not do that'))).toHaveLength(1)
    await store.create(leaseOf(21), DAY_MS)
    await etcd.ctl([...asRoot, 'role', 'grant-permission', 'half', 'read', `${prefix}/config`])
    await expect.poll(() => mirror.leases.has('10.0.21.0-24'), { timeout: 15_000 }).toBe(true)
    expect(logged.filter((line) => line.includes('may not do that'))).toHaveLength(1)
    expect(logged.join('\n')).not.toContain(PASSWORD)
  }, 30_000)
})
