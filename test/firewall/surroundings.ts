import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock, LogFields, Logger } from '@trilane/contracts'

/** {@link Clock} for real. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  bootMs: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {})
}

/** Keeps what was said. */
export class SaidLogger implements Logger {
  readonly lines: string[] = []

  debug(): void {}

  info(message: string, fields?: LogFields): void {
    this.#say('info', message, fields)
  }

  warn(message: string, fields?: LogFields): void {
    this.#say('warn', message, fields)
  }

  error(message: string, fields?: LogFields): void {
    this.#say('error', message, fields)
  }

  child(): Logger {
    return this
  }

  #say(level: string, message: string, fields: LogFields = {}): void {
    this.lines.push(`${level} ${message} ${JSON.stringify(fields)}`)
  }
}
