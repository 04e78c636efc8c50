import type { IpamCall } from '@trilane/contracts'
import { TrilaneError } from '@trilane/contracts'
import { describe, expect, it } from 'vitest'
import {
  CniError,
  cniErrorOf,
  ipamCallOf,
  meansSameIpam,
  readGivenAddresses,
  readNetworkConfig,
  readPluginError
} from '../src/index.ts'
import { bytes, refusal, told } from './refusal.ts'

const texts = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe('the call of another plugin', () => {
  const env = new Map([
    ['CNI_COMMAND', 'ADD'],
    ['CNI_PATH', '/opt/cni/bin'],
    ['CNI_ARGS', 'A=b']
  ])
  const callOf = (config: string) => ipamCallOf({ env, stdin: bytes(config) }, 'theirs')

  it('P163: has the environment and the bytes that came, all but the verb', () => {
    const config = '{ "name": "net", "x": 9007199254740993 }'
    expect(callOf(config)).toEqual({
      type: 'theirs',
      env: { CNI_PATH: '/opt/cni/bin', CNI_ARGS: 'A=b' },
      config
    })
  })

  it('cannot be kept when it is huge', () => {
    expect(told(refusal(() => callOf(`{"x":"${'x'.repeat(300_000)}"}`)))[0]).toBe(7)
  })

  it('is the same as long as ipam says the same', () => {
    const former = callOf('{"name":"net","ipam":{"type":"theirs","dataDir":"/a","n":{"b":1,"a":2}}}')
    const same = (later: IpamCall) => meansSameIpam(former, later)
    expect(same(callOf('{"prevResult":{},"ipam":{"n":{"a":2,"b":1},"dataDir":"/a","TYPE":"theirs"}}'))).toBe(
      true
    )
    expect(same(callOf('{"ipam":{"type":"theirs"}}'))).toBe(false)
    expect(same(callOf('{"name":"net"}'))).toBe(false)
    expect(same({ ...former, type: 'others' })).toBe(false)
    expect(same(callOf('torn'))).toBe(false)
  })
})

describe('what another plugin gave', () => {
  const given = (result: object, more: object = {}, cniVersion = '1.0.0') => {
    const config = readNetworkConfig(bytes(JSON.stringify({ name: 'net', cniVersion, ...more })))
    return texts(readGivenAddresses(JSON.stringify(result), config))
  }

  it('P164: is addresses, routes and name servers, as they stand', () => {
    const result = {
      ips: [
        { address: '10.90.0.5/24', gateway: '10.90.0.1' },
        { address: '10.91.0.5/24' },
        { address: 'fd90::5/64' }
      ],
      routes: [
        { dst: '0.0.0.0/0' },
        { dst: '10.99.0.0/16', gw: '10.90.0.9', priority: 7, table: 100, scope: 0 },
        { dst: 'fd99::/64', scope: 253 }
      ],
      dns: { nameservers: ['10.0.0.1'] }
    }
    expect(given(result)).toEqual({
      addressing: {
        addresses: [
          { address: '10.90.0.5', prefixLength: 24, gateway: '10.90.0.1' },
          { address: '10.91.0.5', prefixLength: 24 },
          { address: 'fd90::5', prefixLength: 64 }
        ],
        routes: [
          { destination: '0.0.0.0/0', gateway: '10.90.0.1' },
          { destination: '10.99.0.0/16', gateway: '10.90.0.9', metric: 7, table: 100, scope: 'global' },
          { destination: 'fd99::/64', scope: 'link' }
        ],
        bridgeIsGateway: false
      },
      dns: { nameservers: ['10.0.0.1'], search: [], options: [] }
    })
  })

  it('P165: may be of another version, or of none', () => {
    const old = { cniVersion: '0.2.0', ip4: { ip: '10.90.0.5/24', gateway: '10.90.0.1' } }
    expect(given(old)).toMatchObject({ addressing: { addresses: [{ address: '10.90.0.5' }] } })
    expect(given({ ip4: { ip: '10.90.0.6/24' } }, {}, '0.1.0')).toMatchObject({
      addressing: { addresses: [{ address: '10.90.0.6' }] }
    })
  })

  it('P62, P63: gets a gateway and a default route where the config asks for them', () => {
    const result = { ips: [{ address: '10.90.0.5/24' }, { address: 'fd90::5/64', gateway: 'fd90::9' }] }
    expect(given(result, { isGateway: true })).toMatchObject({
      addressing: {
        addresses: [{ gateway: '10.90.0.1' }, { gateway: 'fd90::9' }],
        routes: [],
        bridgeIsGateway: true
      }
    })
    const routes = [{ dst: '0.0.0.0/0', gw: '10.90.0.7' }]
    expect(given({ ...result, routes }, { isDefaultGateway: true })).toMatchObject({
      addressing: {
        routes: [
          { destination: '0.0.0.0/0', gateway: '10.90.0.7' },
          { destination: '::/0', gateway: 'fd90::9' }
        ],
        bridgeIsGateway: true
      }
    })
  })

  it.each([
    [{ ips: [] }, 100, 'IPAM plugin returned missing IP config'],
    [{ cniVersion: '9.9.9', ips: [] }, 1, 'unsupported CNI result version "9.9.9"'],
    [
      { ips: [{ address: '10.90.0.5' }] },
      7,
      'the IPAM plugin’s result.ips[0].address is "10.90.0.5", not an address such as 10.5.1.2/24'
    ],
    [
      { ips: [{ address: '10.90.0.5/24' }], routes: [{ dst: '0.0.0.0/0', scope: 9 }] },
      7,
      'the route to 0.0.0.0/0 has the scope 9, which Linux does not know'
    ]
  ])('P166: is refused as %j', (result, code, message) => {
    expect(told(refusal(() => given(result)))).toEqual([code, message])
  })
})

describe('what another plugin says when it fails', () => {
  it('P161, P167: is handed on', () => {
    const cause = readPluginError('{"code":51,"msg":"impaired","details":"why"}', 'exit status 1')
    expect([cause.code, cause.message, cause.details]).toEqual([51, 'impaired', 'why'])
    const error = TrilaneError.of('TRI_IPAM_FAILED', { type: 'theirs', verb: 'ADD', text: 'x' }, { cause })
    expect(cniErrorOf(error)).toBe(cause)
  })

  it.each([
    ['', 'netplugin failed: no error message'],
    ['Segmentation fault', 'netplugin failed: Segmentation fault'],
    ['[]', 'netplugin failed: []'],
    ['{"code":"x"}', 'netplugin failed: {"code":"x"}']
  ])('is %j', (stdout, message) => {
    const error = readPluginError(stdout, 'exit status 2')
    expect([error.code, error.message, error.details]).toEqual([999, message, 'exit status 2'])
    expect(error).toBeInstanceOf(CniError)
  })
})
