// A command as a PLC or SCADA program gives it, read from topic and payload. Pure: any bytes give a command or a refusal.
import type { CommandTopic, Verb } from './command-topics.js'
import { type Content, readContent } from './content.js'
import { accept, type Refusal, type Result, refuse } from './errors.js'
import type { RunState } from './messages/manifest.js'
import { maxSpecBytes } from './messages/spec.js'
import { checkName } from './names.js'
import { ignored, notASwitch, readId, readSwitch, readWhole, shown, textOf } from './values.js'

export type Command = { readonly app: string } /** `version` is the name that its revision is to have. */ & (
  | { readonly verb: 'spec'; readonly compose: string; readonly version?: string }
  | { readonly verb: 'run'; readonly run: RunState }
  | { readonly verb: 'revision'; readonly revision: number | 'previous' }
  | { readonly verb: 'version'; readonly version: string }
  /** `wanted` is false for the 0 of a tag that falls back. */
  | { readonly verb: 'restart'; readonly wanted: boolean }
)

export interface ReadCommand {
  /** The sender's name for this command. */
  readonly id?: string
  /** Wall clock, ms: not to be done after it. */
  readonly expiresAt?: number
  readonly warnings: readonly Refusal[]
  readonly command: Result<Command>
}

/** A compose file, as JSON string with every character escaped, is larger than the file. */
const maxDeployBytes = 2 * maxSpecBytes
const maxBytes = 4096
const maxRevision = 0x7fffffff

/** Keys of the object that a payload may be; the last three are there in what SCADA programs send, and say nothing. */
const knownKeys = new Set(['verb', 'app', 'value', 'compose', 'id', 'expires', 'at', 'timestamp', 'quality'])

/** Never throws, and its time is bounded by the payload's length. */
export function readCommand(topic: CommandTopic, payload: Uint8Array): ReadCommand {
  const most = topic.verb === undefined || topic.verb === 'spec' ? maxDeployBytes : maxBytes
  if (payload.length > most)
    return refused(refuse('message.too-large', `${payload.length} bytes are more than the ${most} that are taken here`))
  const content = readContent(payload)
  if (!content.ok) return refused(content)
  return content.value.kind === 'text' ? fromText(topic, content.value) : fromFields(topic, content.value)
}

function fromText({ app, verb }: CommandTopic, { text, cut }: Content & { kind: 'text' }): ReadCommand {
  if (app === undefined || verb === undefined) {
    return refused(refuse('request.invalid', 'on this topic a command is an object such as {"verb":"run","app":"web","value":1}'))
  }
  const [first] = cut
  // Half a compose file may be a valid one.
  if (verb === 'spec' && first !== undefined) return refused(refuse('request.invalid', 'there is a NUL in the compose file'))
  return { warnings: cut, command: commandOf(app, verb, text) }
}

function fromFields(topic: CommandTopic, { fields, json, cut }: Content & { kind: 'fields' }): ReadCommand {
  if (topic.app !== undefined && topic.verb === 'spec' && !fields.has('compose') && !fields.has('value')) {
    return { warnings: cut, command: accept({ app: topic.app, verb: 'spec', compose: json }) }
  }
  const id = readId(fields.get('id'))
  const expires = readExpiry(fields.get('expires'))
  const isSpec = (topic.verb ?? verbOf(fields.get('verb'))) === 'spec'
  const unknown = [...fields.keys()].filter(key => !knownKeys.has(key) && !(isSpec && key === 'version')).slice(0, 20)
  return {
    ...(id.ok && id.value !== undefined ? { id: id.value } : {}),
    ...(expires.ok && expires.value !== undefined ? { expiresAt: expires.value } : {}),
    warnings: [...cut, ...unknown.map(key => ignored(key.slice(0, 64)))],
    command: !id.ok ? id : !expires.ok ? expires : readVerb(topic, fields),
  }
}

function readVerb(topic: CommandTopic, fields: ReadonlyMap<string, unknown>): Result<Command> {
  const verb = agreed('verb', topic.verb, verbOf(fields.get('verb')), fields)
  if (!verb.ok) return verb
  const app = agreed('app', topic.app, textOf(fields.get('app')), fields)
  if (!app.ok) return app
  const name = checkName('app', app.value)
  if (!name.ok) return name
  const [key, other] = ['value', 'compose'].filter(known => fields.has(known))
  if (other !== undefined) return refuse('request.invalid', 'give either value or compose', other)
  if (key === 'compose' && verb.value !== 'spec') return refuse('request.invalid', 'compose goes with the verb spec', key)
  const command = commandOf(app.value, verb.value, key === undefined && verb.value === 'restart' ? true : fields.get(key ?? 'value'))
  return command.ok && command.value.verb === 'spec' && fields.has('version') ? named(command.value, fields.get('version')) : command
}

function named(command: Command & { verb: 'spec' }, value: unknown): Result<Command> {
  const version = readVersion(value, 'version')
  return version.ok ? accept({ ...command, version: version.value }) : version
}

/** What topic and payload say of the same thing must be the same. */
function agreed<T extends string>(
  key: 'verb' | 'app',
  byTopic: T | undefined,
  byPayload: T | undefined,
  fields: ReadonlyMap<string, unknown>,
): Result<T> {
  if (fields.has(key) && byPayload === undefined) return refuse('request.invalid', `there is no such ${key}`, key)
  const found = byTopic ?? byPayload
  if (found === undefined) return refuse('request.invalid', `${key} is missing`, key)
  if (byTopic !== undefined && byPayload !== undefined && byTopic !== byPayload) {
    return refuse('request.invalid', `the topic says ${byTopic}, the payload ${byPayload.slice(0, 64)}`, key)
  }
  return accept(found)
}

function commandOf(app: string, verb: Verb, value: unknown): Result<Command> {
  switch (verb) {
    case 'spec': {
      const compose = composeOf(value)
      return compose === undefined
        ? refuse('request.invalid', 'compose is neither a text nor an object', 'compose')
        : accept({ app, verb, compose })
    }
    case 'run': {
      const on = readSwitch(value)
      return on === undefined ? notASwitch(value) : accept({ app, verb, run: on ? 'running' : 'stopped' })
    }
    case 'revision': {
      const revision = readRevision(value)
      return revision === undefined
        ? refuse('request.invalid', `${shown(value)} is neither the number of a revision nor previous`, 'value')
        : accept({ app, verb, revision })
    }
    case 'version': {
      const version = readVersion(value, 'value')
      return version.ok ? accept({ app, verb, version: version.value }) : version
    }
    case 'restart': {
      const wanted = readSwitch(value)
      return wanted === undefined ? notASwitch(value) : accept({ app, verb, wanted })
    }
  }
}

function composeOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  try {
    return JSON.stringify(value)
  } catch {
    // Deeper than the stack.
    return undefined
  }
}

function readRevision(value: unknown): number | 'previous' | undefined {
  if (textOf(value)?.toLowerCase() === 'previous') return 'previous'
  const number = readWhole(value)
  return number !== undefined && number >= 1 && number <= maxRevision ? number : undefined
}

/** A number is refused: 2.0 would come as 2, and 1.10 as 1.1. */
function readVersion(value: unknown, key: string): Result<string> {
  const text = textOf(value)
  if (text === undefined) {
    const what = typeof value === 'number' ? 'a number' : shown(value)
    return refuse('request.invalid', `${what} is no version: write its name as a text, such as "2.0"`, key)
  }
  const name = checkName('version', text)
  return name.ok ? name : refuse('name.invalid', name.refusals[0].message, key)
}

/** Seconds since 1970, or a date and time of ISO 8601 with its zone, as ms. */
function readExpiry(value: unknown): Result<number | undefined> {
  if (value === undefined) return accept(undefined)
  const seconds = typeof value === 'number' ? value : Number(/^\d+(\.\d+)?$/.test(textOf(value) ?? '') ? value : Number.NaN)
  if (seconds >= 0 && seconds < 1e11) return accept(seconds * 1000)
  const text = textOf(value) ?? ''
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(time)) return accept(time)
  return refuse('request.invalid', `${shown(value)} is no time: use seconds since 1970 or 2026-01-31T12:00:00Z`, 'expires')
}

const verbWords: Readonly<Record<string, Verb>> = {
  spec: 'spec',
  deploy: 'spec',
  run: 'run',
  revision: 'revision',
  version: 'version',
  restart: 'restart',
}

function verbOf(value: unknown): Verb | undefined {
  const word = textOf(value)?.toLowerCase() ?? ''
  return Object.hasOwn(verbWords, word) ? verbWords[word] : undefined
}

function refused(command: Result<never>): ReadCommand {
  return { warnings: [], command }
}
