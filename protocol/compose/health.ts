// Health checks, in the form that the Engine takes.
import { sortKeys } from './canonical.js'
import { type Item, isList, type Report } from './item.js'
import type { Healthcheck } from './project.js'
import { type Draft, type Fields, field, integerOf, listOf, type Reader, readFields, readFlag, readScalar, readText } from './read.js'
import { readDurationMs } from './units.js'

type Health = Healthcheck & { readonly disable: boolean }

/** A string is a shell's; a list begins with NONE, CMD or CMD-SHELL. */
const readTest: Reader<readonly string[]> = (item, report) => {
  if (!isList(item.value)) {
    const line = readText(item, report)
    if (line === undefined) return undefined
    return line === '' ? report.refuse(item, 'compose.schema', 'the test is empty') : ['CMD-SHELL', line]
  }
  const [kind, ...words] = listOf(readScalar)(item, report) ?? []
  if (kind === undefined) return undefined
  if (kind === 'NONE') return ['NONE']
  if ((kind === 'CMD' || kind === 'CMD-SHELL') && words.length > 0) return kind === 'CMD' ? [kind, ...words] : [kind, words.join(' ')]
  return report.refuse(item, 'compose.schema', 'the test must be a text or begin with NONE, CMD or CMD-SHELL and then have a command')
}

/** 0 means the image's own, so it is left out. */
const readInterval: Reader<number> = (item, report) => {
  const ms = readDurationMs(item, report)
  return ms === 0 ? zeroOrTooShort(item, report) : ms
}

function zeroOrTooShort(item: Item, report: Report): undefined {
  if (!/^(0[a-zµ]*)+$/.test(String(item.value))) report.refuse(item, 'compose.schema', 'the Engine takes no time shorter than 1ms')
}

const fields: Fields<Draft<Health>> = {
  read: {
    test: field('test', readTest),
    disable: field('disable', readFlag),
    interval: field('intervalMs', readInterval),
    timeout: field('timeoutMs', readInterval),
    start_period: field('startPeriodMs', readInterval),
    start_interval: field('startIntervalMs', readInterval),
    retries: field('retries', integerOf(0, 1_000_000)),
  },
}

export const readHealthcheck: Reader<Healthcheck> = (item, report) => {
  const draft: Draft<Health> = {}
  readFields(item, fields, draft, report)
  const { disable, ...health } = draft
  if (disable === true || health.test?.[0] === 'NONE') return { test: ['NONE'] }
  if (health.retries === 0) delete health.retries
  return Object.keys(health).length === 0 ? undefined : sortKeys(health)
}
