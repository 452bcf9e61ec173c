// `skerry agent login`, `logout`, `registries`: who this device is at its registries. Kept on the device alone.
import { join } from 'node:path'
import type { Command } from 'commander'
import { loadSettings, surroundings } from '../../config/load.js'
import { asSkerryError, usageError } from '../errors.js'
import { makeFolder } from '../folder.js'
import { addExamples } from '../options.js'
import type { Shell } from '../shell.js'
import { formatTable } from '../table.js'

type Flags = Record<string, unknown>

export function addRegistries(agent: Command, shell: Shell): void {
  const login = agent
    .command('login')
    .description('let this device pull from a registry that asks who it is')
    .argument('<registry>', 'host and port, or docker.io')
    .requiredOption('-u, --username <name>', 'the user')
    .requiredOption('--password-stdin', 'read the password or token from standard input')
  login.action((registry: string, _flags: Flags, command: Command) => logIn(shell, registry, command.optsWithGlobals()))
  addExamples(login, ['skerry agent login registry.example:5000 -u line-1 --password-stdin < token'])

  const logout = agent.command('logout').description('forget a registry’s login').argument('<registry>')
  logout.action(async (registry: string, _flags: Flags, command: Command) => {
    const { logins } = await open(shell, command.optsWithGlobals())
    if (!logins.remove(registry)) throw usageError(`there is no login for ${registry}; see \`skerry agent registries\``)
    shell.say(`the login for ${registry} is forgotten`)
  })
  addExamples(logout, ['skerry agent logout registry.example:5000'])

  const list = agent.command('registries').description('list the registries that this device has a login for')
  list.action(async (_flags: Flags, command: Command) => {
    const { logins } = await open(shell, command.optsWithGlobals())
    const rows = logins.names()
    if (rows.length === 0) return shell.say('no logins; make one with `skerry agent login REGISTRY`')
    const columns = [
      { title: 'REGISTRY', cell: (row: (typeof rows)[number]) => row.registry },
      { title: 'USER', cell: (row: (typeof rows)[number]) => row.username },
    ]
    shell.print(formatTable(columns, rows, { wide: false, paint: shell.paint }))
  })
  addExamples(list, ['skerry agent registries'])
}

async function open(shell: Shell, flags: Flags) {
  const { data, engine } = (await loadSettings(flags, surroundings(shell.env))).values
  const folder = join(data, 'agent')
  await makeFolder(folder)
  const { Logins } = await import('../../agent/logins.js')
  return { logins: new Logins(folder), engine }
}

/** What the registry refuses is not kept; a registry that is out of reach may be in reach later. */
async function logIn(shell: Shell, registry: string, flags: Flags): Promise<void> {
  const username = String(flags.username)
  const { logins, engine } = await open(shell, flags)
  const password = (await shell.readInput()).replace(/\r?\n$/, '')
  if (password === '') throw usageError('standard input has no password')
  const { addressOf, registryName } = await import('../../agent/logins.js')
  const { connectEngine } = await import('../../agent/docker.js')
  const name = registryName(registry)
  try {
    await connectEngine(engine).checkLogin({ username, password, serveraddress: addressOf(name) })
  } catch (error) {
    const { code, message } = asSkerryError(error)
    if (code === 'auth.refused') throw error
    shell.say(`warning: the login could not be checked: ${message}`)
  }
  logins.set(name, username, password)
  shell.say(`this device pulls from ${name} as ${username}`)
}
