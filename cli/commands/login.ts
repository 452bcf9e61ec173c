// `skerry login`, `logout`, `whoami`: who this user is at a server.
import type { Command } from 'commander'
import { SkerryError } from '../../protocol/errors.js'
import type { LoggedIn, Who } from '../api/access.js'
import { type Client, openClient } from '../client.js'
import { type ClientFlags, connect, findWay, type Way } from '../connect.js'
import { contextsFile, loadContexts, saveContexts } from '../contexts.js'
import { usageError } from '../errors.js'
import { addClientOptions, addExamples } from '../options.js'
import { type Format, printResult } from '../output.js'
import type { Shell } from '../shell.js'
import type { TrustFlags } from '../trust.js'

interface LogInFlags extends TrustFlags {
  readonly user?: string
  readonly passwordStdin?: boolean
  readonly context?: string
}

export function addLogin(program: Command, shell: Shell): void {
  const login = program
    .command('login')
    .description('log in at a server; commands then talk to it')
    .argument('[url]', 'its HTTP URL; without it, where commands talk to now')
  login
    .option('-u, --user <name>', 'the user; without it you are asked')
    .option('--password-stdin', 'read the password from standard input; a second line replaces a one-time password')
    .option('--ca <file>', 'certificate authority (PEM) to trust there')
    .option('--fingerprint <sha256>', 'of the certificate authority to trust there, as the server says it at its start')
    .option('--context <name>', 'what to call the server; without it by its host')
  login.action((url: string | undefined, flags: LogInFlags) => logIn(shell, url, flags))
  addExamples(login, [
    'skerry login https://fleet.example:8470 -u eva',
    'skerry login https://10.1.4.2:8470 -u eva --password-stdin < password',
  ])

  const logout = program.command('logout').description('end the session at a server')
  addClientOptions(logout).action((flags: ClientFlags & { output: Format }) => logOut(shell, flags))
  addExamples(logout, ['skerry logout', 'skerry logout --context plant'])

  const whoami = program.command('whoami').description('show who you are at a server, and what you may do')
  addClientOptions(whoami).action(async (flags: ClientFlags & { output: Format }) => {
    const client = await connect(shell, flags)
    const who = await client.request<Who>('GET', '/whoami')
    await printResult(shell, flags.output, { value: who, name: who.name, sentence: `${formatWho(who)}, at ${client.url}` })
  })
  addExamples(whoami, ['skerry whoami', 'skerry whoami -o json'])
}

const kinds: Readonly<Record<Who['kind'], string>> = {
  user: 'user',
  token: 'a program’s token',
  local: 'this machine’s own token',
  config: 'the token of the settings',
}

function formatWho({ name, kind, role, groups }: Who): string {
  const scope = groups === null ? 'the whole fleet' : groups.length === 0 ? 'no group' : groups.join(', ')
  return `${name} (${kinds[kind]}): ${role} of ${scope}`
}

async function logIn(shell: Shell, named: string | undefined, flags: LogInFlags): Promise<void> {
  const way =
    named === undefined ? await findWay(shell, flags.context === undefined ? {} : { context: flags.context }) : { url: readUrl(named) }
  const trusted = await findTrust(shell, way, flags)
  const client = openClient(trusted.url, trusted)
  const secrets = flags.passwordStdin === true ? (await shell.readInput()).split(/\r?\n/) : undefined
  const user = flags.user ?? (await shell.ask({ text: 'User: ' })).trim()
  const password = secrets?.[0] || (await shell.ask({ text: `Password of ${user}: `, hidden: true }))
  const answer = await begin(client, { user, password }, () => newPassword(shell, secrets?.[1]))
  const context = flags.context ?? trusted.context ?? new URL(trusted.url).hostname.replace(/^\[|\]$/g, '')
  const file = contextsFile(shell.env)
  const { contexts } = await loadContexts(file)
  const { url, ca } = trusted
  const saved = { url, token: answer.token ?? '', ...(ca === undefined ? {} : { ca }) }
  await saveContexts(file, { current: context, contexts: { ...contexts, [context]: saved } })
  shell.say(`${formatWho(answer)}; commands now talk to ${url} (context ${context})`)
}

function readUrl(text: string): string {
  if (!/^https?:\/\/./.test(text) || !URL.canParse(text)) throw usageError(`${JSON.stringify(text)} is no http:// or https:// URL`)
  return text.replace(/\/+$/, '')
}

/** A server that was trusted before is asked for nothing again, unless it is said anew what to trust. */
async function findTrust(shell: Shell, { url }: Way, flags: LogInFlags): Promise<Pick<Way, 'url' | 'ca' | 'context'>> {
  if (!url.startsWith('https:')) return { url }
  const { contexts } = await loadContexts(contextsFile(shell.env))
  const [context, known] = Object.entries(contexts).find(([, each]) => each.url === url) ?? []
  const named = context === undefined ? {} : { context }
  if (known?.ca !== undefined && flags.ca === undefined && flags.fingerprint === undefined) return { url, ca: known.ca, ...named }
  const { decideTrust } = await import('../trust.js')
  const ca = await decideTrust(shell, url, flags)
  return { url, ...named, ...(ca === undefined ? {} : { ca }) }
}

/** A one-time password is replaced at once. */
async function begin(client: Client, attempt: { user: string; password: string }, replace: () => Promise<string>): Promise<LoggedIn> {
  const send = (more = {}) => client.request<LoggedIn>('POST', '/login', { body: { ...attempt, ...more, as: 'token' } })
  return send().catch(async (error: unknown) => {
    if (!(error instanceof SkerryError) || error.code !== 'auth.password') throw error
    return send({ newPassword: await replace() })
  })
}

async function newPassword(shell: Shell, given: string | undefined): Promise<string> {
  if (given) return given
  shell.say('this password is good for one log-in: choose another one')
  return askNewPassword(shell)
}

export async function askNewPassword(shell: Shell): Promise<string> {
  const chosen = await shell.ask({ text: 'New password: ', hidden: true })
  if (chosen !== (await shell.ask({ text: 'The same again: ', hidden: true }))) throw usageError('the two are not the same')
  return chosen
}

/** Ends what the server knows, and forgets it here in each case. */
async function logOut(shell: Shell, flags: ClientFlags): Promise<void> {
  const { url, context, ...options } = await findWay(shell, flags)
  if (context === undefined) throw usageError('there is no log-in to end: this server is used without one')
  const ended = await openClient(url, options)
    .request('POST', '/logout')
    .catch((error: unknown) => error)
  const file = contextsFile(shell.env)
  const { current, contexts } = await loadContexts(file)
  const { token: _, ...left } = contexts[context] ?? { url }
  await saveContexts(file, { ...(current === undefined ? {} : { current }), contexts: { ...contexts, [context]: left } })
  if (ended instanceof SkerryError && !['auth.refused', 'request.invalid'].includes(ended.code)) throw ended
  shell.say(`logged out at ${url}`)
}
