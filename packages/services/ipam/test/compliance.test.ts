import { describeAddressPool, MemoryReservations } from '@trilane/compliance'
import { Prefix } from '@trilane/ip'
import { LeaseAddressPool, rangeOf } from '@trilane/ipam'

const ranges = { v4: rangeOf(Prefix.parse('10.7.0.0/28')), v6: rangeOf(Prefix.parse('fd00:7::/125')) }

describeAddressPool('LeaseAddressPool on memory', {
  create() {
    const store = new MemoryReservations()
    const open = () => new LeaseAddressPool({ store, ranges: () => ranges })
    return {
      pool: open(),
      ranges,
      again: open,
      putRaw: (name, text) => void store.directory.files.set(name, text)
    }
  }
})
