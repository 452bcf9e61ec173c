// Permits as the agent keeps them on disk: what a start without a broker goes by. Leases do not outlive a start. Pure.

import { isName } from '../../protocol/names.js'
import type { PermitTopic } from '../../protocol/permit-topics.js'
import { lapsed, type Standing } from './hold.js'

export interface KeptPermit {
  readonly of: PermitTopic
  readonly standing: Standing
}

export function encodePermits(kept: readonly KeptPermit[]): string {
  const rows = kept.map(({ of, standing: { value, by, untilMs } }) => ({ ...of, value, by, leased: untilMs !== undefined }))
  return `${JSON.stringify(rows)}\n`
}

/** Undefined if the file is none. */
export function decodePermits(bytes: Uint8Array): readonly KeptPermit[] | undefined {
  try {
    const rows: unknown = JSON.parse(Buffer.from(bytes).toString())
    const kept = Array.isArray(rows) ? rows.map(readRow) : [undefined]
    return kept.every(row => row !== undefined) ? kept : undefined
  } catch {
    return undefined
  }
}

function readRow(row: unknown): KeptPermit | undefined {
  if (typeof row !== 'object' || row === null) return undefined
  const { kind, name, value, by, leased }: Partial<Record<string, unknown>> = { ...row }
  if ((kind !== 'device' && kind !== 'group') || typeof name !== 'string' || !isName(kind, name)) return undefined
  if (typeof value !== 'boolean' || typeof leased !== 'boolean') return undefined
  const standing = { value, ...(typeof by === 'string' ? { by } : {}), ...(leased ? { untilMs: lapsed } : {}) }
  return { of: { kind, name }, standing }
}
