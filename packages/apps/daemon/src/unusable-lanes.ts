import type { Logger } from '@trilane/contracts'
import type { LanesHere } from '@trilane/lanes'

/** Says why a configured lane cannot be used here; once, as long as the reason is the same. */
export function tellUnusableLanes(here: LanesHere, former: LanesHere | undefined, logger: Logger): void {
  const told = new Set(former?.lanes.map(({ problem }) => problem?.message))
  for (const { lane, isFallback, problem } of here.lanes) {
    if (problem === undefined || isFallback || told.has(problem.message)) continue
    logger.warn('lane cannot be used here', { lane: lane.backend.type, error: problem })
  }
}
