// What went wrong at the Engine, by a stable code instead of its words.
import { type ErrorCode, SkerryError } from '../protocol/errors.js'

/** The first that fits; taken from the Engine's, its drivers' and the registries' sentences. */
const meanings: readonly (readonly [RegExp, ErrorCode])[] = [
  [/no space left on device|disk quota exceeded|not enough space/i, 'disk.full'],
  [/port is already allocated|bind: address already in use|ports are not available/i, 'port.in-use'],
  [/is already in use by container|name .* is already in use|(network|volume) (with name|named) .* already exists/i, 'name.in-use'],
  [/pool overlaps|non-overlapping|overlaps with other one|^address already in use|requested address is already/i, 'network.overlap'],
  [/client version .* is too new|requires (at least )?API version/i, 'engine.too-old'],
  [
    /no such image|manifest unknown|manifest for .* not found|pull access denied|repository does not exist|match the (specified|requested) platform|no matching manifest/i,
    'image.unavailable',
  ],
]

const unreachable = ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EACCES', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENOTFOUND', 'ABORT_ERR']

/** An Engine's or socket's error as a SkerryError. `otherwise` is the code for what has no meaning of its own. */
export function engineError(error: unknown, otherwise: ErrorCode = 'engine.refused'): SkerryError {
  if (error instanceof SkerryError) return error
  const status = fieldOf(error, 'statusCode')
  const message = reasonOf(error)
  if (status === undefined && isUnreachable(error)) {
    return new SkerryError('engine.unavailable', `the Docker Engine does not answer: ${message}`, { cause: error })
  }
  const code = meanings.find(([pattern]) => pattern.test(message))?.[1] ?? otherwise
  const serverFault = typeof status === 'number' && status >= 500 && code === 'engine.refused'
  return new SkerryError(code, message, serverFault ? { cause: error, retryable: true } : { cause: error })
}

export function statusOf(error: unknown): number | undefined {
  const status = fieldOf(error, 'statusCode')
  return typeof status === 'number' ? status : undefined
}

function isUnreachable(error: unknown): boolean {
  const code = fieldOf(error, 'code')
  const name = fieldOf(error, 'name')
  return (
    (typeof code === 'string' && unreachable.includes(code)) ||
    name === 'AbortError' ||
    name === 'TimeoutError' ||
    /socket hang up/.test(reasonOf(error))
  )
}

/** The Engine's own sentence, without the client's frame around it. */
function reasonOf(error: unknown): string {
  const inner = fieldOf(fieldOf(error, 'json'), 'message')
  if (typeof inner === 'string') return inner.trim()
  const message = error instanceof Error ? error.message : String(error)
  return message.replace(/^\(HTTP code \d+\) .*? - /, '').trim()
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}
