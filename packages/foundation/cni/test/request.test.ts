import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CniError, LATEST_VERSION, readRequest, SUPPORTED_VERSIONS } from '../src/index.ts'
import { bytes, refusal, told } from './refusal.ts'

const CONFIG = '{"cniVersion":"1.1.0","name":"net","type":"trilane"}'
const POD = { CNI_CONTAINERID: 'c1', CNI_NETNS: '/run/netns/c1', CNI_IFNAME: 'eth0' }

const read = (env: Readonly<Record<string, string>>, stdin: string = CONFIG) =>
  readRequest(new Map(Object.entries(env)), bytes(stdin))
const refused = (env: Readonly<Record<string, string>>, stdin?: string): CniError =>
  refusal(() => read(env, stdin))
const withVersion = (version: string): string => JSON.stringify({ cniVersion: version, name: 'net' })

describe('a request', () => {
  it('is read with its key, namespace and config', () => {
    expect(read({ CNI_COMMAND: 'ADD', ...POD, CNI_ARGS: 'IP=10.5.1.2' })).toMatchObject({
      verb: 'ADD',
      key: { containerId: 'c1', ifname: 'eth0' },
      namespace: '/run/netns/c1',
      config: { cniVersion: '1.1.0', name: 'net' },
      args: new Map([['IP', '10.5.1.2']])
    })
    expect(read({ CNI_COMMAND: 'DEL', ...POD, CNI_NETNS: '', CNI_ARGS: 'nonsense' })).toMatchObject({
      verb: 'DEL',
      namespace: ''
    })
    expect(read({ CNI_COMMAND: 'GC' }).verb).toBe('GC')
    expect(read({ CNI_COMMAND: 'STATUS' }).verb).toBe('STATUS')
  })

  it('of hostile bytes gives a value or a CniError, nothing else', () => {
    const env = fc.dictionary(
      fc.constantFrom('CNI_COMMAND', ...Object.keys(POD), 'CNI_ARGS'),
      fc.oneof(fc.constantFrom('ADD', 'DEL', 'CHECK', 'GC', 'STATUS', ...Object.values(POD)), fc.string())
    )
    const stdin = fc.oneof(fc.constant(bytes(CONFIG)), fc.json().map(bytes), fc.uint8Array())
    fc.assert(
      fc.property(env, stdin, (variables, text) => {
        try {
          readRequest(new Map(Object.entries(variables)), text)
        } catch (error) {
          expect(error).toBeInstanceOf(CniError)
        }
      }),
      { numRuns: 2000 }
    )
  })
})

describe('its environment', () => {
  it.each([
    ['P8', 'ADD', {}, 'CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME'],
    ['P9', 'DEL', {}, 'CNI_CONTAINERID,CNI_IFNAME'],
    ['P10', 'CHECK', {}, 'CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME'],
    ['P12', 'ADD', { ...POD, CNI_NETNS: '' }, 'CNI_NETNS']
  ])('%s: %s names what is missing', (_, CNI_COMMAND, env, names) => {
    expect(told(refused({ CNI_COMMAND, ...env }))).toEqual([4, `required env variables [${names}] missing`])
  })

  it.each(['BOGUS', 'add', 'constructor', ''])('P13: %s is no command', (CNI_COMMAND) => {
    expect(told(refused({ CNI_COMMAND, ...POD }))).toEqual([4, `unknown CNI_COMMAND: ${CNI_COMMAND}`])
  })

  it('P14: what is no JSON counts before an unknown command', () => {
    expect(refused({ CNI_COMMAND: 'BOGUS' }, 'x').code).toBe(6)
  })

  it.each(['a/b', '-a', '.x', 'a b', 'ü', 'a\n'])('P15: container id %j', (CNI_CONTAINERID) => {
    const error = refused({ CNI_COMMAND: 'ADD', ...POD, CNI_CONTAINERID })
    expect(told(error, 3)).toEqual([4, 'invalid characters in containerID', CNI_CONTAINERID])
  })

  it('P16: an invalid value counts before a missing one', () => {
    const error = refused({ CNI_COMMAND: 'ADD', CNI_CONTAINERID: '-', CNI_NETNS: '' })
    expect(error.message).toBe('invalid characters in containerID')
  })

  it('P17: an interface name has up to 15 bytes', () => {
    const named = (CNI_IFNAME: string) => ({ CNI_COMMAND: 'ADD', ...POD, CNI_IFNAME })
    expect(read(named('a'.repeat(15))).verb).toBe('ADD')
    for (const name of ['a'.repeat(16), 'üüüüüüüü']) {
      expect(told(refused(named(name)), 3)).toEqual([
        4,
        'interface name is too long',
        'interface name should be less than 16 characters'
      ])
    }
  })

  it.each([
    ['P18', '.', 'interface name is . or ..'],
    ['P18', '..', 'interface name is . or ..'],
    ['P19', 'a/b', 'interface name contains / or : or whitespace characters'],
    ['P19', 'a:b', 'interface name contains / or : or whitespace characters'],
    ['P19', 'a b', 'interface name contains / or : or whitespace characters'],
    ['P19', 'a\u00a0b', 'interface name contains / or : or whitespace characters'],
    ['P20', 'a%d', 'interface name "a%d" cannot be used'],
    ['ours', 'all', 'interface name "all" cannot be used'],
    ['ours', 'a\u0001', 'interface name "a\\u0001" cannot be used']
  ])('%s: interface name %j', (_, CNI_IFNAME, message) => {
    expect(told(refused({ CNI_COMMAND: 'ADD', ...POD, CNI_IFNAME }))).toEqual([4, message])
  })

  it('that only ADD would refuse does not keep DEL from succeeding', () => {
    const env = { ...POD, CNI_CONTAINERID: 'c'.repeat(200), CNI_IFNAME: 'a%d' }
    expect(refused({ CNI_COMMAND: 'ADD', ...env }).message).toBe('containerID is too long')
    expect(read({ CNI_COMMAND: 'DEL', ...env }).verb).toBe('DEL')
  })
})

describe('its config', () => {
  const refusedConfig = (stdin: string): CniError => refused({ CNI_COMMAND: 'ADD', ...POD }, stdin)

  it.each(['', '{', '[]', '"a"', '{"name":7}', `${CONFIG} x`, `\uFEFF${CONFIG}`])(
    'P21, P22, P24: %j',
    (text) => {
      const error = refusedConfig(text)
      expect(error.code).toBe(6)
      expect(error.message).toMatch(/^error unmarshall network config: /)
    }
  )

  it.each(['null', '{}', '{"name":""}', '{"name":null}'])('P23, P25: %s has no name', (text) => {
    expect(told(refusedConfig(text))).toEqual([7, 'missing network name'])
  })

  it.each(['a b', '-x', 'a/b', '..'])('P26: network name %j', (name) => {
    const error = refusedConfig(JSON.stringify({ name }))
    expect(told(error, 3)).toEqual([7, 'invalid characters found in network name', name])
  })

  it.each(['9.9.9', '0.5.0', '1.0', 'abc'])('P27: version %s', (version) => {
    for (const CNI_COMMAND of ['ADD', 'DEL']) {
      const error = refused({ CNI_COMMAND, ...POD }, withVersion(version))
      expect(told(error)).toEqual([1, 'incompatible CNI versions'])
      expect(error.details).toMatch(/^config is ".*", plugin supports \["0\.1\.0" "0\.2\.0" .*"1\.1\.0"\]$/)
    }
  })

  it.each(['CHECK', 'GC', 'STATUS'])('P28: a version that is none, for %s', (CNI_COMMAND) => {
    expect(refused({ CNI_COMMAND, ...POD }, withVersion('abc')).code).toBe(6)
  })

  it('P29: a version that is a number', () => {
    const error = refusedConfig('{"name":"net","cniVersion":1}')
    expect(error.code).toBe(6)
    expect(error.message).toMatch(/^decoding version from network config: /)
  })

  it.each([
    ['P30', 'CHECK', '0.3.1', 'config version does not allow CHECK'],
    ['P30', 'CHECK', '', 'config version does not allow CHECK'],
    ['P31', 'CHECK', '9.9.9', 'plugin version does not allow CHECK'],
    ['P31', 'GC', '9.9.9', 'plugin version does not allow GC'],
    ['P32', 'GC', '1.0.0', 'config version does not allow GC'],
    ['P32', 'STATUS', '1.0.0', 'config version does not allow STATUS']
  ])('%s: %s with version %j', (_, CNI_COMMAND, version, message) => {
    expect(told(refused({ CNI_COMMAND, ...POD }, withVersion(version)))).toEqual([1, message])
  })

  it('P33: without a version it is of 0.1.0', () => {
    for (const text of ['{"name":"net"}', withVersion('')]) {
      expect(read({ CNI_COMMAND: 'ADD', ...POD }, text)).toMatchObject({ config: { cniVersion: '0.1.0' } })
    }
  })

  it('P39: keys in any case', () => {
    expect(read({ CNI_COMMAND: 'ADD', ...POD }, '{"CNIVERSION":"1.0.0","Name":"net"}')).toMatchObject({
      config: { cniVersion: '1.0.0', name: 'net' }
    })
  })

  it('of every supported version is taken', () => {
    for (const version of SUPPORTED_VERSIONS) {
      expect(read({ CNI_COMMAND: 'ADD', ...POD }, withVersion(version)).config.cniVersion).toBe(version)
    }
    expect(SUPPORTED_VERSIONS.at(-1)).toBe(LATEST_VERSION)
  })
})

describe('its CNI_ARGS', () => {
  const args = (CNI_ARGS: string) => read({ CNI_COMMAND: 'ADD', ...POD, CNI_ARGS })
  const refusedArgs = (CNI_ARGS: string) => refused({ CNI_COMMAND: 'ADD', ...POD, CNI_ARGS })

  it.each([
    ['a', 'ARGS: invalid pair "a"'],
    ['a=b=c', 'ARGS: invalid pair "a=b=c"'],
    [';', 'ARGS: invalid pair ""'],
    ['X=1', 'ARGS: unknown args ["X=1"]'],
    ['ignoreunknown=1', 'ARGS: unknown args ["ignoreunknown=1"]'],
    ['X=1;IgnoreUnknown=0;Y=2', 'ARGS: unknown args ["X=1" "Y=2"]']
  ])('P44: %s', (text, message) => {
    expect(told(refusedArgs(text))).toEqual([4, message])
  })

  it('P44, P201: may hold anything with IgnoreUnknown, wherever that stands', () => {
    for (const truth of ['1', 'true', 'True', 'TRUE']) {
      expect(args(`K8S_POD_NAME=a;IgnoreUnknown=${truth};K8S_POD_UID=`).verb).toBe('ADD')
    }
    expect(args('').verb).toBe('ADD')
  })

  it('P45: a truth that is none', () => {
    for (const text of ['X=1;IgnoreUnknown=maybe', 'IgnoreUnknown=maybe']) {
      const { code, message } = refusedArgs(text)
      expect(code).toBe(4)
      expect(message).toMatch(/^ARGS: error parsing value of pair "IgnoreUnknown=maybe": /)
    }
  })
})
