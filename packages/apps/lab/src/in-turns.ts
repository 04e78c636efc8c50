import { isInGuest } from '@trilane/testbed'

/** Pings are short and mostly wait: more at once than cores. An emulated machine is slow to start each. */
const AT_ONCE = isInGuest() ? 4 : 16

/** Maps all items, so many at a time; results in the order of the items. */
export async function inTurns<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
  atOnce = AT_ONCE
): Promise<R[]> {
  const results: R[] = []
  const queue = items.entries()
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) results[index] = await work(item)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return results
}
