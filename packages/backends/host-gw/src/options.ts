/**
 * host-gw has no options, in flannel (on Linux) as here. The MTU is the uplink's: packets leave as they are, and a
 * smaller one would only hide a wrong uplink.
 */
export type HostGwOptions = Readonly<Record<never, never>>

/** As documented. */
export const OPTION_NAMES: readonly string[] = []

/** Accepts everything: unknown keys are ignored, as flannel ignores them. */
export function parseOptions(_raw: Readonly<Record<string, unknown>>): HostGwOptions {
  return {}
}
