import {
  type AttachmentKey,
  type PoolListing,
  type Reservation,
  type ReservationFiles,
  type ReservationStore,
  TrilaneError
} from '@trilane/contracts'
import { IpAddress } from '@trilane/ip'

/** For tests: a directory of reservations in memory. Several stores on one directory are several processes. */
export class MemoryDirectory {
  readonly files = new Map<string, string>()
  readonly pointers = new Map<number, IpAddress>()
  /** Whoever comes next waits for it. */
  lock: Promise<unknown> = Promise.resolve()
}

/** For tests: {@link ReservationStore} in memory. Every call takes a turn of the event loop, so that unlocked callers would mix. */
export class MemoryReservations implements ReservationStore {
  readonly directory: MemoryDirectory

  constructor(directory = new MemoryDirectory()) {
    this.directory = directory
  }

  locked<T>(work: (files: ReservationFiles) => Promise<T>): Promise<T> {
    const mine = this.directory.lock.then(() => work(this.open()))
    this.directory.lock = mine.catch(() => {})
    return mine
  }

  open(): ReservationFiles {
    return new MemoryFiles(this.directory)
  }
}

export class MemoryFiles implements ReservationFiles {
  readonly directory: MemoryDirectory

  constructor(directory: MemoryDirectory) {
    this.directory = directory
  }

  async list(): Promise<PoolListing> {
    await turn()
    const reservations: Reservation[] = []
    const problems: TrilaneError[] = []
    for (const [file, text] of this.directory.files) {
      const address = IpAddress.tryParse(file)
      const [containerId = '', ifname] = text.split('\r\n')
      if (address === undefined || !/^[\w-]+$/.test(containerId)) {
        problems.push(TrilaneError.of('TRI_POOL_CORRUPT', { file, problem: 'it is none' }))
      } else {
        reservations.push({ address, containerId, ...(ifname === undefined ? {} : { ifname }) })
      }
    }
    return { reservations, problems }
  }

  async isReserved(address: IpAddress): Promise<boolean> {
    await turn()
    return this.directory.files.has(address.toString())
  }

  async create(address: IpAddress, key: AttachmentKey): Promise<void> {
    await turn()
    const owner = this.directory.files.get(address.toString())
    if (owner !== undefined) throw TrilaneError.of('TRI_ADDRESS_TAKEN', { address, owner })
    this.directory.files.set(address.toString(), `${key.containerId}\r\n${key.ifname}`)
  }

  async remove(address: IpAddress): Promise<void> {
    await turn()
    this.directory.files.delete(address.toString())
  }

  async lastReserved(rangeIndex: number): Promise<IpAddress | undefined> {
    await turn()
    return this.directory.pointers.get(rangeIndex)
  }

  async setLastReserved(rangeIndex: number, address: IpAddress): Promise<void> {
    await turn()
    this.directory.pointers.set(rangeIndex, address)
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
