// Variables for compose files, from the shell's environment and from files.
import { type DotenvOptions, parseDotenv } from '../protocol/compose/dotenv.js'
import { isReserved } from '../protocol/variables.js'
import { usageError } from './errors.js'
import { localFolder } from './local-folder.js'
import type { Shell } from './shell.js'

export type Variables = Readonly<Record<string, string>>

/** Later files win; `${…}` in them sees the shell's environment first. */
export function readEnvFiles(paths: readonly string[], shell: Shell): Variables {
  const values = new Map<string, string>()
  for (const path of paths) {
    const contents = localFolder('.').read(path)
    if (contents === undefined) throw usageError(`cannot read ${path}: there is no such file`)
    const options: DotenvOptions = { lookup: name => shell.env[name] ?? values.get(name), unset: () => {}, take: () => true }
    const read = parseDotenv(Buffer.from(contents).toString(), options)
    if ('fault' in read) throw usageError(`${path}, line ${read.fault.line}: ${read.fault.message}`)
    for (const [name, value] of read.values) values.set(name, value)
  }
  return Object.fromEntries(values)
}

/** The shell's own settings of Skerry are no variables of apps. */
export function surroundings({ env }: Shell): Variables {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined || isReserved(name) ? [] : [[name, value]])),
  )
}
