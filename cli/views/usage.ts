// What connections cost, as people read it.
import type { Traffic } from '../../protocol/messages/usage.js'
import type { MonthUse, Usage } from '../api/usage.js'
import { type Column, createPaint, formatBytes, formatFields, formatTable } from '../table.js'

export interface DeviceMonth {
  readonly device: string
  readonly name: string
  readonly month: MonthUse | null
}

export const monthColumns: readonly Column<DeviceMonth>[] = [
  { title: 'NAME', cell: ({ name }) => name },
  { title: 'ID', cell: ({ device }) => device },
  { title: 'MONTH', cell: ({ month }) => month?.month ?? '' },
  { title: 'USED', cell: ({ month }) => usedOf(month) },
  { title: 'PROJECTED', cell: ({ month }) => formatOr(month?.projectedBytes) },
  { title: 'BUDGET', cell: ({ month }) => formatOr(month?.budgetBytes) },
  { title: 'SPENT', cell: ({ month }) => shareOf(month), colour: ({ month }) => (month !== null && month.slow > 1 ? 'yellow' : undefined) },
  { title: 'TELEMETRY', cell: ({ month }) => (month === null || month.slow === 1 ? '' : telemetryOf(month)) },
]

export function usedOf(month: MonthUse | null): string {
  return month === null ? '' : roundBytes(month.usedBytes)
}

export function describeUsage({ device, month, days, months }: Usage): string {
  if (month === null) return `${device} has not told what its connection costs`
  const head = formatFields({
    Device: device,
    Month: month.month,
    Used: `${usedOf(month)}${month.budgetBytes === null ? '' : `, ${shareOf(month)} of ${formatBytes(month.budgetBytes)}`}`,
    Projected: formatOr(month.projectedBytes),
    Telemetry: month.slow === 1 ? 'as usual' : telemetryOf(month),
  })
  const rows = [...days.map(({ day, ...sums }) => ({ of: day, ...sums })), ...months.map(({ month: of, ...sums }) => ({ of, ...sums }))]
  return rows.length === 0 ? head : `${head}\n\n${formatTable(sumColumns, rows, { wide: true, paint: createPaint(false) })}`
}

interface Sums {
  readonly of: string
  readonly totalBytes: number
  readonly purposes: Traffic
}

const sumColumns: readonly Column<Sums>[] = [
  { title: 'DAY OR MONTH', cell: ({ of }) => of },
  { title: 'TOTAL', cell: ({ totalBytes }) => roundBytes(totalBytes) },
  column('HEARTBEATS', 'heartbeat'),
  column('REPORTS', 'report'),
  column('STATE', 'state'),
  column('LOGS', 'log'),
  column('CONNECTION', 'connection'),
  column('HEADERS', 'headers'),
]

function column(title: string, purpose: keyof Traffic): Column<Sums> {
  return { title, cell: ({ purposes }) => roundBytes(purposes[purpose].sent + purposes[purpose].received) }
}

function telemetryOf({ slow }: MonthUse): string {
  return `${slow} times more rarely`
}

function shareOf(month: MonthUse | null): string {
  return month === null || month.budgetBytes === null ? '' : `${Math.round((100 * month.usedBytes) / month.budgetBytes)} %`
}

function formatOr(bytes: number | null | undefined): string {
  return bytes === null || bytes === undefined ? '' : roundBytes(bytes)
}

/** What was counted, unlike what somebody has set, is in units of 1000 alone. */
function roundBytes(bytes: number): string {
  const [unit, size] = bytes >= 1e9 ? ['GB', 1e9] : bytes >= 1e6 ? ['MB', 1e6] : bytes >= 1e3 ? ['KB', 1e3] : ['B', 1]
  return `${Math.round((bytes / size) * 10) / 10} ${unit}`
}
