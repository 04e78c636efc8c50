import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { configOf, failureOf, type Ran, type Target } from './plugin.ts'
import { addressesOf, CniWorld, resultOf } from './world.ts'

/** Debian's place for the reference plugins. */
const REFERENCE = '/usr/lib/cni'

let world: CniWorld
let empty: string
/** Where the double has its executable, what it was told to do, and what it was called with. */
let plugins: string
beforeAll(async () => {
  world = await CniWorld.create({ config: 'host-gw' })
  plugins = world.node.file('plugins')
  mkdirSync(plugins)
  empty = await world.leftovers()
})
afterAll(() => world?.dispose())
afterEach(async () => {
  rmSync(plugins, { recursive: true })
  mkdirSync(plugins)
  expect(await world.leftovers()).toBe(empty)
})

/** Writes down each call: `<number> <verb>.env`, `.stdin`, `.fds`; does what the script of the verb's name says. */
const DOUBLE = `#!/bin/sh
at="$(dirname "$0")"
n="$(ls "$at" | grep -c env)"
call="$at/$n $CNI_COMMAND"
env > "$call.env"
cat > "$call.stdin"
ls -l /proc/$$/fd > "$call.fds"
[ -e "$at/$CNI_COMMAND.sh" ] || exit 0
. "$at/$CNI_COMMAND.sh"
`

const GIVEN = { cniVersion: '1.0.0', ips: [{ address: '10.90.0.5/24', gateway: '10.90.0.1' }] }

function double(scripts: Readonly<Record<string, string>> = {}): void {
  writeFileSync(`${plugins}/theirs`, DOUBLE)
  chmodSync(`${plugins}/theirs`, 0o755)
  const all = { ADD: `echo '${JSON.stringify(GIVEN)}'`, ...scripts }
  for (const [verb, script] of Object.entries(all)) writeFileSync(`${plugins}/${verb}.sh`, script)
}

/** Verbs in the order in which they came. */
const verbs = () =>
  readdirSync(plugins)
    .filter((name) => name.endsWith('.env'))
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
    .map((name) => name.slice(name.indexOf(' ') + 1, -'.env'.length))
const seen = (call: string, what: 'env' | 'stdin' | 'fds') =>
  readFileSync(`${plugins}/${call}.${what}`, 'utf8')

const CONFIG = configOf('1.0.0', { ipam: { type: 'theirs', any: ['thing'] }, unknown: 'key' })

function call(verb: string, target: Target, config: object = CONFIG, path = plugins): Promise<Ran> {
  const env = {
    CNI_COMMAND: verb,
    CNI_CONTAINERID: target.containerId,
    CNI_NETNS: target.netns,
    CNI_IFNAME: 'eth0',
    CNI_PATH: path,
    CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAME=x'
  }
  return world.plugin.raw(env, JSON.stringify(config))
}

describe('another plugin that gives addresses', () => {
  it('P163, P164, P172: is called as we were, and the pod has what it gave', async () => {
    double()
    const { place, target } = await world.container()
    const { interfaces, ips, routes } = resultOf(await call('ADD', target))
    expect(ips).toEqual([{ interface: 2, address: '10.90.0.5/24', gateway: '10.90.0.1' }])
    expect(interfaces.map(({ name }) => name)).toEqual(['cni0', expect.stringMatching(/^veth/), 'eth0'])
    expect(routes).toBeUndefined()
    expect((await place.run(['ip', '-brief', 'address', 'show', 'dev', 'eth0'])).stdout).toContain(
      '10.90.0.5/24'
    )
    const variables = Object.fromEntries(
      seen('0 ADD', 'env')
        .split('\n')
        .map((line) => line.split(/=(.*)/))
    )
    expect(variables).toMatchObject({
      CNI_COMMAND: 'ADD',
      CNI_CONTAINERID: target.containerId,
      CNI_NETNS: target.netns,
      CNI_IFNAME: 'eth0',
      CNI_PATH: plugins,
      CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAME=x'
    })
    const foreign = Object.keys(variables).filter((name) => !/^(CNI_.*|PATH|PWD|SHLVL|OLDPWD|_|)$/.test(name))
    expect(foreign).toEqual([])
    expect(JSON.parse(seen('0 ADD', 'stdin'))).toEqual(CONFIG)
    // No socket of the daemon's, no namespace of a pod's.
    expect(seen('0 ADD', 'fds')).not.toMatch(/netns|net:|eventpoll|koffi/)
    const prevResult = { cniVersion: '1.0.0', interfaces, ips }
    expect(await call('CHECK', target, { ...CONFIG, prevResult })).toMatchObject({ status: 0, stdout: '' })
    expect(await call('DEL', target, { ...CONFIG, prevResult })).toMatchObject({ status: 0, stdout: '' })
    expect(verbs()).toEqual(['ADD', 'CHECK', 'DEL'])
    expect(JSON.parse(seen('2 DEL', 'stdin'))).toEqual({ ...CONFIG, prevResult })
  })

  it.each<[string, Record<string, string>, readonly unknown[], readonly string[]]>([
    [
      'P167: refuses',
      { ADD: `echo '{"code":42,"msg":"none left"}'; exit 1` },
      [1, 42, 'none left'],
      ['ADD', 'DEL']
    ],
    [
      'P166: gives nothing',
      { ADD: `echo '{"ips":[]}'` },
      [1, 100, 'IPAM plugin returned missing IP config'],
      ['ADD', 'DEL']
    ],
    ['says nothing', { ADD: 'true' }, [1, 6, expect.stringContaining('unexpected end')], ['ADD', 'DEL']],
    [
      'P168: gives what the kernel refuses',
      {
        ADD: `echo '{"ips":[{"address":"10.90.0.5/24"}],"routes":[{"dst":"10.0.0.0/8","gw":"10.99.0.1"}]}'`
      },
      [1, 11, expect.stringContaining('10.0.0.0/8')],
      ['ADD', 'DEL']
    ]
  ])('%s: nothing is left, and it was asked to take back', async (_, scripts, said, calls) => {
    double(scripts)
    const { place, target } = await world.container()
    expect(failureOf(await call('ADD', target))).toEqual(said)
    expect(verbs()).toEqual(calls)
    expect((await place.run(['ip', '-brief', 'link'])).stdout).not.toContain('eth0')
    expect(await call('DEL', target)).toMatchObject({ status: 0 })
  })

  it('P173: hangs, and is killed with all that it started', async () => {
    double({ ADD: `sleep 1000 & echo $! > '${plugins}/child'; wait` })
    const { target } = await world.container()
    const ran = await call('ADD', target)
    expect(failureOf(ran)).toEqual([1, 11, expect.stringContaining('the IPAM plugin theirs had not ended')])
    expect(verbs()).toEqual(['ADD', 'DEL'])
    const child = readFileSync(`${plugins}/child`, 'utf8').trim()
    await world.node.wait('its child is gone', () => {
      return !existsSync(`/proc/${child}`) || readFileSync(`/proc/${child}/stat`, 'utf8').includes(') Z ')
    })
  })

  it('P170, P171: is not there, or is a path', async () => {
    const { target } = await world.container()
    expect(failureOf(await call('ADD', target))).toEqual([
      1,
      100,
      expect.stringContaining(`failed to find plugin "theirs" in path [${plugins}]`)
    ])
    double()
    for (const path of ['', '.', '../plugins', `${plugins}/theirs`]) {
      expect(failureOf(await call('ADD', target, CONFIG, path)).slice(0, 2)).toEqual([1, 100])
    }
    for (const type of ['../theirs', `${plugins}/theirs`, '..']) {
      expect(failureOf(await call('ADD', target, configOf('1.0.0', { ipam: { type } }))).slice(0, 2)).toEqual(
        [1, 7]
      )
    }
    expect(verbs()).toEqual([])
    expect(await call('DEL', target)).toMatchObject({ status: 0 })
  })

  it('P161, P172: is asked by STATUS and GC, and its word counts', async () => {
    double({ STATUS: `echo '{"code":51,"msg":"impaired"}'; exit 1` })
    const latest = { ...CONFIG, cniVersion: '1.1.0', 'cni.dev/valid-attachments': [] }
    const whole = (verb: string) =>
      world.plugin.raw({ CNI_COMMAND: verb, CNI_PATH: plugins }, JSON.stringify(latest))
    expect(failureOf(await whole('STATUS'))).toEqual([1, 51, 'impaired'])
    expect(await whole('GC')).toMatchObject({ status: 0, stdout: '' })
    expect(verbs()).toEqual(['STATUS', 'GC'])
    expect(JSON.parse(seen('1 GC', 'stdin'))).toEqual(latest)
  })
})

describe('what it gave goes back', () => {
  it('P126: when the config of DEL does not name it any more, also from the spool', async () => {
    for (const away of [false, true]) {
      double()
      const { target } = await world.container()
      expect((await call('ADD', target)).status).toBe(0)
      if (away) await world.node.stop()
      expect(await call('DEL', target, configOf('1.0.0'), '/nowhere')).toMatchObject({ status: 0 })
      if (away) {
        expect(verbs()).toEqual(['ADD'])
        await world.node.start()
        await world.node.ready()
        await world.node.wait('all is gone', async () => (await world.leftovers()) === empty)
      }
      expect(verbs()).toEqual(['ADD', 'DEL'])
      expect(JSON.parse(seen('1 DEL', 'stdin'))).toEqual(CONFIG)
      expect(seen('1 DEL', 'env')).toContain(`CNI_CONTAINERID=${target.containerId}`)
      await world.node.wait('all is gone', async () => (await world.leftovers()) === empty)
      rmSync(plugins, { recursive: true })
      mkdirSync(plugins)
    }
  })

  it('P107: when the daemon is killed while it gives', async () => {
    double({ ADD: `touch '${plugins}/asked'; sleep 1; echo '${JSON.stringify(GIVEN)}'` })
    const { target } = await world.container()
    const added = call('ADD', target)
    await world.node.wait('it was asked', () => existsSync(`${plugins}/asked`))
    await world.node.restart('SIGKILL')
    expect((await added).status).toBe(1)
    expect(verbs()).toEqual(['ADD', 'DEL'])
    expect(await call('DEL', target)).toMatchObject({ status: 0 })
  })

  it('P148: when the pod has ended and nobody said so', async () => {
    double()
    const { place, target } = await world.container()
    expect((await call('ADD', target)).status).toBe(0)
    await world.cluster.bed.remove(place)
    await world.node.restart()
    await world.node.wait('it is taken back', async () => (await world.leftovers()) === empty)
    expect(verbs()).toEqual(['ADD', 'DEL'])
  })

  it('P130: or DEL fails, as long as it can take nothing back', async () => {
    double({ DEL: `echo '{"code":11,"msg":"not found: try later"}'; exit 1` })
    const { target } = await world.container()
    expect((await call('ADD', target)).status).toBe(0)
    expect(failureOf(await call('DEL', target))).toEqual([1, 11, 'missing: try later'])
    rmSync(`${plugins}/DEL.sh`)
    expect(await call('DEL', target)).toMatchObject({ status: 0 })
  })
})

describe('host-local as it is in Debian', () => {
  const dataDir = () => world.node.file('theirs')
  const config = () =>
    configOf('1.0.0', {
      isDefaultGateway: true,
      ipam: {
        type: 'host-local',
        dataDir: dataDir(),
        ranges: [[{ subnet: '10.90.0.0/24' }], [{ subnet: 'fd90::/64' }]],
        routes: [{ dst: '10.0.0.0/8' }]
      }
    })
  const held = () => readdirSync(`${dataDir()}/pods`).filter((name) => /^(10|fd)/.test(name))

  it('gives addresses that work, to the gateway and between pods', async () => {
    const a = await world.container()
    const b = await world.container()
    const added = await call('ADD', a.target, config(), REFERENCE)
    expect(addressesOf(added)).toEqual(['10.90.0.2', 'fd90::2'])
    expect(resultOf(added).routes).toEqual([
      { dst: '10.0.0.0/8', gw: '10.90.0.1' },
      { dst: '0.0.0.0/0', gw: '10.90.0.1' },
      { dst: '::/0', gw: 'fd90::1' }
    ])
    expect(addressesOf(await call('ADD', b.target, config(), REFERENCE))).toEqual(['10.90.0.3', 'fd90::3'])
    for (const address of ['10.90.0.1', '10.90.0.3', 'fd90::1', 'fd90::3']) {
      const family = address.includes(':') ? ['-6'] : []
      expect((await a.place.run(['ping', ...family, '-c', '1', '-W', '2', address])).status).toBe(0)
    }
    expect(held()).toHaveLength(4)
    const pods = await world.node.client.pods()
    expect(pods.map(({ addresses }) => addresses.map(({ address }) => address))).toContainEqual([
      '10.90.0.2',
      'fd90::2'
    ])
    await world.node.restart()
    for (const { target } of [a, b]) {
      expect(await call('DEL', target, configOf('1.0.0'), REFERENCE)).toMatchObject({ status: 0 })
    }
    expect(held()).toEqual([])
  })
})
