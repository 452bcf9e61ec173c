// Reads a whole trail and says whether it is as it was written; page by page, so that a server goes on working meanwhile.
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { AuditHead } from '../core/audit.js'
import { readAudit, readHead } from '../store/audit.js'
import { type Db, openForReading } from '../store/db.js'
import { unverified, type Verification, verifyHead, verifyNoted, verifyRows } from './chain.js'
import { isSealed, readSealKey } from './seal.js'

const pageRows = 250

/** `file` is where the database lies: its key is beside it. `noted`: a head that somebody kept elsewhere. */
export async function verifyTrail(db: Db, file: string, noted?: AuditHead): Promise<Verification> {
  let found = unverified
  let after = Number.MIN_SAFE_INTEGER
  for (;;) {
    const rows = readAudit(db, {}, { after, limit: pageRows })
    found = verifyRows(found, rows)
    after = rows.at(-1)?.number ?? after
    if (rows.length < pageRows) break
    await nextTurn()
  }
  const head = readHead(db)
  const key = readSealKey(file)
  const verified = verifyHead(found, head && { ...head, sealed: key !== undefined && isSealed(key, head) })
  if (noted === undefined) return verified
  const [row] = readAudit(db, {}, { after: noted.number - 1, before: noted.number + 1, limit: 1 })
  return verifyNoted(verified, noted, row)
}

/** The same of a server's database, whether the server runs or not. Throws `config.invalid` if there is none. */
export async function verifyFile(file: string, noted?: AuditHead): Promise<Verification> {
  const db = openForReading(file)
  try {
    return await verifyTrail(db, file, noted)
  } finally {
    db.close()
  }
}
