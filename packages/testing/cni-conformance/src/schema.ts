import { strict as assert } from 'node:assert'
import type { Result } from './verify.ts'

const MAC = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/
const PREFIX = /^[0-9a-f.:]+\/\d{1,3}$/
const ADDRESS = /^[0-9a-f.:]+$/

/** Is this what the specification of that version has for the result of an ADD? @throws AssertionError */
export function checkShape(result: Result, version: string): void {
  assert.equal(result.cniVersion, version)
  if (version < '0.3.0') checkPair(result)
  else checkLists(result, version)
  if (result.dns !== undefined) {
    hasOnly('dns', result.dns, ['nameservers', 'domain', 'search', 'options'])
  }
}

function checkPair(result: Result): void {
  hasOnly('the result', result, ['cniVersion', 'ip4', 'ip6', 'dns'])
  const blocks = [result.ip4, result.ip6].flatMap((block) => block ?? [])
  assert(blocks.length > 0, 'neither ip4 nor ip6')
  for (const block of blocks) {
    hasOnly('ip4', block, ['ip', 'gateway', 'routes'])
    assert.match(block.ip, PREFIX)
    if (block.gateway !== undefined) assert.match(block.gateway, ADDRESS)
    for (const route of block.routes ?? []) hasOnly('a route', route, ['dst', 'gw'])
  }
}

function checkLists(result: Result, version: string): void {
  hasOnly('the result', result, ['cniVersion', 'interfaces', 'ips', 'routes', 'dns'])
  const { interfaces = [], ips = [], routes = [] } = result
  const isLatest = version >= '1.1.0'
  for (const entry of interfaces) {
    hasOnly('an interface', entry, [
      'name',
      'mac',
      'sandbox',
      ...(isLatest ? ['mtu', 'socketPath', 'pciID'] : [])
    ])
    if (entry.mac !== undefined) assert.match(entry.mac, MAC)
  }
  assert(ips.length > 0, 'no ips')
  for (const entry of ips) {
    hasOnly('an address', entry, [
      'address',
      'gateway',
      'interface',
      ...(version < '1.0.0' ? ['version'] : [])
    ])
    if (version < '1.0.0') assert.equal(entry.version, entry.address.includes(':') ? '6' : '4')
    assert.match(entry.address, PREFIX)
    assert(entry.interface !== undefined && entry.interface < interfaces.length, 'interface is no index')
  }
  const more = isLatest ? ['mtu', 'advmss', 'priority', 'table', 'scope'] : []
  for (const route of routes) {
    hasOnly('a route', route, ['dst', 'gw', ...more])
    assert.match(route.dst, PREFIX)
  }
}

function hasOnly(what: string, object: object, keys: readonly string[]): void {
  const others = Object.keys(object).filter((key) => !keys.includes(key))
  assert(others.length === 0, `${what} has ${others.join(', ')}`)
}
