import { randomBytes } from 'node:crypto'
import { commandOf, type Link } from '@trilane/contracts'
import type { DeviceIndexes } from './devices.ts'
import { kernelError } from './kernel-errors.ts'
import { createLink, getLink, readLinkName, removeLink, renameLink, setLink } from './links.ts'
import type { Request } from './message.ts'
import { NetworkNamespace } from './namespaces.ts'
import { NetlinkSocket } from './netlink-socket.ts'
import type { Place } from './place.ts'
import type { Verdict } from './reader.ts'
import { ERRNO } from './syscalls.ts'

type OpenNamespace = (path: string) => NetworkNamespace

/**
 * `ip link add …`, whole or not at all, the kernel's part on a thread of the pool: making a veth pair takes it half a
 * millisecond, and as long as somebody else has RTNL.
 *
 * @throws TrilaneError `TRI_NAMESPACE_INVALID`, `TRI_KERNEL_NOT_FOUND`, `TRI_KERNEL_REFUSED`
 */
export async function makeDevice(place: Place, link: Link, devices: DeviceIndexes): Promise<Verdict> {
  if (link.namespace !== undefined && typeof link.master === 'string') {
    const text = 'a device made in another namespace gets its master there'
    const command = commandOf({ action: 'create', kind: 'link', value: link })
    throw kernelError(command, { errno: ERRNO.EINVAL, text })
  }
  const opened: NetworkNamespace[] = []
  const openNamespace = (path: string): NetworkNamespace => {
    const namespace = NetworkNamespace.open(path)
    opened.push(namespace)
    return namespace
  }
  try {
    const [create, ...later] = createLink(link, devices, (path) => openNamespace(path).fd)
    const verdict = (await place.making.batchAsync([create])).get(0) ?? DONE
    const { namespace } = link
    if (namespace === undefined) {
      return verdict.errno === 0 ? finish(place.socket, link.name, later) : verdict
    }
    const soughtHere = verdict.errno === ERRNO.EEXIST && place.indexIfThere(link.name) !== undefined
    if (verdict.errno !== 0 && !soughtHere) return verdict
    const socket = openNamespace(namespace).run(() => new NetlinkSocket())
    try {
      return soughtHere
        ? makeRenamed(place, socket, link, devices, openNamespace)
        : finish(socket, link.name, later)
    } finally {
      socket.close()
    }
  } finally {
    for (const namespace of opened) namespace.close()
  }
}

const DONE: Verdict = { errno: 0 }

/**
 * Linux before 6.14 seeks the name of a new device in the namespace of the request and not in the one that it is made in:
 * it refuses a pod's `eth0` where the node has one. There it is made under another name, and renamed in its namespace.
 */
function makeRenamed(
  place: Place,
  socket: NetlinkSocket,
  link: Link,
  devices: DeviceIndexes,
  openNamespace: OpenNamespace
): Verdict {
  const { up, ...down } = link
  const name = `tl${randomBytes(5).toString('hex')}`
  const fdOf = (path: string): number => openNamespace(path).fd
  // What finishes it is said of its final name.
  const [create] = createLink({ ...down, name }, devices, fdOf)
  const [, ...later] = createLink(down, devices, fdOf)
  const created = place.socket.request(create)
  if (created.errno !== 0) return created
  const made = linkIndexOf(socket, name)
  const renamed = made === undefined ? { errno: ERRNO.ENODEV } : socket.request(renameLink(made, link.name))
  if (renamed.errno !== 0) {
    socket.request(removeLink(name))
    return renamed
  }
  const kind = { type: 'other', kernelType: link.kind.type } as const
  const activation = up === true ? setLink({ name: link.name, kind, up }, devices) : []
  return finish(socket, link.name, [...later, ...activation])
}

function finish(socket: NetlinkSocket, name: string, requests: readonly Request[]): Verdict {
  for (const request of requests) {
    const verdict = socket.request(request)
    if (verdict.errno === 0) continue
    // Half a device would be somebody else's riddle: without its mark nobody would ever remove it.
    socket.request(removeLink(name))
    return verdict
  }
  return DONE
}

function linkIndexOf(socket: NetlinkSocket, name: string): number | undefined {
  let index: number | undefined
  socket.request(getLink(name), ({ body }) => {
    index = readLinkName(body)?.index
  })
  return index
}
