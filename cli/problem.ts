// Reads a server's refusal: problem JSON (RFC 9457) as an error with its code. Pure.
import { isErrorCode, type Refusal, SkerryError } from '../protocol/errors.js'

/** Undefined if the text is no problem of Skerry's. */
export function parseProblem(text: string): SkerryError | undefined {
  const problem = parseObject(text)
  const top = toRefusal({ ...problem, message: problem.detail })
  if (top === undefined) return undefined
  const listed = Array.isArray(problem.errors) ? problem.errors.map(toRefusal).filter(each => each !== undefined) : []
  const same = (each: Refusal): boolean => each.code === top.code && each.message === top.message && each.path === top.path
  return new SkerryError(top.code, top.message, { path: top.path, others: listed.filter(each => !same(each)) })
}

/** The fault that ends a stream of lines, if this is it. */
export function faultOf(line: unknown): SkerryError | undefined {
  if (typeof line !== 'object' || line === null || !('fault' in line)) return undefined
  const { code, message, path } = toRefusal(line.fault) ?? { code: 'internal', message: JSON.stringify(line.fault), path: undefined }
  return new SkerryError(code, message, { path })
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

function toRefusal(value: unknown): Refusal | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { code, message, path } = value as Record<string, unknown>
  if (typeof code !== 'string' || !isErrorCode(code)) return undefined
  const refusal = { code, message: typeof message === 'string' ? message : code }
  return typeof path === 'string' && path !== '' ? { ...refusal, path } : refusal
}
