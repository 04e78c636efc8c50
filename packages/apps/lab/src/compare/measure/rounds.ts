/**
 * Visits everything once a round, one after another, in an order that turns: each is as often the first and as often behind
 * each other one, and what the machine does besides hits all.
 */
export async function inRounds<T>(
  items: readonly T[],
  rounds: number,
  visit: (item: T) => Promise<void>,
  tell: (round: number) => void
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    tell(round)
    for (const item of turned(items, round)) await visit(item)
  }
}

/** Starts with another one in every round, and runs backwards in every second. */
export function turned<T>(items: readonly T[], round: number): T[] {
  const start = items.length === 0 ? 0 : round % items.length
  const order = [...items.slice(start), ...items.slice(0, start)]
  return round % 2 === 0 ? order : order.reverse()
}
