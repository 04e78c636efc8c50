/** `Promise.all` that waits for the others before it throws: nothing is built any more when all is taken down. */
export async function allOf<T>(works: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(works)
  return Promise.all(works)
}
