// The one way a refusal looks: a stable code, a sentence, and where the fault is; the same in API, CLI, page and MQTT.

/** What kind of refusal a code is; HTTP statuses and exit codes derive from the kind alone. */
export type ErrorKind = 'invalid' | 'not-found' | 'conflict' | 'refused' | 'too-large' | 'unavailable' | 'timeout' | 'internal'

/** Every code that Skerry ever answers with. A code, once released, keeps its meaning. */
export const errorKinds = {
  'request.invalid': 'invalid',
  'name.invalid': 'invalid',
  'topic.invalid': 'invalid',
  'message.invalid': 'invalid',
  'message.too-large': 'too-large',
  'message.version': 'invalid',
  'spec.too-large': 'too-large',
  'spec.digest': 'invalid',
  'spec.invalid': 'invalid',
  'compose.yaml': 'invalid',
  'compose.too-complex': 'invalid',
  'compose.schema': 'invalid',
  'compose.unknown': 'invalid',
  'compose.unsupported': 'invalid',
  'compose.inconsistent': 'invalid',
  'compose.variable': 'invalid',
  'config.invalid': 'invalid',
  'usage.invalid': 'invalid',
  'media.unsupported': 'invalid',
  'route.unknown': 'not-found',
  'device.unknown': 'not-found',
  'device.unavailable': 'unavailable',
  'device.busy': 'unavailable',
  'device.held': 'unavailable',
  'group.unknown': 'not-found',
  'app.unknown': 'not-found',
  'revision.unknown': 'not-found',
  'version.unknown': 'not-found',
  'version.exists': 'conflict',
  'value.unknown': 'not-found',
  'service.unknown': 'not-found',
  'request.unknown': 'invalid',
  'request.expired': 'unavailable',
  'request.repeated': 'refused',
  'response.lost': 'unavailable',
  'file.unknown': 'not-found',
  'group.exists': 'conflict',
  'group.not-empty': 'conflict',
  'app.conflict': 'conflict',
  'property.read-only': 'refused',
  'listener.insecure': 'refused',
  'auth.refused': 'refused',
  'auth.forbidden': 'refused',
  'auth.limited': 'unavailable',
  'auth.password': 'invalid',
  'user.unknown': 'not-found',
  'user.exists': 'conflict',
  'token.unknown': 'not-found',
  'token.invalid': 'refused',
  'token.expired': 'refused',
  'token.spent': 'refused',
  'join.key': 'refused',
  'join.pending': 'unavailable',
  'join.rejected': 'refused',
  'join.busy': 'unavailable',
  'identity.conflict': 'conflict',
  'identity.missing': 'refused',
  'device.exists': 'conflict',
  'ca.mismatch': 'refused',
  'certificate.invalid': 'refused',
  'certificate.expired': 'refused',
  'certificate.revoked': 'refused',
  'manifest.unsigned': 'refused',
  'manifest.forged': 'refused',
  'manifest.foreign': 'refused',
  'manifest.replayed': 'refused',
  'policy.denied': 'refused',
  'image.denied': 'refused',
  'audit.broken': 'conflict',
  'command.retained': 'refused',
  'command.expired': 'refused',
  'command.repeated': 'conflict',
  'command.busy': 'unavailable',
  'state.in-use': 'conflict',
  'engine.unavailable': 'unavailable',
  'engine.refused': 'invalid',
  'engine.too-old': 'refused',
  'image.unavailable': 'unavailable',
  'pull.deferred': 'unavailable',
  'log.limited': 'too-large',
  'clock.wrong': 'unavailable',
  'port.in-use': 'conflict',
  'name.in-use': 'conflict',
  'disk.full': 'unavailable',
  'network.overlap': 'conflict',
  'service.unhealthy': 'unavailable',
  'service.exited': 'unavailable',
  'service.crash-loop': 'unavailable',
  'dependency.failed': 'unavailable',
  'broker.unavailable': 'unavailable',
  'server.unavailable': 'unavailable',
  'wait.timeout': 'timeout',
  internal: 'internal',
} as const satisfies Record<string, ErrorKind>

export type ErrorCode = keyof typeof errorKinds

/** Why something was not done, as data: what (`message`), where (`path`), what to do (in `message`). */
export interface Refusal {
  readonly code: ErrorCode
  readonly message: string
  /** Where in the input the fault is, such as `services.web.ports[0]`. */
  readonly path?: string
}

/** The outcome of a check: a value, or every reason against it (at least one). */
export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusals: readonly [Refusal, ...Refusal[]] }

export const accept = <T>(value: T): Result<T> => ({ ok: true, value })

export function refuse(code: ErrorCode, message: string, path?: string): { readonly ok: false; readonly refusals: readonly [Refusal] } {
  return { ok: false, refusals: [path === undefined ? { code, message } : { code, message, path }] }
}

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorKinds, text)
}

/** Failed I/O or a broken invariant. Loops decide by `retryable`, never by the text. */
export class SkerryError extends Error {
  override readonly name = 'SkerryError'
  readonly code: ErrorCode
  readonly retryable: boolean
  readonly path: string | undefined
  /** Further refusals of the same request, when there are several. */
  readonly others: readonly Refusal[]

  constructor(
    code: ErrorCode,
    message: string,
    more: { cause?: unknown; retryable?: boolean; path?: string | undefined; others?: readonly Refusal[] } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause })
    this.code = code
    this.retryable = more.retryable ?? errorKinds[code] === 'unavailable'
    this.path = more.path
    this.others = more.others ?? []
  }

  get kind(): ErrorKind {
    return errorKinds[this.code]
  }

  get refusal(): Refusal {
    return this.path === undefined
      ? { code: this.code, message: this.message }
      : { code: this.code, message: this.message, path: this.path }
  }
}

/** The value of a result; throws its first refusal as a {@link SkerryError}, the rest in `others`. */
export function unwrap<T>(result: Result<T>): T {
  if (result.ok) return result.value
  const [first, ...others] = result.refusals
  throw new SkerryError(first.code, first.message, { path: first.path, others, retryable: false })
}
