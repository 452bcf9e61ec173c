// Rows of the audit trail as people read them.
import type { AuditRow } from '../api/audit.js'
import type { Column } from '../table.js'

export const auditColumns: readonly Column<AuditRow>[] = [
  { title: 'ROW', cell: row => String(row.number) },
  { title: 'AT', cell: row => row.at },
  { title: 'WHO', cell: row => row.who },
  { title: 'FROM', cell: row => (row.from === '' ? row.via : `${row.via} ${row.from}`) },
  { title: 'OUTCOME', cell: row => outcomeOf(row), colour: row => (row.outcome === 'done' ? undefined : 'red') },
  { title: 'ACTION', cell: row => row.action },
  { title: 'TARGET', cell: row => row.target },
  { title: 'DETAIL', cell: row => row.detail, wide: true },
  { title: 'HASH', cell: row => row.hash, wide: true },
]

function outcomeOf({ outcome, code, count }: AuditRow): string {
  return `${outcome}${code === null ? '' : ` (${code})`}${count === 1 ? '' : ` x${count}`}`
}
