// Join tokens and devices that wait, as people read them.
import type { JoinToken, Pending } from '../api/joining.js'
import { ageOf, type Column, formatAge } from '../table.js'
import { formatLabels } from './devices.js'

export function tokenColumns(now: number): readonly Column<JoinToken>[] {
  return [
    { title: 'ID', cell: token => token.id },
    { title: 'NAME', cell: token => token.name },
    { title: 'USED', cell: token => `${token.used}/${token.uses}` },
    { title: 'ENDS', cell: token => endOf(token, now), colour: token => (isGood(token, now) ? undefined : 'dim') },
    { title: 'GROUPS', cell: token => token.groups.join(',') },
    { title: 'LABELS', cell: token => formatLabels(token.labels) },
    { title: 'AGE', cell: token => ageOf(token.createdAt, now), wide: true },
  ]
}

function endOf({ expiresAt }: JoinToken, now: number): string {
  const left = Date.parse(expiresAt) - now
  return left > 0 ? `in ${formatAge(left)}` : 'ended'
}

function isGood({ used, uses, expiresAt }: JoinToken, now: number): boolean {
  return used < uses && Date.parse(expiresAt) > now
}

/** As much of a key as people compare. */
const keyChars = 16

export function pendingColumns(now: number): readonly Column<Pending>[] {
  return [
    { title: 'KEY', cell: item => item.key.slice(0, keyChars) },
    { title: 'ID', cell: item => item.device },
    { title: 'NAME', cell: item => item.facts.name },
    { title: 'STATE', cell: item => item.state, colour: item => (item.state === 'pending' ? 'yellow' : 'dim') },
    { title: 'ADDRESS', cell: item => item.facts.addresses[0] ?? '' },
    { title: 'SINCE', cell: item => ageOf(item.firstAt, now) },
    { title: 'ASKED', cell: item => `${ageOf(item.lastAt, now)} ago` },
    { title: 'WHOLE KEY', cell: item => item.key, wide: true },
    { title: 'OS', cell: item => item.facts.os, wide: true },
    { title: 'ARCH', cell: item => item.facts.architecture, wide: true },
    { title: 'PROCESSOR', cell: item => item.facts.processor, wide: true },
  ]
}
