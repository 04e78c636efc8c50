import { TrilaneError } from '@trilane/contracts'

/** So many addresses that are used by machines nobody told us of are a wrong config, not an accident. */
const MAX_PASSED_OVER = 16

/**
 * Attaches with the next address when another machine of the segment has the one that was chosen; the pool gives that one
 * last when it is asked again.
 *
 * @param isAsked the address was asked for: no other will do
 * @param tell told of each `TRI_ADDRESS_IN_USE`
 * @throws what `attach` throws, when that is no help
 */
export async function passingOver<T>(
  attach: () => Promise<T>,
  isAsked: boolean,
  tell: (error: TrilaneError) => void
): Promise<T> {
  for (let passedOver = 0; ; passedOver++) {
    try {
      return await attach()
    } catch (error) {
      if (!TrilaneError.is(error, 'TRI_ADDRESS_IN_USE')) throw error
      tell(error)
      if (isAsked || passedOver >= MAX_PASSED_OVER) throw error
    }
  }
}
