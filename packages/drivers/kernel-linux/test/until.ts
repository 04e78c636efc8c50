/** Waits until `holds`, asking every few milliseconds; fails with `what` when it never does. */
export async function until(what: string, holds: () => boolean, withinMs = 5000): Promise<void> {
  const start = performance.now()
  while (!holds()) {
    if (performance.now() - start > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Lets what has been scheduled for the next turns of the event loop happen. */
export async function turns(count = 3): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}
