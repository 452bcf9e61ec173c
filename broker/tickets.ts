// The key of TLS session tickets. It outlives the process: the hour after a restart is when every device shakes hands again.
import { randomBytes } from 'node:crypto'
import { chmodSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Clock } from '../protocol/clock.js'

const keyBytes = 48
/** Then the next one: who holds a ticket's key can come as anybody who ever had a ticket. */
const lifeMs = 7 * 24 * 60 * 60 * 1000

/** Gives the key beside the broker's database, and makes it if there is none or if it is too old; of a database in memory it is nowhere. */
export function ticketKeysBeside(database: string, clock: Pick<Clock, 'now'>): () => Buffer {
  if (database === ':memory:') {
    const key = randomBytes(keyBytes)
    return () => key
  }
  const file = join(dirname(database), 'tickets.key')
  return () => readFresh(file, clock.now()) ?? writeNew(file)
}

function readFresh(file: string, now: number): Buffer | undefined {
  try {
    const { mtimeMs } = statSync(file)
    const key = readFileSync(file)
    if (key.length !== keyBytes || mtimeMs > now + lifeMs || mtimeMs < now - lifeMs) return undefined
    chmodSync(file, 0o600)
    return key
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Half a key would be refused as none; but nobody else may ever have read it. */
function writeNew(file: string): Buffer {
  const key = randomBytes(keyBytes)
  writeFileSync(`${file}.new`, key, { mode: 0o600 })
  chmodSync(`${file}.new`, 0o600)
  renameSync(`${file}.new`, file)
  return key
}
