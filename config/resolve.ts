// Decides every setting's value: flag, then environment variable, then line in the file, then default. Pure.
import { accept, type Refusal, type Result } from '../protocol/errors.js'
import { isSecret, keyOf, variableOf } from './names.js'
import { type SettingName, type Settings, type Surroundings, settingNames, settings } from './settings.js'

/** One `key: value` line of the file. `text` is undefined where the value is no plain text or number. */
export interface FileLine {
  readonly key: string
  readonly text: string | undefined
  /** `file:line`, as editors open it. */
  readonly place: string
}

export interface Sources {
  /** By setting name, as the command line gave them. */
  readonly flags: Readonly<Record<string, unknown>>
  readonly file: readonly FileLine[]
  readonly around: Surroundings
}

export interface Resolved {
  readonly values: Settings
  /** Where each value that is no default came from: `--mqtt-port`, `SKERRY_MQTT_PORT` or `file:line`. */
  readonly places: Readonly<Partial<Record<SettingName, string>>>
}

/** Variables that are read, but are no settings; and those that a cluster sets for a service called skerry. */
const otherVariables = /^SKERRY_(CONFIG|CONTEXT|CONTEXTS|SERVICE_.*|PORT|PORT_\d.*)$/

/** Refuses with `config.invalid`, naming the place of each fault: every unknown key and every value that does not have its form. */
export function resolveSettings(sources: Sources): Result<Resolved> {
  const refusals: Refusal[] = [...unknownVariables(sources), ...unknownLines(sources.file)]
  const values: Record<string, unknown> = {}
  const places: Partial<Record<SettingName, string>> = {}
  for (const name of settingNames) {
    const given = find(sources, name)
    if (given === undefined) {
      values[name] = settings[name].fallback(sources.around)
      continue
    }
    const { form } = settings[name]
    values[name] = given.text === undefined || given.text === '' ? undefined : form.parse(given.text)
    places[name] = given.place
    if (values[name] === undefined) refusals.push(invalid(`${shown(name, given.text)} is not ${form.rule}`, given.place))
  }
  const [first, ...others] = refusals
  // `values` has every name, each with the type that its form gives.
  return first === undefined ? accept({ values: values as unknown as Settings, places }) : { ok: false, refusals: [first, ...others] }
}

function find(sources: Sources, name: SettingName): { text: string | undefined; place: string } | undefined {
  const flag = sources.flags[name]
  if (typeof flag === 'string' && !isSecret(name)) return { text: flag, place: `--${keyOf(name)}` }
  const variable = sources.around.env[variableOf(name)]
  if (variable !== undefined && variable !== '') return { text: variable, place: variableOf(name) }
  return sources.file.findLast(line => line.key === keyOf(name))
}

function unknownVariables(sources: Sources): Refusal[] {
  const known = new Set(settingNames.map(variableOf))
  return Object.keys(sources.around.env)
    .filter(variable => variable.startsWith('SKERRY_') && !known.has(variable) && !otherVariables.test(variable))
    .map(variable => invalid(`no setting is called ${variable}${meant(variable, [...known])}`, variable))
}

function unknownLines(file: readonly FileLine[]): Refusal[] {
  const known = settingNames.map(keyOf)
  return file
    .filter(line => !known.includes(line.key))
    .map(line => invalid(`no setting is called ${JSON.stringify(line.key)}${meant(line.key, known)}`, line.place))
}

/** A known name that differs only in its signs and case, as a question. */
function meant(name: string, known: readonly string[]): string {
  const plain = (text: string): string => text.toLowerCase().replace(/[^a-z]/g, '')
  const near = known.find(candidate => plain(candidate) === plain(name))
  return near === undefined ? '' : `; did you mean ${near}?`
}

function shown(name: SettingName, text: string | undefined): string {
  if (text === undefined) return 'this value'
  return isSecret(name) ? 'the secret' : JSON.stringify(text.slice(0, 80))
}

function invalid(message: string, path: string): Refusal {
  return { code: 'config.invalid', message, path }
}
