// Links as people read them.
import type { Link, LinkStanding } from '../api/links.js'
import { type Column, formatBytes, formatFields, formatSeconds } from '../table.js'

export const linkColumns: readonly Column<Link>[] = [
  { title: 'PROFILE', cell: link => link.profile },
  { title: 'HEARTBEAT', cell: link => formatSeconds(link.intervalS) },
  { title: 'NOT READY AFTER', cell: link => formatSeconds(link.notReadyAfterS) },
  { title: 'METRICS', cell: metricsOf },
  { title: 'REPORTS', cell: reportsOf },
  { title: 'LOGS', cell: logsOf },
  { title: 'PULLS', cell: link => String(link.pulls ?? 'any') },
  { title: 'KEEP-ALIVE', cell: link => formatSeconds(link.keepaliveS), wide: true },
  { title: 'USAGE', cell: link => `every ${formatSeconds(link.usageS)}`, wide: true },
]

export function describeLink({ link, of, setting }: LinkStanding): string {
  if (link === null) return 'nothing is set: its devices use their links as lan, unless something else is said of them'
  const from = of === null ? 'nobody: it is as the agent was started' : `${of.kind} ${of.name}`
  return formatFields({
    Profile: link.profile,
    'Set by': setting === null || of === null ? from : `${from}: ${JSON.stringify(setting)}`,
    Heartbeat: `every ${formatSeconds(link.intervalS)}`,
    'Not ready': `after ${formatSeconds(link.notReadyAfterS)} of silence`,
    'Keep-alive': formatSeconds(link.keepaliveS),
    Metrics: metricsOf(link),
    Reports: reportsOf(link),
    Usage: `every ${formatSeconds(link.usageS)}`,
    Logs: logsOf(link),
    Pulls: link.pulls === null ? 'any number at a time' : `${link.pulls} at a time`,
    Quiet: link.quiet.length === 0 ? 'never' : `${link.quiet.join(', ')} UTC`,
    Budget: link.budgetBytes === null ? 'none' : `${formatBytes(link.budgetBytes)} a month`,
  })
}

function metricsOf({ metricsS }: Link): string {
  return metricsS === 0 ? 'with each heartbeat' : `every ${formatSeconds(metricsS)}`
}

function reportsOf({ changes, reportMs }: Link): string {
  return `${changes ? 'changes' : 'whole'}, ${reportMs / 1000} s apart`
}

function logsOf({ logBytesPerS, logBytes }: Link): string {
  const rate = logBytesPerS === null ? [] : [`${formatBytes(logBytesPerS)}/s`]
  const limit = logBytes === null ? [] : [`${formatBytes(logBytes)} a request`]
  return [...rate, ...limit].join(', ') || 'any'
}
