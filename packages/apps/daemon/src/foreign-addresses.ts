import type { Logger, TrilaneError } from '@trilane/contracts'
import type { Health } from './health.ts'

/** Tells of each address of this node's slice that a machine nobody told us of has; the pod got another one. */
export function tellForeignAddress(error: TrilaneError, health: Health, logger: Logger): void {
  const condition = `foreign ${error.values.address ?? error.message}`
  health.raise(condition, 'low', error)
  logger.warn('address passed over', { error })
}
