import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { configOf, failureOf, jsonOf, NodePlugin, PROGRAMS, run, VERSIONS } from './plugin.ts'
import { CniWorld } from './world.ts'

const VERSION_TEXT = `${JSON.stringify({ cniVersion: '1.1.0', supportedVersions: VERSIONS })}\n`
const ABOUT = `CNI trilane plugin 0.1.0\nCNI protocol versions supported: ${VERSIONS.join(', ')}\n`

describe.each(PROGRAMS)('%s by itself', (_, program) => {
  const nothing = mkdtempSync(join(tmpdir(), 'trilane-cni-'))
  afterAll(() => rmSync(nothing, { recursive: true }))
  const away = {
    TRILANE_SOCKET_PATH: join(nothing, 'api.sock'),
    TRILANE_STATE_DIRECTORY: join(nothing, 'state')
  }

  it('P1, P2: without a command says what it is, on stderr', async () => {
    for (const env of [{}, { CNI_CONTAINERID: 'c', CNI_NETNS: '/x', CNI_IFNAME: 'eth0', CNI_PATH: '/opt' }]) {
      const ran = await run(program, { env, stdin: JSON.stringify(configOf('1.0.0')) })
      expect(ran).toMatchObject({ status: 0, stdout: '', stderr: ABOUT })
    }
  })

  it.each(['', '{{{', '{"cniVersion":"0.4.0"}', '{"cniVersion":"9.9.9"}'])(
    'P3–P6: VERSION of %j',
    async (stdin) => {
      const ran = await run(program, { env: { CNI_COMMAND: 'VERSION', CNI_NETNS: 'dummy' }, stdin })
      expect(ran).toMatchObject({ status: 0, stdout: VERSION_TEXT, stderr: '' })
    }
  )

  it('P7: VERSION does not wait for stdin', async () => {
    const { status, tookMs } = await run(program, { env: { CNI_COMMAND: 'VERSION' }, stdin: null })
    expect(status).toBe(0)
    expect(tookMs).toBeLessThan(1_000)
  })

  it.each([
    ['ADD', 11],
    ['CHECK', 11],
    ['STATUS', 50],
    ['BOGUS', 11]
  ])('without a daemon says to %s at once: %i', async (CNI_COMMAND, code) => {
    const ran = await run(program, { env: { ...away, CNI_COMMAND }, stdin: '{}' })
    const [status, said, message] = failureOf(ran)
    expect([status, said]).toEqual([1, code])
    expect(message).toMatch(/daemon/)
    expect(readdirSync(nothing)).toEqual([])
  })

  it('says so in one JSON object, whatever the path of the socket is', async () => {
    for (const path of ['/no"where\\\n', '/ü', `/${'x'.repeat(20_000)}`]) {
      const env = { CNI_COMMAND: 'ADD', TRILANE_SOCKET_PATH: path }
      expect(failureOf(await run(program, { env })).slice(0, 2)).toEqual([1, 11])
    }
  })

  it.each(['DEL', 'GC'])('without a daemon keeps %s for later, and says yes', async (CNI_COMMAND) => {
    const ran = await run(program, { env: { ...away, CNI_COMMAND, CNI_CONTAINERID: 'c' }, stdin: '{"a":1}' })
    expect(ran).toMatchObject({ status: 0, stdout: '' })
    const names = readdirSync(join(nothing, 'state', 'spool'))
    expect(names).toHaveLength(1)
    expect(names[0]).toMatch(/^[0-9a-f]{16}-\w+\.cni$/)
    rmSync(join(nothing, 'state'), { recursive: true })
  })

  it('says so when it cannot keep it', async () => {
    const file = join(nothing, 'file')
    writeFileSync(file, '')
    const env = { ...away, TRILANE_STATE_DIRECTORY: file, CNI_COMMAND: 'DEL' }
    const [status, code, message] = failureOf(await run(program, { env }))
    expect([status, code]).toEqual([1, 11])
    expect(message).toContain('cannot be kept for later')
    rmSync(file)
  })

  it('refuses 10 MB of stdin within a second', async () => {
    const env = { ...away, CNI_COMMAND: 'ADD' }
    const ran = await run(program, { env, stdin: 'x'.repeat(10_000_000) })
    expect(failureOf(ran)).toEqual([1, 7, 'the network config is too large'])
    expect(ran.tookMs).toBeLessThan(1_000)
  })
})

describe.each(PROGRAMS)('%s with a daemon', (_, program) => {
  let world: CniWorld
  let plugin: NodePlugin
  let empty: string
  beforeAll(async () => {
    world = await CniWorld.create({ config: 'host-gw' }, program)
    plugin = new NodePlugin(world.node, program)
    empty = await world.leftovers()
  })
  afterAll(() => world?.dispose())

  const POD = { CNI_CONTAINERID: 'c', CNI_NETNS: '/run/netns/nobody-made-this', CNI_IFNAME: 'eth0' }
  const CONFIG = JSON.stringify(configOf('1.1.0'))

  it.each<[string, Record<string, string>, string, number, string | RegExp]>([
    [
      'P8',
      { CNI_COMMAND: 'ADD' },
      CONFIG,
      4,
      'required env variables [CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME] missing'
    ],
    ['P9', { CNI_COMMAND: 'DEL' }, CONFIG, 4, 'required env variables [CNI_CONTAINERID,CNI_IFNAME] missing'],
    ['P13', { CNI_COMMAND: 'BOGUS' }, CONFIG, 4, 'unknown CNI_COMMAND: BOGUS'],
    ['P14', { CNI_COMMAND: 'BOGUS' }, 'x', 6, /^error unmarshall network config: /],
    [
      'P15',
      { CNI_COMMAND: 'ADD', ...POD, CNI_CONTAINERID: '../../etc' },
      CONFIG,
      4,
      'invalid characters in containerID'
    ],
    [
      'P17',
      { CNI_COMMAND: 'ADD', ...POD, CNI_IFNAME: 'x'.repeat(16) },
      CONFIG,
      4,
      'interface name is too long'
    ],
    ['P20', { CNI_COMMAND: 'ADD', ...POD, CNI_IFNAME: 'a%d' }, CONFIG, 4, /cannot be used/],
    ['P21', { CNI_COMMAND: 'ADD', ...POD }, '', 6, /^error unmarshall network config: /],
    ['P23', { CNI_COMMAND: 'ADD', ...POD }, 'null', 7, 'missing network name'],
    [
      'P27',
      { CNI_COMMAND: 'ADD', ...POD },
      JSON.stringify(configOf('9.9.9')),
      1,
      'incompatible CNI versions'
    ],
    [
      'P30',
      { CNI_COMMAND: 'CHECK', ...POD },
      JSON.stringify(configOf('0.3.1')),
      1,
      'config version does not allow CHECK'
    ],
    ['P32', { CNI_COMMAND: 'GC' }, JSON.stringify(configOf('1.0.0')), 1, 'config version does not allow GC'],
    ['P44', { CNI_COMMAND: 'ADD', ...POD, CNI_ARGS: 'a=b=c' }, CONFIG, 4, 'ARGS: invalid pair "a=b=c"'],
    [
      'P84',
      { CNI_COMMAND: 'ADD', ...POD },
      JSON.stringify(configOf('1.0.0', { macspoofchk: true })),
      2,
      /^macspoofchk is true/
    ],
    [
      'an unknown network',
      { CNI_COMMAND: 'ADD', ...POD },
      JSON.stringify(configOf('1.0.0', { network: 'blue' })),
      7,
      /^this daemon serves no network "blue"/
    ]
  ])('%s: %j', async (_id, env, stdin, code, message) => {
    const ran = await plugin.raw(env, stdin)
    const [status, said, words] = failureOf(ran)
    expect([status, said]).toEqual([1, code])
    expect(words).toEqual(typeof message === 'string' ? message : expect.stringMatching(message))
    expect(ran.stderr).toBe('')
    expect(await world.leftovers()).toBe(empty)
  })

  it('P41: an error has the version of its config', async () => {
    const config = JSON.stringify(configOf('0.4.0'))
    expect(jsonOf(await plugin.raw({ CNI_COMMAND: 'ADD', ...POD }, config)).cniVersion).toBe('0.4.0')
    const unknown = JSON.stringify(configOf('9.9.9'))
    expect(jsonOf(await plugin.raw({ CNI_COMMAND: 'ADD', ...POD }, unknown)).cniVersion).toBe('1.1.0')
  })

  it('P39, P40, P46: takes a padded, nested, oddly spelled config that comes in pieces', async () => {
    const { place, target } = await world.container()
    const config = JSON.stringify({
      CNIVERSION: '1.0.0',
      Name: 'pods',
      type: 'trilane',
      Capabilities: { ips: true },
      'cni.dev/foo': 1,
      padding: 'x'.repeat(1_000_000),
      nested: JSON.parse('['.repeat(200) + ']'.repeat(200)),
      RuntimeConfig: { Mac: '02:00:00:00:00:42' }
    })
    const env = {
      CNI_COMMAND: 'ADD',
      CNI_CONTAINERID: target.containerId,
      CNI_NETNS: target.netns,
      CNI_IFNAME: 'eth0'
    }
    const pieces = [config.slice(0, 1), config.slice(1, 2), config.slice(2, 300_000), config.slice(300_000)]
    const ran = await plugin.raw(env, pieces)
    expect(ran).toMatchObject({ status: 0, stderr: '' })
    expect((await place.run(['ip', 'link', 'show', 'dev', 'eth0'])).stdout).toContain('02:00:00:00:00:42')
    expect(await plugin.del(target, configOf('1.0.0'))).toMatchObject({ status: 0, stdout: '' })
    expect(await world.leftovers()).toBe(empty)
  })
})
