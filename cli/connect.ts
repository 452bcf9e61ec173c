// Which server a command talks to, what it trusts there, and with what token.
import { loadSettings, surroundings } from '../config/load.js'
import { SkerryError } from '../protocol/errors.js'
import { type Client, type ClientOptions, openClient } from './client.js'
import { type Context, contextsFile, loadContexts } from './contexts.js'
import { usageError } from './errors.js'
import { localAccess } from './local-token.js'
import { findHolder } from './lock.js'
import type { Shell } from './shell.js'

export interface ClientFlags {
  readonly server?: string
  readonly context?: string
  readonly config?: string
  readonly data?: string
  readonly httpTokenFile?: string
}

/** A server, and how to come in there. */
export interface Way extends ClientOptions {
  readonly url: string
  /** The context that it is from. */
  readonly context?: string
}

export async function connect(shell: Shell, flags: ClientFlags): Promise<Client> {
  const { url, ...options } = await findWay(shell, flags)
  return openClient(url, options)
}

/**
 * By order: `--server`, `--context`, `--data`, SKERRY_SERVER, SKERRY_CONTEXT, the current context, the server that runs on this
 * machine's data folder, and the configured HTTP address. A server that is named by its URL is come into as the context or the data folder with that
 * URL is. A token that is set otherwise wins.
 */
export async function findWay(shell: Shell, flags: ClientFlags): Promise<Way> {
  // Only these: a command may have options of its own that are called like a setting.
  const { server, config, data, httpTokenFile } = flags
  const { values, places } = await loadSettings({ server, config, data, httpTokenFile }, surroundings(shell.env))
  const named = places.server === '--server' || places.server === 'SKERRY_SERVER' ? values.server : undefined
  if (named !== undefined && !/^https?:/.test(named)) {
    throw new SkerryError('config.invalid', `${JSON.stringify(named)} is no http:// or https:// URL`, { path: places.server })
  }
  const isHere = flags.data !== undefined && flags.context === undefined
  const way =
    named !== undefined && (places.server === '--server' || (flags.context === undefined && !isHere))
      ? await wayTo(shell, named, values.data)
      : ((isHere ? undefined : await findContext(shell, flags.context)) ??
        (await localWay(values.data, `http://${hostOf(values.httpHost)}:${values.httpPort}`)))
  return values.httpToken === undefined ? way : { ...way, token: values.httpToken }
}

/** To the server that this machine runs on the data folder, or to the one that would be there. */
async function localWay(data: string, configured: string): Promise<Way> {
  const holder = await findHolder(data)
  const url = holder?.url || configured
  return { url, ...(holder === undefined ? {} : await localAccess(url, data)) }
}

async function wayTo(shell: Shell, named: string, data: string): Promise<Way> {
  const url = named.replace(/\/+$/, '')
  // A broken list of contexts is no reason not to reach what needs none.
  const { contexts } = await loadContexts(contextsFile(shell.env)).catch(() => ({ contexts: {} }))
  const [name, context] = Object.entries<Context>(contexts).find(([, each]) => each.url === url) ?? []
  if (name !== undefined && context !== undefined) return { ...context, context: name }
  return (await findHolder(data))?.url === url ? { url, ...(await localAccess(url, data)) } : { url }
}

async function findContext(shell: Shell, flag: string | undefined): Promise<Way | undefined> {
  const { current, contexts } = await loadContexts(contextsFile(shell.env))
  const name = flag ?? (shell.env.SKERRY_CONTEXT || current)
  if (name === undefined) return undefined
  const context = contexts[name]
  if (context === undefined) throw usageError(`no context is called ${JSON.stringify(name)}; see \`skerry context list\``)
  return { ...context, context: name }
}

/** An address as it is written in a URL; one that means "all" is reached over loopback. */
export function hostOf(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1'
  if (address === '::') return '[::1]'
  return address.includes(':') ? `[${address}]` : address
}
