// `skerry audit`: who did what and what was refused, and whether that record is as it was written.
import { join } from 'node:path'
import type { Command } from 'commander'
import { SkerryError } from '../../protocol/errors.js'
import type { AuditRow, Verification } from '../api/audit.js'
import type { List } from '../api/list.js'
import type { Client } from '../client.js'
import { type ClientFlags, connect } from '../connect.js'
import { addClientOptions, addExamples, parseWhole } from '../options.js'
import { type Format, printData, printList } from '../output.js'
import type { Shell } from '../shell.js'
import { auditColumns } from '../views/audit.js'

type Flags = ClientFlags & { readonly output: Format }

interface ListFlags extends Flags {
  readonly who?: string
  readonly action?: string
  readonly target?: string
  readonly outcome?: string
  readonly code?: string
  readonly since?: string
  readonly limit?: number
  readonly all?: boolean
}

export function addAudit(program: Command, shell: Shell): void {
  const audit = program.command('audit').description('who did what, what was refused, and whether that record was tampered with')
  addExamples(audit, [
    'skerry audit list --outcome refused --since 24h',
    'skerry audit list --all -o json > audit.json',
    'skerry audit verify',
  ])
  addAuditList(audit, shell)
  addVerify(audit, shell)
}

function addAuditList(audit: Command, shell: Shell): void {
  const command = audit.command('list').description('list rows, oldest first: the newest ones, or all')
  command
    .option('--who <name>', 'of this user or token')
    .option('--action <action>', 'such as app.deployed')
    .option('--target <target>', 'such as groups/line-1, with what is below it')
    .option('--outcome <outcome>', 'done, refused or failed')
    .option('--code <code>', 'refused or failed with this code')
    .option('--since <time>', 'such as 2h or 2026-01-31')
    .option('--limit <n>', 'how many of the newest; 100 if not given', parseWhole)
    .option('--all', 'from the first row on')
  addClientOptions(command).action(async (flags: ListFlags) => {
    const client = await connect(shell, flags)
    const items = await fetchRows(client, flags)
    await printList(shell, flags.output, { items, columns: auditColumns, nameOf: row => String(row.number), empty: 'no rows' })
  })
  addExamples(command, [
    'skerry audit list --who anna',
    'skerry audit list --target groups/line-1 --since 7d',
    'skerry audit list --all -o json',
  ])
}

/** As many as the API gives at a time. */
const pageRows = 1000

async function fetchRows(client: Client, { limit = 100, all = false, ...flags }: ListFlags): Promise<readonly AuditRow[]> {
  const { who, action, target, outcome, code, since } = flags
  const filter = { who, action, target, outcome, code, since }
  const rows: AuditRow[] = []
  for (;;) {
    const place = all ? { after: rows.at(-1)?.number ?? 0 } : { before: rows[0]?.number }
    const wanted = all ? pageRows : Math.min(pageRows, limit - rows.length)
    if (wanted < 1) return rows
    const { items } = await client.request<List<AuditRow>>('GET', '/audit', { query: { ...filter, ...place, limit: wanted } })
    if (all) rows.push(...items)
    else rows.unshift(...items)
    if (items.length < wanted) return rows
  }
}

function addVerify(audit: Command, shell: Shell): void {
  const command = audit.command('verify').description('read the whole record: was a row changed, removed or added?')
  command.option('--head <head>', 'what an earlier verify printed: is it still part of the record?')
  addClientOptions(command).action(async (flags: Flags & { head?: string }) => {
    const found = flags.data === undefined ? await verifyByServer(shell, flags) : await verifyFolder(flags.data, flags.head)
    if (flags.output === 'json' || flags.output === 'yaml') await printData(shell, flags.output, found)
    else if (found.intact)
      shell.print(flags.output === 'name' ? found.head : `${found.rows} rows, all as they were written; head ${found.head}`)
    if (!found.intact) throw brokenOf(found)
  })
  command.addHelpText('after', '\nWith --data the folder’s database is read, with no server; without it the server is asked.')
  addExamples(command, ['skerry audit verify', 'skerry audit verify --data /var/lib/skerry', 'skerry audit verify --head 1234:…'])
}

async function verifyByServer(shell: Shell, flags: ClientFlags & { head?: string }): Promise<Verification> {
  const client = await connect(shell, flags)
  return await client.request<Verification>('GET', '/audit/verify', { query: { head: flags.head } })
}

async function verifyFolder(folder: string, head: string | undefined): Promise<Verification> {
  const { verifyFile } = await import('../../manager/audit/verify.js')
  const { formatHead, parseHead } = await import('../../manager/core/audit.js')
  const noted = head === undefined ? undefined : parseHead(head)
  if (head !== undefined && noted === undefined) throw new SkerryError('usage.invalid', '--head is what an earlier verify printed')
  const { rows, last, broken, faults } = await verifyFile(join(folder, 'manager.db'), noted)
  return { intact: broken === 0, rows, head: formatHead(last), broken, faults }
}

function brokenOf({ faults, broken }: Verification): SkerryError {
  const [first, ...others] = faults.map(({ message }) => ({ code: 'audit.broken' as const, message }))
  const more = broken - faults.length
  const rest = more > 0 ? [...others, { code: 'audit.broken' as const, message: `and ${more} more` }] : others
  return new SkerryError('audit.broken', first?.message ?? 'the record is not as it was written', { others: rest })
}
