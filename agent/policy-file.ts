// The file with the device's policy: what its owner has written, read anew when it changes.
import { statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { accept, type Result, refuse } from '../protocol/errors.js'
import { type DevicePolicy, defaultPolicy } from './core/device-policy.js'
import { readPolicy } from './core/policy-reader.js'

const maxBytes = 256 * 1024
/** Bits of the file's mode: others may write it. */
const openMode = 0o002

/** What stands at `file`; what holds without one, if there is none and it need not be there. Refuses with `config.invalid` and the place of each fault. */
export async function loadPolicy(file: string, isNeeded: boolean): Promise<Result<DevicePolicy>> {
  try {
    const stats = statSync(file, { throwIfNoEntry: false })
    if (stats === undefined) {
      return isNeeded ? refuse('config.invalid', 'there is no such policy file', file) : accept(defaultPolicy)
    }
    if ((stats.mode & openMode) !== 0)
      return refuse('config.invalid', 'everybody may write the policy: take that right away (chmod o-w)', file)
    if (stats.size > maxBytes) return refuse('config.invalid', `a policy has at most ${maxBytes} bytes`, file)
    return await parsePolicy(await readFile(file, 'utf8'), file)
  } catch (cause) {
    return refuse('config.invalid', `the policy cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, file)
  }
}

/** Tells one state of the file from another; undefined if there is none. */
export function stampOf(file: string): string | undefined {
  try {
    const stats = statSync(file, { throwIfNoEntry: false })
    return stats && [stats.ino, stats.size, stats.mtimeMs, stats.ctimeMs].join(' ')
  } catch (error) {
    return String(error)
  }
}

export async function parsePolicy(text: string, file: string): Promise<Result<DevicePolicy>> {
  // Loaded here, as most devices have no such file.
  const { isMap, isScalar, LineCounter, parseDocument } = await import('yaml')
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false } as object)
  const placeAt = (offset: number): string => `${file}:${lines.linePos(offset).line || 1}`
  const [fault] = document.errors
  if (fault !== undefined) return refuse('config.invalid', fault.message, placeAt(fault.pos[0]))
  if (document.contents === null) return readPolicy([])
  if (!isMap(document.contents)) return refuse('config.invalid', 'expected lines of the form `rule: value`', `${file}:1`)
  return readPolicy(
    document.contents.items.map(({ key, value }) => ({
      key: isScalar(key) ? String(key.value) : '',
      value: (value as { toJS?: (of: unknown, options: object) => unknown } | null)?.toJS?.(document, { maxAliasCount: 0 }),
      place: placeAt(isScalar(key) ? (key.range?.[0] ?? 0) : 0),
    })),
  )
}
