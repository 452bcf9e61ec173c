// Every failure as problem JSON (RFC 9457): the same codes as everywhere else, the status by the kind of the code.
import type { FastifyError } from 'fastify'
import { type ErrorCode, type ErrorKind, errorKinds, type Refusal, SkerryError } from '../../protocol/errors.js'
import type { Problem } from './schemas/basics.js'

const statuses: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  'not-found': 404,
  conflict: 409,
  refused: 403,
  'too-large': 413,
  unavailable: 503,
  timeout: 504,
  internal: 500,
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

/** `tooLarge` is the code for a body above the route's limit. */
export function problemOf(error: unknown, tooLarge: ErrorCode): Problem {
  const [first, ...others] = refusalsOf(error, tooLarge)
  const status = statusOf(first.code)
  return {
    type: 'about:blank',
    title: titles[status] ?? 'Error',
    status,
    code: first.code,
    detail: first.message,
    ...(first.path === undefined ? {} : { path: first.path }),
    ...(others.length === 0 ? {} : { errors: [first, ...others] }),
  }
}

export function statusOf(code: ErrorCode): number {
  if (code === 'auth.refused') return 401
  if (code === 'auth.limited') return 429
  return code === 'media.unsupported' ? 415 : statuses[errorKinds[code]]
}

function refusalsOf(error: unknown, tooLarge: ErrorCode): readonly [Refusal, ...Refusal[]] {
  if (error instanceof SkerryError) return [error.refusal, ...error.others]
  if (isCutShort(error)) return [{ code: 'request.invalid', message: 'the connection ended before the body did' }]
  if (!isFastifyError(error)) return [internal]
  if (error.validation !== undefined) return validationRefusals(error)
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return [
      {
        code: tooLarge,
        message: 'the body is larger than this route takes',
      },
    ]
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return [{ code: 'media.unsupported', message: 'this route takes no body of that type' }]
  if (error.statusCode !== undefined && error.statusCode < 500) return [{ code: 'request.invalid', message: error.message }]
  return [internal]
}

const internal: Refusal = { code: 'internal', message: 'something failed here; the log says what' }

function validationRefusals({ validation = [], validationContext }: FastifyError): readonly [Refusal, ...Refusal[]] {
  const told = validation.filter(fault => !echoes.has(fault.keyword))
  const [first = { code: 'request.invalid', message: 'the request is not as it should be' }, ...others] = (
    told.length > 0 ? told : validation
  ).map((fault): Refusal => {
    const path = pathOf(fault.instancePath)
    const where = path === '' ? (validationContext ?? '') : path
    return { code: 'request.invalid', message: describeFault(fault), ...(where === '' ? {} : { path: where }) }
  })
  return [first, ...others.slice(0, 20)]
}

/** What the validator adds to faults that it has told already. */
const echoes = new Set(['anyOf', 'additionalProperties'])

type Fault = NonNullable<FastifyError['validation']>[number]

function describeFault({ keyword, params, message }: Fault): string {
  if (keyword === 'boolean') return 'there is no such property here'
  const { allowedValues } = params
  if (keyword === 'enum' && Array.isArray(allowedValues)) return `must be one of ${allowedValues.join(', ')}`
  return message ?? 'not valid'
}

/** A JSON pointer as a path: `/devices/0` is `devices[0]`. */
function pathOf(pointer: string): string {
  const segments = pointer.split('/').slice(1)
  return segments.reduce(
    (path, segment) => (/^\d+$/.test(segment) ? `${path}[${segment}]` : path === '' ? segment : `${path}.${segment}`),
    '',
  )
}

/** As Node tells fastify; nobody is there to read the answer, and nothing is wrong here. */
function isCutShort(error: unknown): boolean {
  return error instanceof Error && 'statusCode' in error && error.statusCode === 400 && 'code' in error && error.code === 'ECONNRESET'
}

function isFastifyError(error: unknown): error is FastifyError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('FST_')
}
