import { type JsonValue, type Lease, type LeaseNode, TrilaneError } from '@trilane/contracts'
import { type Family, IpAddress, type PerFamily } from '@trilane/ip'
import { parseLeaseKey } from './lease-key.ts'

type JsonObject = { readonly [key: string]: JsonValue }

/** flannel's field of each family. */
const ADDRESS_FIELD = { v4: 'PublicIP', v6: 'PublicIPv6' } as const
const DATA_FIELD = { v4: 'BackendData', v6: 'BackendV6Data' } as const

/** Far more than any backend writes; keeps one peer's key from costing every node memory and stack. */
const LONGEST_VALUE = 64 * 1024
const DEEPEST_NESTING = 16

/**
 * The value under a lease's key, byte for byte as flannel's Go encoder writes it, with our key `Trilane` last.
 *
 * `PublicIP` is always dotted IPv4, `0.0.0.0` when there is none: anything else makes every flanneld drop all of
 * its peers.
 */
export function encodeLease(lease: Lease): string {
  const { publicAddresses, backendType, backendData, node } = lease
  const fields: [string, JsonValue | undefined][] = [
    [ADDRESS_FIELD.v4, publicAddresses.v4?.toString() ?? '0.0.0.0'],
    [ADDRESS_FIELD.v6, publicAddresses.v6?.toString() ?? null],
    ['BackendType', backendType === '' ? undefined : backendType],
    [DATA_FIELD.v4, backendData.v4 ?? undefined],
    [DATA_FIELD.v6, backendData.v6 ?? undefined],
    ['Trilane', node === undefined ? undefined : encodeNode(node)]
  ]
  // Go escapes these five wherever they stand in a string, and they stand nowhere else.
  return JSON.stringify(Object.fromEntries(fields)).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  )
}

/**
 * A lease as anybody may have written it, flanneld included: keys match without regard to case, unknown ones are
 * ignored.
 *
 * @throws TrilaneError `TRI_LEASE_INVALID` with the key, for a key or value that flannel could not read or that no
 *   peer can have
 */
export function decodeLease(key: string, text: string): Lease {
  const subnets = parseLeaseKey(key)
  const fail = (problem: string): never => {
    throw TrilaneError.of('TRI_LEASE_INVALID', { key, problem })
  }
  const fields = parseObject(text, fail)
  const node = readNode(fields.get('trilane'))
  return {
    subnets,
    publicAddresses: readAddresses(fields, fail),
    backendType: readBackendType(fields, fail),
    backendData: perFamily((family) => fields.get(DATA_FIELD[family].toLowerCase()) ?? undefined),
    ...(node === undefined ? {} : { node })
  }
}

type Fail = (problem: string) => never

/** Field names in lower case; of several spellings the last in the text wins. */
function parseObject(text: string, fail: Fail): ReadonlyMap<string, JsonValue> {
  if (text.length > LONGEST_VALUE)
    fail(`its value has ${text.length} characters; at most ${LONGEST_VALUE} are read`)
  const value = parseJson(text, fail)
  if (!isObject(value)) return fail('its value is not a JSON object')
  if (isDeeperThan(value, DEEPEST_NESTING)) fail(`its value is nested more than ${DEEPEST_NESTING} deep`)
  return new Map(Object.entries(value).map(([name, field]) => [name.toLowerCase(), field]))
}

function parseJson(text: string, fail: Fail): JsonValue {
  try {
    return JSON.parse(text)
  } catch {
    return fail(text.trim() === '' ? 'its value is empty' : 'its value is not JSON')
  }
}

function readAddresses(fields: ReadonlyMap<string, JsonValue>, fail: Fail): PerFamily<IpAddress> {
  return perFamily((family) => {
    const field = ADDRESS_FIELD[family]
    const value = fields.get(field.toLowerCase())
    // flannel reads a null in PublicIPv6 as "none", but cannot read one in PublicIP.
    if (value === undefined || (value === null && family === 'v6')) return undefined
    const address = typeof value === 'string' ? IpAddress.tryParse(value) : undefined
    if (address?.family !== family)
      return fail(`${field} ${JSON.stringify(value)} is not an IP${family} address`)
    if (address.isUnspecified) return undefined
    if (address.isLoopback || address.isMulticast || address.toString() === '255.255.255.255') {
      return fail(`${field} ${address} is no address of a node`)
    }
    return address
  })
}

function readBackendType(fields: ReadonlyMap<string, JsonValue>, fail: Fail): string {
  const value = fields.get('backendtype') ?? ''
  return typeof value === 'string' ? value : fail('BackendType is not a text')
}

/** `{"machineId":"…","name":"…","lanes":{"host-gw":{},"vxlan":{"v4":{…}}}}` */
function encodeNode({ machineId, name, lanes }: LeaseNode): JsonValue {
  if (lanes === undefined) return { machineId, name }
  return {
    machineId,
    name,
    lanes: Object.fromEntries(
      Object.entries(lanes).map(([type, data]) => [type, perFamily<JsonValue>((family) => data[family])])
    )
  }
}

/**
 * Our own key, which no flanneld checks: when it is not as we write it, the lease is one of a stranger. A lane that is
 * not is left out; what is in its data only its backend knows.
 */
function readNode(value: JsonValue | undefined): LeaseNode | undefined {
  if (!isObject(value)) return undefined
  const { machineId, name, lanes } = value
  if (typeof machineId !== 'string' || typeof name !== 'string') return undefined
  if (!isObject(lanes)) return { machineId, name }
  const readable = Object.entries(lanes).flatMap(([type, data]) =>
    isObject(data) ? [[type, perFamily((family) => data[family])] as const] : []
  )
  return { machineId, name, lanes: Object.fromEntries(readable) }
}

function perFamily<T>(read: (family: Family) => T | undefined): PerFamily<T> {
  const v4 = read('v4')
  const v6 = read('v6')
  return { ...(v4 === undefined ? {} : { v4 }), ...(v6 === undefined ? {} : { v6 }) }
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isDeeperThan(value: JsonValue, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((item) => isDeeperThan(item, levels - 1))
}
