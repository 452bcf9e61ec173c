// Whether the Docker Engine answers, and what changes there: the event stream, opened again whenever it ends.
import type { Logger } from 'pino'
import type { Clock } from '../protocol/clock.js'
import { backoffMs } from './core/backoff.js'
import type { Engine } from './engine.js'
import { pause } from './pause.js'

export interface WatcherOptions {
  readonly engine: Engine
  readonly clock: Clock
  readonly random: () => number
  readonly log: Logger
  readonly onUp: (version: string) => void
  readonly onDown: () => void
  readonly onApp: (app: string) => void
}

const retries = { firstMs: 500, maxMs: 10_000 }

/** Runs until `signal`; calls `onUp` when the Engine answers and the stream is open, `onDown` when neither does. */
export async function watchEngine(options: WatcherOptions, signal: AbortSignal): Promise<void> {
  const { engine, clock, random, log, onUp, onDown, onApp } = options
  let failures = 0
  while (!signal.aborted) {
    try {
      const version = await engine.version()
      const opened = () => {
        failures = 0
        onUp(version)
      }
      await engine.watch(opened, onApp, signal)
    } catch (error) {
      failures++
      // A stream may end by itself: only who does not answer either is down.
      const answers = await engine.version().catch(() => undefined)
      if (answers === undefined) {
        if (failures === 1) log.error({ err: error }, 'the Docker Engine does not answer')
        onDown()
      }
    }
    if (!signal.aborted) await pause(clock, failures === 0 ? 0 : backoffMs(failures, retries, random()), signal)
  }
}
