// How a command fails: its exit code, the line that it prints, and what to do about it.

import { type ErrorCode, type ErrorKind, errorKinds, type Refusal, SkerryError } from '../protocol/errors.js'
import { clean } from './table.js'

const exitCodes: Record<ErrorKind, number> = {
  invalid: 4,
  'not-found': 3,
  conflict: 4,
  refused: 4,
  'too-large': 4,
  unavailable: 1,
  timeout: 5,
  internal: 1,
}

const hints: Partial<Record<ErrorCode, string>> = {
  'server.unavailable': 'start one with `skerry up`, or name it with --server, SKERRY_SERVER or a context',
  'auth.refused': 'log in with `skerry login`, or run this as the user of the server’s data folder',
  'auth.forbidden': 'see `skerry whoami`',
  'user.unknown': 'see `skerry user list`',
  'device.unknown': 'see `skerry get devices`',
  'group.unknown': 'see `skerry get groups`',
  'app.unknown': 'see `skerry get apps`',
  'group.not-empty': 'delete its apps first, or use --force',
  'listener.insecure': 'use TLS, or listen on 127.0.0.1',
  'port.in-use': 'stop what listens there, or choose another port',
}

/** A failure that a command found itself, where the exit code does not follow from the error's kind. */
export class CommandFailure extends SkerryError {
  readonly exitCode: number
  /** What to do; absent: what is advised for the code in general. */
  readonly hint: string | undefined

  constructor(exitCode: number, refusal: Refusal, hint?: string) {
    super(refusal.code, refusal.message, { path: refusal.path })
    this.exitCode = exitCode
    this.hint = hint
  }
}

export function usageError(message: string): SkerryError {
  return new SkerryError('usage.invalid', message)
}

export function exitCodeOf(error: SkerryError): number {
  if (error instanceof CommandFailure) return error.exitCode
  if (error.code === 'usage.invalid' || error.code === 'config.invalid') return 2
  return exitCodes[errorKinds[error.code]]
}

export function formatRefusal(refusal: Refusal): string {
  const place = refusal.path === undefined ? '' : ` at ${clean(refusal.path)}`
  return `${clean(refusal.message)} (${refusal.code})${place}`
}

/** The lines for standard error: every fault, and what to do. */
export function formatError(error: SkerryError): string {
  const lines = [error.refusal, ...error.others].map(refusal => `error: ${formatRefusal(refusal)}`)
  const hint = hintOf(error)
  return [...lines, ...(hint === undefined ? [] : [`  ${hint}`])].join('\n')
}

function hintOf(error: SkerryError): string | undefined {
  return (error instanceof CommandFailure ? error.hint : undefined) ?? hints[error.code]
}

/** The same as a problem in JSON (RFC 9457, without a status: this is no HTTP answer). */
export function formatProblem(error: SkerryError): string {
  const { code, message, path } = error.refusal
  const errors = error.others.length === 0 ? {} : { errors: [error.refusal, ...error.others] }
  const hint = hintOf(error)
  const optional = { ...(path === undefined ? {} : { path }), ...(hint === undefined ? {} : { hint }), ...errors }
  return JSON.stringify({ type: 'about:blank', title: code, code, detail: message, ...optional })
}

/** Anything that was thrown, as an error with a code. */
export function asSkerryError(thrown: unknown): SkerryError {
  if (thrown instanceof SkerryError) return thrown
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  if (code === 'EADDRINUSE') return new SkerryError('port.in-use', message, { cause: thrown })
  if (code === 'EACCES' || code === 'ENOENT' || code === 'EISDIR') return new SkerryError('usage.invalid', message, { cause: thrown })
  return new SkerryError('internal', message, { cause: thrown })
}
