import type { KernelEvent, KernelWatch } from '@trilane/contracts'
import { readAddress } from './addresses.ts'
import { FollowedNames } from './devices.ts'
import { EventQueue } from './event-queue.ts'
import { EventSource } from './event-source.ts'
import { readLinkEvent, readLinkName } from './links.ts'
import { readNeighbour } from './neighbours.ts'
import type { NetlinkSocket } from './netlink-socket.ts'
import { type Message, messagesOf } from './reader.ts'
import { readRoute } from './routes.ts'
import { RTM, RTNLGRP } from './rtnetlink.ts'

/** Every group that a {@link KernelEvent} can come from. */
export const EVENT_GROUPS: readonly number[] = Object.values(RTNLGRP)

/**
 * Turns what a socket receives into {@link KernelEvent}s.
 *
 * Devices are asked for when an event names one for the first time, so that opening a watch costs nothing for each
 * device of the node. The answer is the name of that moment: one renamed since has its new name a little early.
 *
 * @param events a socket that is in {@link EVENT_GROUPS}; closed with the watch
 * @param nameOf asks the kernel on another socket of the same namespace
 */
export function watchKernel(
  events: NetlinkSocket,
  nameOf: (index: number) => string | undefined,
  listener: (event: KernelEvent) => void
): KernelWatch {
  const queue = new EventQueue(events)
  // In this order: a device that the kernel no longer knows has its last event in the queue already, because both
  // happen under one lock (RTNL).
  const names = new FollowedNames((index) => nameOf(index) ?? queue.nameToCome(index))
  let closed = false
  const source = new EventSource(queue, (datagram) => {
    if (datagram === 'overrun') {
      names.forget()
      listener({ kind: 'lost', reason: 'events came faster than they were read' })
      return
    }
    // Of one datagram each event is told, also when the listener throws for one before.
    const failures: unknown[] = []
    for (const message of messagesOf(datagram)) {
      if (closed) break
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
      closed = true
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
      const value = readLinkEvent(body, names)
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
