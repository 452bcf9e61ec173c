// Commands that were done, by the ids that their senders gave them, for a bounded time and number.
import type { Db } from './db.js'

export interface KnownCommand {
  readonly topic: string
  readonly id: string
  /** SHA-256 of the payload. */
  readonly digest: Uint8Array
}

/** Wall clock: ids are remembered over restarts of the manager. */
const keptMs = 10 * 60_000
const keptCommands = 20_000
const pruneEvery = 1000

/** The command may come again. */
export function deleteAnswer(db: Db, { topic, id }: KnownCommand): void {
  db.runSql('delete from commands where topic = ? and sender_id = ?', [topic, id])
}

/** The answer that a command of this id got, and whether it had the same payload. */
export function readAnswer(db: Db, { topic, id, digest }: KnownCommand, now: number): { answer: string; same: boolean } | undefined {
  const row = db.first(
    db.build
      .selectFrom('commands')
      .select(['digest', 'answer'])
      .where('topic', '=', topic)
      .where('sender_id', '=', id)
      .where('at', '>', now - keptMs),
  )
  return row === undefined ? undefined : { answer: row.answer, same: Buffer.from(digest).equals(new Uint8Array(row.digest)) }
}

/** Remembers a command and its answer. Call it in the transaction of what the command did. */
export function insertAnswer(db: Db, { topic, id, digest }: KnownCommand, answer: string, now: number): void {
  const row = db.insertSql('insert or replace into commands (topic, sender_id, digest, answer, at) values (?, ?, ?, ?, ?)', [
    topic,
    id,
    digest,
    answer,
    now,
  ])
  if (row % pruneEvery === 0) db.runSql('delete from commands where number <= ? or at <= ?', [row - keptCommands, now - keptMs])
}
