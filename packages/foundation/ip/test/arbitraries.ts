import fc from 'fast-check'
import { ADDRESS_BITS, FAMILIES, IpAddress, Prefix } from '../src/index.ts'

/** Any address of either family, with the ends of the space and sparse patterns over-represented. */
export const anyAddress: fc.Arbitrary<IpAddress> = fc.constantFrom(...FAMILIES).chain((family) => {
  const max = (1n << BigInt(ADDRESS_BITS[family])) - 1n
  return fc
    .oneof(
      fc.bigInt({ min: 0n, max }),
      fc.constantFrom(0n, 1n, max, max - 1n),
      fc.bigInt({ min: 0n, max: BigInt(ADDRESS_BITS[family] - 1) }).map((bit) => 1n << bit)
    )
    .map((bits) => IpAddress.fromBits(family, bits))
})

export const anyPrefix: fc.Arbitrary<Prefix> = anyAddress.chain((address) =>
  fc.integer({ min: 0, max: ADDRESS_BITS[address.family] }).map((length) => Prefix.of(address, length))
)
