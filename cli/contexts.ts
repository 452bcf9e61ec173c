// The servers that a user has named: kept in ~/.config/skerry/contexts.yaml, readable by that user only.
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { SkerryError } from '../protocol/errors.js'

export interface Context {
  readonly url: string
  readonly token?: string
  /** Certificates (PEM) of the CAs to trust there, instead of the system's. */
  readonly ca?: string
}

export interface Contexts {
  readonly current?: string
  readonly contexts: Readonly<Record<string, Context>>
}

/** SKERRY_CONTEXTS, or contexts.yaml in the user's configuration folder. */
export function contextsFile(env: Readonly<Record<string, string | undefined>>): string {
  if (env.SKERRY_CONTEXTS) return env.SKERRY_CONTEXTS
  return join(env.XDG_CONFIG_HOME || join(env.HOME ?? homedir(), '.config'), 'skerry', 'contexts.yaml')
}

/** Throws `config.invalid` if the file is there, but is not what `saveContexts` writes. */
export async function loadContexts(file: string): Promise<Contexts> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new SkerryError('config.invalid', `cannot read ${file}: ${error.message}`, { cause: error, path: file })
  })
  if (text === undefined) return { contexts: {} }
  const { parse } = await import('yaml')
  const found = checkContexts(parseOrUndefined(text, parse))
  if (found === undefined) throw new SkerryError('config.invalid', `${file} is no list of contexts`, { path: file })
  return found
}

function parseOrUndefined(text: string, parse: (text: string) => unknown): unknown {
  try {
    return parse(text)
  } catch {
    return undefined
  }
}

export function checkContexts(value: unknown): Contexts | undefined {
  if (!isRecord(value) || !isRecord(value.contexts)) return undefined
  const { current, contexts } = value
  if (current !== undefined && typeof current !== 'string') return undefined
  const entries = Object.entries(contexts).map(([name, context]) => [name, checkContext(context)] as const)
  if (entries.some(([, context]) => context === undefined)) return undefined
  const checked = Object.fromEntries(entries) as Record<string, Context>
  return current === undefined ? { contexts: checked } : { current, contexts: checked }
}

function checkContext(value: unknown): Context | undefined {
  if (!isRecord(value)) return undefined
  const { url, token, ca } = value
  if (typeof url !== 'string' || !isOptionalText(token) || !isOptionalText(ca)) return undefined
  return { url, ...(token === undefined ? {} : { token }), ...(ca === undefined ? {} : { ca }) }
}

const isOptionalText = (value: unknown): value is string | undefined => value === undefined || typeof value === 'string'
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Written aside and renamed, with mode 0600: it may hold tokens. */
export async function saveContexts(file: string, contexts: Contexts): Promise<void> {
  const { stringify } = await import('yaml')
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const aside = `${file}.${process.pid}`
  await writeFile(aside, stringify(contexts), { mode: 0o600 })
  await rename(aside, file)
}
