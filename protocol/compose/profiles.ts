// Which services are on: those without profiles, and those with one that is on.

import { readTexts } from './attributes.js'
import { childOf, entriesOf, type Item, isList, quote, type Report } from './item.js'

export interface Selection {
  readonly on: ReadonlyMap<string, Item>
  readonly off: ReadonlyMap<string, Item>
}

/** A service that is on may not need one that is off. */
export function selectServices(services: ReadonlyMap<string, Item>, report: Report): Selection {
  let active: ReadonlySet<string> | undefined
  const isActive = (profile: string) => {
    active ??= activeProfiles(report)
    return active.has('*') || active.has(profile)
  }
  const [on, off] = [new Map<string, Item>(), new Map<string, Item>()]
  for (const [name, service] of services) {
    const wanted = profilesOf(service, report)
    const isOn = wanted.length === 0 || wanted.some(isActive)
    ;(isOn ? on : off).set(name, service)
  }
  for (const service of off.size === 0 ? [] : on.values()) checkNeeds(service, off, report)
  return { on, off }
}

function activeProfiles(report: Report): ReadonlySet<string> {
  const named = report.variable('COMPOSE_PROFILES') ?? ''
  return new Set([...report.source.profiles, ...named.split(',').map(profile => profile.trim())].filter(profile => profile !== ''))
}

function profilesOf(service: Item, report: Report): readonly string[] {
  const item = childOf(service, 'profiles')
  return item === undefined || item.value === null ? [] : (readTexts(item, report) ?? [])
}

function checkNeeds(service: Item, off: ReadonlyMap<string, Item>, report: Report): void {
  const needs = childOf(service, 'depends_on')
  const names =
    needs !== undefined && isList(needs.value) ? needs.value.map(entry => [String(entry.value), entry] as const) : entriesOf(needs)
  for (const [name, entry] of names) {
    if (off.has(name) && String(childOf(entry, 'required')?.value) !== 'false')
      report.refuse(entry, 'compose.inconsistent', `the service ${quote(name)} is off: none of its profiles is on`)
  }
}
