// Loads the settings of this process: finds and reads the file, resolves, and reads secrets from their own files.
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { SkerryError, unwrap } from '../protocol/errors.js'
import { parseConfigFile } from './file.js'
import { keyOf } from './names.js'
import { type FileLine, type Resolved, resolveSettings } from './resolve.js'
import { type Surroundings, settings } from './settings.js'

/** The surroundings of this process. */
export function surroundings(env: Readonly<Record<string, string | undefined>>): Surroundings {
  return { root: process.getuid?.() === 0, home: env.HOME ?? homedir(), env }
}

/** Throws `config.invalid` with the place of each fault. `flags.config` names the file; so does SKERRY_CONFIG. */
export async function loadSettings(flags: Readonly<Record<string, unknown>>, around: Surroundings): Promise<Resolved> {
  const file = await readLines(flags, around)
  const resolved = unwrap(resolveSettings({ flags, file, around }))
  const mqttPassword = await secret(resolved, 'mqttPassword')
  const httpToken = await secret(resolved, 'httpToken')
  const joinKey = await secret(resolved, 'joinKey')
  return { ...resolved, values: { ...resolved.values, mqttPassword, httpToken, joinKey } }
}

async function readLines(flags: Readonly<Record<string, unknown>>, around: Surroundings): Promise<readonly FileLine[]> {
  const [named, place] = typeof flags.config === 'string' ? [flags.config, '--config'] : [around.env.SKERRY_CONFIG, 'SKERRY_CONFIG']
  if (named !== undefined && named !== '') return parse(resolve(named), await readText(named, place))
  const path = join(dataFolderOf(flags, around), 'skerry.yaml')
  const text = await readFile(path, 'utf8').catch(ignoreMissing)
  return text === undefined ? [] : parse(path, text)
}

/** The data folder as flag, variable or default name it; the file in it cannot move it. */
function dataFolderOf(flags: Readonly<Record<string, unknown>>, around: Surroundings): string {
  const named = typeof flags.data === 'string' ? flags.data : around.env.SKERRY_DATA
  return named === undefined || named === '' ? settings.data.fallback(around) : resolve(named)
}

async function parse(path: string, text: string): Promise<readonly FileLine[]> {
  return unwrap(await parseConfigFile(text, path))
}

/** A secret's text, from the setting itself or from the file that the setting beside it names. */
async function secret(resolved: Resolved, name: 'mqttPassword' | 'httpToken' | 'joinKey'): Promise<string | undefined> {
  const fileName = `${name}File` as const
  const value = resolved.values[name]
  const file = resolved.values[fileName]
  const place = resolved.places[fileName] ?? keyOf(fileName)
  if (file === undefined) return value
  if (value !== undefined) {
    throw new SkerryError('config.invalid', `both ${keyOf(name)} and ${keyOf(fileName)} are set: leave one out`, { path: place })
  }
  const text = (await readText(file, place)).trimEnd()
  if (text === '') throw new SkerryError('config.invalid', `${file} is empty`, { path: place })
  return text
}

async function readText(file: string, place: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new SkerryError('config.invalid', `cannot read ${file}: ${reasonOf(cause)}`, { cause, path: place })
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'EACCES') return undefined
  throw error
}

function reasonOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  return code === 'ENOENT' ? 'no such file' : code === 'EACCES' ? 'permission denied' : String(code ?? cause)
}
