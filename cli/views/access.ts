// Users and tokens as people read them.
import type { AccessToken, User } from '../api/access.js'
import { ageOf, type Column, formatAge } from '../table.js'

export function userColumns(now: number): readonly Column<User>[] {
  return [
    { title: 'NAME', cell: user => user.name },
    { title: 'ROLE', cell: user => user.role },
    { title: 'GROUPS', cell: formatGroups },
    { title: 'SEEN', cell: user => ageOf(user.lastSeen, now) },
    { title: 'PASSWORD', cell: user => (user.oneTimePassword ? 'one-time' : 'own') },
    { title: 'AGE', cell: user => ageOf(user.createdAt, now), wide: true },
  ]
}

export function accessTokenColumns(now: number): readonly Column<AccessToken>[] {
  return [
    { title: 'NAME', cell: token => token.name },
    { title: 'ROLE', cell: token => token.role },
    { title: 'GROUPS', cell: formatGroups },
    { title: 'SEEN', cell: token => ageOf(token.lastSeen, now) },
    { title: 'LEFT', cell: token => leftOf(token, now), colour: token => (leftOf(token, now) === 'none' ? 'red' : undefined) },
    { title: 'ID', cell: token => token.id, wide: true },
    { title: 'BY', cell: token => token.createdBy, wide: true },
    { title: 'AGE', cell: token => ageOf(token.createdAt, now), wide: true },
  ]
}

function formatGroups({ groups }: { readonly groups: readonly string[] | null }): string {
  return groups === null ? 'all' : groups.join(',')
}

function leftOf({ expiresAt }: AccessToken, now: number): string {
  const left = Date.parse(expiresAt) - now
  return left <= 0 ? 'none' : formatAge(left)
}
