// Settings of links as users give them: a profile and what differs from it. Pure.
import { accept, type Result, refuse } from '../../protocol/errors.js'
import { leaseMs, settleLink, withInterval } from '../../protocol/link.js'
import { type Link, profileNames, profiles } from '../../protocol/messages/link.js'
import { formatQuiet, parseQuiet } from '../../protocol/quiet.js'
import { type Device, keyOf, type Target, targetsOf } from './model.js'

/** What a user sets. A profile of another name than those that are known begins from `lan`. */
export interface LinkSetting {
  readonly profile: string
  readonly intervalS?: number
  readonly keepaliveS?: number
  readonly metricsS?: number
  readonly reportMs?: number
  readonly changes?: boolean
  readonly usageS?: number
  /** Null: no limit, whatever the profile's. */
  readonly logBytesPerS?: number | null
  readonly logBytes?: number | null
  readonly pulls?: number | null
  /** Such as `22:00-06:00`, in UTC. */
  readonly quiet?: readonly string[]
  /** Bytes a month. */
  readonly budgetBytes?: number | null
}

/** Refuses with `request.invalid` what no link can be. */
export function checkLink(setting: LinkSetting): Result<undefined> {
  const strange = (setting.quiet ?? []).find(text => parseQuiet(text) === undefined)
  if (strange !== undefined) {
    const shown = JSON.stringify(strange.slice(0, 40))
    return refuse('request.invalid', `quiet hours are two times of the day in UTC, such as 22:00-06:00, and not ${shown}`, 'quiet')
  }
  const { keepaliveS } = linkOf(setting)
  if (setting.keepaliveS !== undefined && keepaliveS !== setting.keepaliveS) {
    return refuse('request.invalid', `keepaliveS is twice intervalS and 2 s at least: ${keepaliveS}`, 'keepaliveS')
  }
  return accept(undefined)
}

/** The whole link that a setting comes to. One that was stored when other bounds held comes to the nearest that holds now. */
export function linkOf({ quiet = [], budgetBytes: _, ...given }: LinkSetting): Link {
  const hours = quiet.flatMap(text => parseQuiet(text) ?? [])
  const merged = { ...baseOf(given.profile), ...given, ...(hours.length === 0 ? {} : { quiet: hours }) }
  const link = withoutNulls(merged)
  return withInterval(link, link.intervalS)
}

/** Settings by their target, as `keyOf` names it. */
export type LinkSettings = ReadonlyMap<string, LinkSetting>

/** How a device is to use its link, and who says so; null: nobody, so it is as the agent was started. */
export interface DeviceLink {
  readonly link: Link
  readonly of: Target | null
  readonly budgetBytes: number | null
}

/** Of a device's groups. What the device's agent was started with is known by what it does. */
export function deviceLink(
  device: Pick<Device, 'id' | 'intervalS' | 'signs'>,
  groups: readonly string[],
  settings: LinkSettings,
): DeviceLink {
  const of = targetsOf(device.id, [...groups].sort()).find(target => settings.has(keyOf(target)))
  const setting = of && settings.get(keyOf(of))
  const own = { link: setting && linkOf(setting), intervalS: device.intervalS ?? undefined }
  const link = settleLink({ device: own, groups: [], ownS: device.signs.intervalS })
  return { link, of: of ?? null, budgetBytes: setting?.budgetBytes ?? null }
}

/** A link as it is shown: everything that holds, null for what has no limit. */
export interface ShownLink {
  readonly profile: string
  readonly intervalS: number
  readonly keepaliveS: number
  readonly metricsS: number
  readonly reportMs: number
  readonly changes: boolean
  readonly usageS: number
  readonly logBytesPerS: number | null
  readonly logBytes: number | null
  readonly pulls: number | null
  readonly quiet: readonly string[]
  readonly budgetBytes: number | null
  /** After its last heartbeat a device that stays silent is NotReady. */
  readonly notReadyAfterS: number
}

export function showLink(link: Link, budgetBytes: number | null = null): ShownLink {
  const { profile, intervalS, keepaliveS, metricsS, reportMs, usageS } = link
  return {
    profile,
    intervalS,
    keepaliveS,
    metricsS,
    reportMs,
    changes: link.changes ?? false,
    usageS,
    logBytesPerS: link.logBytesPerS ?? null,
    logBytes: link.logBytes ?? null,
    pulls: link.pulls ?? null,
    quiet: (link.quiet ?? []).map(formatQuiet),
    budgetBytes,
    notReadyAfterS: leaseMs(intervalS) / 1000,
  }
}

function baseOf(profile: string): Link {
  const known = profileNames.find(name => name === profile)
  return profiles[known ?? 'lan']
}

/** Whatever has no limit is absent. */
function withoutNulls(merged: object): Link {
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null)) as unknown as Link
}
