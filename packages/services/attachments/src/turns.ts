/** Lets work on the same key wait for each other, in the order in which it was asked for; other keys do not wait. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>()

  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key)
    // What happened to the work before is its caller's matter.
    const done = before === undefined ? work() : before.then(work, work)
    this.#last.set(key, done)
    try {
      return await done
    } finally {
      if (this.#last.get(key) === done) this.#last.delete(key)
    }
  }
}
