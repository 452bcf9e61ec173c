// Opens the state folder. A device without a name yet needs room for that: where the disk is full it is waited for.
import type { Logger } from 'pino'
import type { Clock } from '../protocol/clock.js'
import { backoffMs } from './core/backoff.js'
import { Disk } from './disk.js'
import { pause } from './pause.js'

export interface OpenDiskOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly signal: AbortSignal
}

const retries = { firstMs: 2_000, maxMs: 60_000 }

/** Throws `state.in-use`, and what `signal` says when that ends it. */
export async function openDisk(folder: string, { clock, log, signal }: OpenDiskOptions): Promise<Disk> {
  for (let failures = 1; ; failures++) {
    try {
      return new Disk(folder, log)
    } catch (error) {
      if (!isFull(error)) throw error
      if (failures === 1) log.error({ err: error }, 'the state folder cannot be made: the disk is full')
      await pause(clock, backoffMs(failures, retries, Math.random()), signal)
      signal.throwIfAborted()
    }
  }
}

function isFull(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ENOSPC' || code === 'EDQUOT'
}
