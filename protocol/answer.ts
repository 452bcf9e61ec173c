// What a command is answered with: a plain integer, a short text, and JSON with everything.

import type { Verb } from './command-topics.js'
import { type ErrorCode, type ErrorKind, errorKinds, type Refusal } from './errors.js'
import type { RunState } from './messages/manifest.js'

/** 0 is ok. A number, once released, keeps its meaning. */
export const answerCodes = {
  invalid: 1,
  'not-found': 2,
  conflict: 3,
  refused: 4,
  'too-large': 5,
  unavailable: 6,
  timeout: 7,
  internal: 8,
} as const satisfies Record<ErrorKind, number>

export interface Answer {
  readonly code: number
  /** One line of at most 100 characters. */
  readonly text: string
  readonly id?: string
  readonly verb?: Verb
  readonly app?: string
  /** False if all was so already. */
  readonly changed?: boolean
  readonly revision?: number
  /** The name of that revision, if it has one. */
  readonly version?: string
  readonly run?: RunState
  /** Of an answer to a permit: what was said; null: that there is none any more. */
  readonly permit?: 0 | 1 | null
  readonly leaseS?: number
  /** True for the answer of before to an id that came again. */
  readonly repeated?: boolean
  readonly error?: ErrorCode
  readonly message?: string
  readonly path?: string
  /** Further refusals of the same command. */
  readonly others?: readonly Refusal[]
  readonly warnings?: readonly Refusal[]
}

const maxTextChars = 100
const maxMessageChars = 1000
const maxRefusals = 10

type About = Pick<Answer, 'id' | 'verb' | 'app' | 'warnings'>

export function refusalAnswer(refusals: readonly [Refusal, ...Refusal[]], about: About): Answer {
  const [first, ...others] = refusals
  return {
    code: answerCodes[errorKinds[first.code]],
    text: line(`${first.code}: ${first.message}`),
    ...limited(about),
    error: first.code,
    ...shorten(first),
    ...(others.length === 0 ? {} : { others: others.slice(0, maxRefusals).map(limit) }),
  }
}

export function okAnswer(
  text: string,
  done: Pick<Answer, 'changed' | 'revision' | 'version' | 'run' | 'permit' | 'leaseS'>,
  about: About,
): Answer {
  return { code: 0, text: line(text), ...limited(about), ...done }
}

function limited({ warnings = [], ...about }: About): About {
  return warnings.length === 0 ? about : { ...about, warnings: warnings.slice(0, maxRefusals).map(limit) }
}

function limit(refusal: Refusal): Refusal {
  return { code: refusal.code, ...shorten(refusal) }
}

function shorten({ message, path }: Refusal): Omit<Refusal, 'code'> {
  const short = message.slice(0, maxMessageChars)
  return path === undefined ? { message: short } : { message: short, path: path.slice(0, maxMessageChars) }
}

function line(text: string): string {
  const flat = text.replace(/\s+/g, ' ').trim()
  return flat.length > maxTextChars ? `${flat.slice(0, maxTextChars - 1)}…` : flat
}
