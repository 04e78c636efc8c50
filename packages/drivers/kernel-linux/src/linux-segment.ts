import { randomInt } from 'node:crypto'
import type { DhcpOffer, PingTarget, ScratchNamespace, Segment, SegmentSender } from '@trilane/contracts'
import type { IpAddress, Mac } from '@trilane/ip'
import { converse, type Line } from './conversation.ts'
import { dhcpDiscover, readDhcpOffer } from './dhcp.ts'
import { echoRequest, readEchoReply } from './echo.ts'
import { arpRequest, ETHERTYPE, neighbourSolicitation, readClaim, readSought } from './frames.ts'
import { readPromiscuity } from './links.ts'
import { LinuxKernel } from './linux-kernel.ts'
import { NetworkNamespace, warmThreadPool } from './namespaces.ts'
import { DHCP_ANSWERS_ONLY, DISCOVERY_ONLY, ICMP_ONLY, ICMPV6_ONLY } from './packet-filters.ts'
import { PacketSocket } from './packet-socket.ts'
import { Place } from './place.ts'
import { macOf } from './probe.ts'

/** {@link Segment} on raw sockets. */
export class LinuxSegment implements Segment {
  readonly #place: Place

  private constructor(place: Place) {
    this.#place = place
  }

  /** Of this process's own namespace, or of the one at that path. */
  static async open(options: { readonly namespace?: string } = {}): Promise<LinuxSegment> {
    await warmThreadPool()
    const { namespace } = options
    return new LinuxSegment(new Place(namespace === undefined ? undefined : NetworkNamespace.open(namespace)))
  }

  async scratch(): Promise<ScratchNamespace> {
    const namespace = NetworkNamespace.create()
    try {
      const kernel = await LinuxKernel.open({ namespace: namespace.path })
      return {
        path: namespace.path,
        kernel,
        close: () => {
          kernel.close()
          namespace.close()
        }
      }
    } catch (error) {
      namespace.close()
      throw error
    }
  }

  async resolve(
    { device, source }: SegmentSender,
    address: IpAddress,
    waitMs: number
  ): Promise<Mac | undefined> {
    const { index, mac } = this.#sender(device)
    const isV4 = address.family === 'v4'
    let found: Mac | undefined
    await this.#converse(
      [
        {
          index,
          etherType: isV4 ? ETHERTYPE.ARP : ETHERTYPE.IPV6,
          filter: isV4 ? [] : DISCOVERY_ONLY,
          questions: [
            {
              frame: isV4 ? arpRequest(mac, source, address) : neighbourSolicitation(mac, source, address),
              command: `arping -I ${device} -s ${source} ${address}`
            }
          ],
          hear: (frame) => {
            const claim = readClaim(frame)
            if (claim?.address.equals(address) === true && !claim.mac.equals(mac)) found = claim.mac
          }
        }
      ],
      () => found !== undefined,
      waitMs
    )
    return found
  }

  async ping({ device, source }: SegmentSender, to: PingTarget, waitMs: number): Promise<boolean> {
    const { index, mac } = this.#sender(device)
    const identifier = randomInt(0x10000)
    const isV4 = source.family === 'v4'
    let arrived = false
    const hear = (frame: Buffer): void => {
      arrived ||= readEchoReply(frame) === identifier || readSought(frame)?.equals(source) === true
    }
    const frame = echoRequest(mac, source, to, identifier)
    const command = `ping -I ${source} -s ${to.sizeBytes} ${to.address}`
    const line = { index, questions: [{ frame, command }], hear }
    await this.#converse(
      isV4
        ? [
            { ...line, etherType: ETHERTYPE.IPV4, filter: ICMP_ONLY },
            { ...line, etherType: ETHERTYPE.ARP, questions: [] }
          ]
        : [{ ...line, etherType: ETHERTYPE.IPV6, filter: ICMPV6_ONLY }],
      () => arrived,
      waitMs
    )
    return arrived
  }

  async dhcpOffer(device: string, waitMs: number): Promise<DhcpOffer | undefined> {
    const { index, mac } = this.#sender(device)
    const transaction = randomInt(0x1_0000_0000)
    let offer: DhcpOffer | undefined
    const line: Line = {
      index,
      etherType: ETHERTYPE.IPV4,
      filter: DHCP_ANSWERS_ONLY,
      questions: [{ frame: dhcpDiscover(mac, transaction), command: `DHCPDISCOVER on ${device}` }],
      hear: (frame) => {
        offer ??= readDhcpOffer(frame, transaction)
      }
    }
    await this.#converse([line], () => offer !== undefined, waitMs)
    return offer
  }

  async promiscuity(device: string): Promise<number> {
    return this.#place.ask(device, readPromiscuity)
  }

  async hearEverything(device: string): Promise<() => void> {
    const index = this.#place.indexOf(device)
    const socket = this.#place.inside(() => new PacketSocket())
    try {
      socket.hearEverything(index)
    } catch (error) {
      socket.close()
      throw error
    }
    return () => socket.close()
  }

  close(): void {
    this.#place.close()
  }

  #sender(device: string): { readonly index: number; readonly mac: Mac } {
    const { index, mac } = this.#place.linkNamed(device)
    return { index, mac: macOf(device, mac) }
  }

  #converse(lines: readonly Line[], isOver: () => boolean, waitMs: number): Promise<void> {
    return converse(lines, isOver, waitMs, (act) => this.#place.inside(act))
  }
}
