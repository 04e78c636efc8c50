import { EventSource } from './event-source.ts'
import { PacketSocket } from './packet-socket.ts'
import type { FilterStep } from './syscalls.ts'

/** Frames of one type by one device: what is said, and who hears what comes in. */
export interface Line {
  readonly index: number
  readonly etherType: number
  readonly filter?: readonly FilterStep[]
  /** Multicast MACs that the card is to let through as well. */
  readonly groups?: readonly Uint8Array[]
  readonly questions: readonly Question[]
  /** The bytes are valid until it returns. */
  hear(frame: Buffer): void
}

export interface Question {
  readonly frame: Buffer
  /** What it does, for the error. */
  readonly command: string
}

/**
 * Listens on all lines, then asks what they ask, and hears until `isOver`, which is looked at after each frame, or until
 * `waitMs` have passed.
 *
 * @throws TrilaneError `TRI_KERNEL_REFUSED` when a device is down
 */
export async function converse(
  lines: readonly Line[],
  isOver: () => boolean,
  waitMs: number,
  inNamespace: <T>(act: () => T) => T
): Promise<void> {
  const sockets: PacketSocket[] = []
  const sources: EventSource[] = []
  let timer: NodeJS.Timeout | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      for (const line of lines) {
        const socket = inNamespace(() => new PacketSocket())
        sockets.push(socket)
        socket.listen(line.index, line.etherType, line.filter, line.groups)
        const hear = (frame: Buffer | 'overrun'): void => {
          if (frame === 'overrun') return
          line.hear(frame)
          if (isOver()) resolve()
        }
        sources.push(new EventSource(socket, hear))
      }
      // Only when all listen: the answer to one of them may come by another.
      for (const [place, { questions, index }] of lines.entries()) {
        for (const { frame, command } of questions) sockets[place]?.send(frame, index, command)
      }
      timer = setTimeout(() => {
        try {
          // With what has come and was not told yet, because the event loop was busy.
          for (const [place, line] of lines.entries()) drain(sockets[place], line)
          resolve()
        } catch (error) {
          reject(error)
        }
      }, waitMs)
      if (isOver()) resolve()
    })
  } finally {
    clearTimeout(timer)
    for (const source of sources) source.close()
    for (const socket of sockets) socket.close()
  }
}

function drain(socket: PacketSocket | undefined, line: Line): void {
  for (let frame = socket?.receiveEvents(); frame !== undefined; frame = socket?.receiveEvents())
    line.hear(frame)
}
