// `skerry version`, and the version itself.
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { addExamples } from '../options.js'
import type { Shell } from '../shell.js'

/** From package.json, two folders above the compiled commands' own. */
export function readVersion(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  return String(JSON.parse(text).version)
}

export function addVersion(program: Command, shell: Shell): void {
  const command = program.command('version').description('print the version')
  command.action(() => shell.print(readVersion()))
  addExamples(command, ['skerry version'])
}
