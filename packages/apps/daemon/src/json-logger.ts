import type { LogFields, Logger } from '@trilane/contracts'
import { type Logger as Pino, pino, stdTimeFunctions } from 'pino'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** One JSON object a line on stderr: `level`, `time` (ISO 8601), `msg`, and the fields. */
export function jsonLogger(level: LogLevel): Logger {
  return wrap(
    pino(
      {
        level,
        base: null,
        timestamp: stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) }
      },
      // Synchronous: the last lines before a crash are the ones that matter.
      pino.destination({ dest: 2, sync: true })
    )
  )
}

function wrap(inner: Pino): Logger {
  return {
    debug: (message, fields) => inner.debug(fields ?? {}, message),
    info: (message, fields) => inner.info(fields ?? {}, message),
    warn: (message, fields) => inner.warn(fields ?? {}, message),
    error: (message, fields) => inner.error(fields ?? {}, message),
    child: (fields: LogFields) => wrap(inner.child(fields))
  }
}
