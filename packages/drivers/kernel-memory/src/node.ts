import type { Link, Route } from '@trilane/contracts'
import { IpAddress, Mac, Prefix } from '@trilane/ip'
import { bringUp } from './activation.ts'
import { putAddress } from './addresses.ts'
import { addDevice, setLink } from './links.ts'
import { MemoryMachine } from './machine.ts'
import type { MemoryKernel } from './memory-kernel.ts'
import type { NetworkNamespace } from './namespace.ts'
import { putRoute } from './routes.ts'

/** A machine as a test finds it, in words. */
export interface MemoryNodeSetup {
  /** Network cards, up unless told otherwise: `eth0 192.0.2.1/24 fd00::1/64 mtu 9000 mac 02:00:00:00:00:01 down`. */
  readonly links?: readonly string[]
  /** As `ip route add` has them: `default via 192.0.2.254`, `10.9.0.0/16 via 192.0.2.9 dev eth0 metric 100 proto 4`. */
  readonly routes?: readonly string[]
  /** The machine, when it is to have several namespaces with set-ups. Default: a new one. */
  readonly machine?: MemoryMachine
  /** Path of this namespace. @default '/proc/1/ns/net' */
  readonly path?: string
}

/**
 * A kernel with cards, addresses and routes on it; `lo` is up. Nothing of it counts as a write.
 *
 * @throws Error naming the word that is not understood
 */
export function memoryNode(setup: MemoryNodeSetup = {}): MemoryKernel {
  const machine = setup.machine ?? new MemoryMachine()
  const path = setup.path ?? '/proc/1/ns/net'
  const kernel = machine.addNamespace(path)
  const namespace = machine.namespaceAt(path)
  bringUp(namespace.device('lo'))
  for (const text of setup.links ?? []) addCard(namespace, text)
  for (const text of setup.routes ?? []) putRoute(namespace, parseRoute(text), false)
  return kernel
}

function addCard(namespace: NetworkNamespace, text: string): void {
  const [name = '', ...words] = text.trim().split(/\s+/)
  if (namespace.devices.has(name)) throw new Error(`"${text}": there is a device ${name}`)
  const kind = { type: 'other', kernelType: '' } as const
  addDevice(namespace, name, kind, 1500)
  const link: { -readonly [Key in keyof Link]: Link[Key] } = { name, kind, up: true }
  while (words.length > 0) {
    const word = words.shift() ?? ''
    if (word === 'mtu') link.mtuBytes = number(text, words.shift())
    else if (word === 'mac') link.mac = Mac.parse(words.shift() ?? '')
    else if (word === 'down' || word === 'up') link.up = word === 'up'
    else if (word.includes('/')) {
      const [address = '', length = ''] = word.split('/')
      putAddress(
        namespace,
        { device: name, address: IpAddress.parse(address), prefixLength: number(text, length) },
        false
      )
    } else throw new Error(`"${text}": "${word}" is not understood`)
  }
  setLink(namespace, link)
}

function number(text: string, word = ''): number {
  if (!/^\d+$/.test(word)) throw new Error(`"${text}": "${word}" is no number`)
  return Number(word)
}

function parseRoute(text: string): Route {
  const [destination = '', ...words] = text.trim().split(/\s+/)
  const values = new Map<string, string>()
  for (let at = 0; at < words.length; at += 2) {
    const key = words[at] ?? ''
    if (!['via', 'dev', 'metric', 'proto', 'src', 'table'].includes(key)) {
      throw new Error(`"${text}": "${key}" is not understood`)
    }
    values.set(key, words[at + 1] ?? '')
  }
  const gateway = values.get('via')
  const device = values.get('dev')
  const source = values.get('src')
  const given = (key: string): number | undefined =>
    values.has(key) ? number(text, values.get(key)) : undefined
  const metric = given('metric')
  const protocol = given('proto')
  const table = given('table')
  const everything = gateway?.includes(':') === true ? '::/0' : '0.0.0.0/0'
  return {
    destination: Prefix.parse(destination === 'default' ? everything : destination),
    ...(gateway === undefined ? {} : { gateway: IpAddress.parse(gateway) }),
    ...(device === undefined ? {} : { device }),
    ...(source === undefined ? {} : { source: IpAddress.parse(source) }),
    ...(metric === undefined ? {} : { metric }),
    ...(protocol === undefined ? {} : { protocol }),
    ...(table === undefined ? {} : { table })
  }
}
