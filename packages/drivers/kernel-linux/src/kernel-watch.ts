import type { KernelEvent, KernelWatch } from '@trilane/contracts'
import { readAddress } from './addresses.ts'
import { FollowedNames } from './devices.ts'
import { EventSource } from './event-source.ts'
import { dumpLinks, readLink, readLinkName } from './links.ts'
import { readNeighbour } from './neighbours.ts'
import type { NetlinkSocket } from './netlink-socket.ts'
import { type Message, messagesOf } from './reader.ts'
import { readRoute } from './routes.ts'
import { RTM, RTNLGRP } from './rtnetlink.ts'

/**
 * Follows every group that a {@link KernelEvent} can come from.
 *
 * @param events a non-blocking socket of the watched namespace; closed with the watch
 * @param requests a socket of the same namespace, for names of devices
 */
export function watchKernel(
  events: NetlinkSocket,
  requests: {
    links(onLink: (index: number, name: string) => void): void
    nameOf(index: number): string | undefined
  },
  listener: (event: KernelEvent) => void
): KernelWatch {
  for (const group of Object.values(RTNLGRP)) events.join(group)
  const names = new FollowedNames((index) => requests.nameOf(index))
  requests.links((index, name) => names.add(index, name))

  const source = new EventSource(events, (datagram) => {
    if (datagram === 'overrun') {
      listener({ kind: 'lost', reason: 'events came faster than they were read' })
      return
    }
    // Of one datagram each event is told, also when the listener throws for one before.
    const failures: unknown[] = []
    for (const message of messagesOf(datagram)) {
      try {
        const event = eventOf(message, names)
        if (event !== undefined) listener(event)
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  })
  return {
    close() {
      source.close()
      events.close()
    }
  }
}

function eventOf({ type, body }: Message, names: FollowedNames): KernelEvent | undefined {
  switch (type) {
    case RTM.NEWLINK:
    case RTM.DELLINK: {
      const gone = type === RTM.DELLINK
      const named = readLinkName(body)
      if (named !== undefined && !gone) names.add(named.index, named.name)
      const value = readLink(body, names)
      if (named !== undefined && gone) names.remove(named.index, named.name)
      return value === undefined ? undefined : { kind: 'link', gone, value }
    }
    case RTM.NEWADDR:
    case RTM.DELADDR: {
      const value = readAddress(body, names)
      return value === undefined ? undefined : { kind: 'address', gone: type === RTM.DELADDR, value }
    }
    case RTM.NEWROUTE:
    case RTM.DELROUTE: {
      const value = readRoute(body, names)
      return value === undefined ? undefined : { kind: 'route', gone: type === RTM.DELROUTE, value }
    }
    case RTM.NEWNEIGH:
    case RTM.DELNEIGH: {
      const entry = readNeighbour(body, names)
      return entry === undefined ? undefined : { ...entry, gone: type === RTM.DELNEIGH }
    }
    default:
      return undefined
  }
}

/** Index and name of every device, for {@link watchKernel}. */
export function eachLinkName(socket: NetlinkSocket, onLink: (index: number, name: string) => void): void {
  socket.dump(
    'links',
    dumpLinks,
    ({ body }) => {
      const named = readLinkName(body)
      if (named !== undefined) onLink(named.index, named.name)
    },
    () => {}
  )
}
