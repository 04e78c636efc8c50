/** What a pcap file says of a frame. */
export interface PcapRecord {
  /** ns since 1970. */
  readonly atNs: bigint
  readonly bytes: Uint8Array
  /** Of the whole frame, of which {@link bytes} may be the beginning. */
  readonly wireBytes: number
}

/** pcap-savefile(5): time stamps in nanoseconds. */
const MAGIC = 0xa1b23c4d
const LINKTYPE_ETHERNET = 1
const SNAP_BYTES = 262_144
const NS_PER_S = 1_000_000_000n

/** A classic pcap file, which Wireshark and tcpdump open: Ethernet frames, in the order given. */
export function pcapFile(records: readonly PcapRecord[]): Uint8Array {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(MAGIC, 0)
  header.writeUInt16LE(2, 4)
  header.writeUInt16LE(4, 6)
  header.writeUInt32LE(SNAP_BYTES, 16)
  header.writeUInt32LE(LINKTYPE_ETHERNET, 20)
  return Buffer.concat([
    header,
    ...records.flatMap(({ atNs, bytes, wireBytes }) => {
      const head = Buffer.alloc(16)
      head.writeUInt32LE(Number(atNs / NS_PER_S), 0)
      head.writeUInt32LE(Number(atNs % NS_PER_S), 4)
      head.writeUInt32LE(bytes.length, 8)
      head.writeUInt32LE(wireBytes, 12)
      return [head, bytes]
    })
  ])
}
