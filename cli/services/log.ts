// The log of a server or agent.
import { destination, type Logger, pino } from 'pino'
import type { Settings } from '../../config/settings.js'

/** Logs to standard error, so that data alone goes to standard output. Synchronous: nothing is lost at exit. */
export function createLog(level: Settings['logLevel']): Logger {
  return pino({ level, base: null }, destination({ dest: 2, sync: true }))
}
