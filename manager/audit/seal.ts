// The key that seals the head of the audit trail. It lies beside the database, so that whoever can write only the database cannot mend the trail.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { dirname, join } from 'node:path'
import type { AuditHead } from '../core/audit.js'
import { readPrivate, writePrivate } from '../identity/files.js'
import type { SealedHead } from '../store/audit.js'

const keyBytes = 32

/** Undefined if there is none, or it is damaged. `database` is the database's file. */
export function readSealKey(database: string): Buffer | undefined {
  const key = Buffer.from(readPrivate(keyFileOf(database))?.trim() ?? '', 'hex')
  return key.length === keyBytes ? key : undefined
}

/** A new key, on disk. */
export function makeSealKey(database: string): Buffer {
  const key = randomBytes(keyBytes)
  if (database !== ':memory:') writePrivate(keyFileOf(database), `${key.toString('hex')}\n`)
  return key
}

function keyFileOf(database: string): string {
  return join(dirname(database), 'audit.key')
}

export function sealOf(key: Uint8Array, { number, hash }: AuditHead): Uint8Array {
  return createHmac('sha256', key).update(String(number)).update(' ').update(hash).digest()
}

export function isSealed(key: Uint8Array, head: SealedHead): boolean {
  const expected = sealOf(key, head)
  return head.seal.length === expected.length && timingSafeEqual(head.seal, expected)
}
