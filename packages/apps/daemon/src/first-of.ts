/**
 * Waits for several things that take as long as they take.
 *
 * @param onFailure told of each that failed beside others
 * @returns when one is done; the others go on
 * @throws what the last of them threw, when all failed
 */
export async function firstOf(
  works: readonly Promise<void>[],
  onFailure: (error: unknown) => void
): Promise<void> {
  const [only] = works
  if (works.length === 1 && only !== undefined) return only
  await Promise.any(
    works.map((work) =>
      work.catch((error: unknown) => {
        onFailure(error)
        throw error
      })
    )
  ).catch((error: AggregateError) => {
    throw error.errors[0]
  })
}
