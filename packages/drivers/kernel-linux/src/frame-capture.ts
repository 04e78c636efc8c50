import { type CaptureRecord, CaptureSocket } from './capture-socket.ts'
import { EventSource } from './event-source.ts'
import { NetworkNamespace, warmThreadPool } from './namespaces.ts'
import { Place } from './place.ts'

/** A device whose frames are wanted. */
export interface CapturePoint {
  /** Path of its namespace. Default: this process's own. */
  readonly namespace?: string
  readonly device: string
}

export interface CapturedFrame<P extends CapturePoint = CapturePoint> extends CaptureRecord {
  readonly point: P
}

/** More frames are not kept: whoever captures looks at a few packets. */
const MAX_FRAMES = 100_000

/**
 * What passes several devices of several namespaces, seen by one process with one clock: whatever they send, and whatever
 * they are given, whoever it is for. No device becomes promiscuous. As `tcpdump -pni <device>` in each namespace.
 */
export class FrameCapture<P extends CapturePoint = CapturePoint> {
  readonly #taps: { readonly socket: CaptureSocket; readonly source: EventSource }[] = []
  readonly #frames: CapturedFrame<P>[] = []
  readonly #waiting = new Set<() => void>()
  #drops = 0
  #closed = false

  private constructor() {}

  /**
   * Listens when it returns.
   *
   * @throws TrilaneError `TRI_NAMESPACE_INVALID`, `TRI_KERNEL_NOT_FOUND` for a device that is not there,
   * `TRI_KERNEL_PERMISSION`
   */
  static async start<P extends CapturePoint>(points: readonly P[]): Promise<FrameCapture<P>> {
    await warmThreadPool()
    const capture = new FrameCapture<P>()
    try {
      for (const point of points) capture.#listen(point)
    } catch (error) {
      capture.close()
      throw error
    }
    return capture
  }

  /** In the order of time; frames of one moment in the order of the points. */
  get frames(): readonly CapturedFrame<P>[] {
    return [...this.#frames].sort((a, b) => Number(a.atNs - b.atNs))
  }

  /** Frames that the kernel or this process had no room for: then {@link frames} has gaps. */
  get drops(): number {
    if (!this.#closed) this.#drops += this.#taps.reduce((sum, { socket }) => sum + socket.takeDrops(), 0)
    return this.#drops
  }

  /** Forgets what was seen. */
  clear(): void {
    this.#frames.length = 0
  }

  /** Waits until what was seen is enough. @returns whether it was so within the time */
  async until(
    isEnough: (frames: readonly CapturedFrame<P>[]) => boolean,
    withinMs: number
  ): Promise<boolean> {
    if (isEnough(this.#frames)) return true
    return new Promise((resolve) => {
      const end = (result: boolean): void => {
        clearTimeout(timer)
        this.#waiting.delete(look)
        resolve(result)
      }
      const look = (): void => {
        if (isEnough(this.#frames)) end(true)
      }
      const timer = setTimeout(() => end(false), withinMs)
      this.#waiting.add(look)
    })
  }

  /** Repeating it is free. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const { socket, source } of this.#taps) {
      source.close()
      socket.close()
    }
  }

  #listen(point: P): void {
    const { namespace, device } = point
    const place = new Place(namespace === undefined ? undefined : NetworkNamespace.open(namespace))
    try {
      const index = place.indexOf(device)
      const socket = place.inside(() => new CaptureSocket(index))
      const source = new EventSource(socket, (frame) => {
        if (frame !== 'overrun') this.#keep({ point, ...socket.record(frame) })
      })
      this.#taps.push({ socket, source })
    } finally {
      place.close()
    }
  }

  #keep(frame: CapturedFrame<P>): void {
    if (this.#frames.length < MAX_FRAMES) this.#frames.push(frame)
    else this.#drops++
    for (const look of [...this.#waiting]) look()
  }
}
