// Which server a command talks to, and with what token.
import { loadSettings, surroundings } from '../config/load.js'
import { SkerryError } from '../protocol/errors.js'
import { type Client, openClient } from './client.js'
import { type Context, contextsFile, loadContexts } from './contexts.js'
import { usageError } from './errors.js'
import { findHolder } from './lock.js'
import type { Shell } from './shell.js'

export interface ClientFlags {
  readonly server?: string
  readonly context?: string
  readonly config?: string
  readonly data?: string
  readonly httpTokenFile?: string
}

/**
 * By order: `--server`, `--context`, SKERRY_SERVER, SKERRY_CONTEXT, the current context, the server that runs on this machine's data
 * folder, and the configured HTTP address. A token that is set otherwise wins over the context's.
 */
export async function connect(shell: Shell, flags: ClientFlags): Promise<Client> {
  // Only these: a command may have options of its own that are called like a setting.
  const { server, config, data, httpTokenFile } = flags
  const { values, places } = await loadSettings({ server, config, data, httpTokenFile }, surroundings(shell.env))
  const named = places.server === '--server' || places.server === 'SKERRY_SERVER' ? values.server : undefined
  if (named !== undefined && !/^https?:/.test(named)) {
    throw new SkerryError('config.invalid', `${JSON.stringify(named)} is no http:// or https:// URL`, { path: places.server })
  }
  if (named !== undefined && (places.server === '--server' || flags.context === undefined)) return openClient(named, values.httpToken)
  const context = await findContext(shell, flags.context)
  if (context !== undefined) return openClient(context.url, values.httpToken ?? context.token)
  const holder = await findHolder(values.data)
  return openClient(holder?.url || `http://${hostOf(values.httpHost)}:${values.httpPort}`, values.httpToken)
}

async function findContext(shell: Shell, flag: string | undefined): Promise<Context | undefined> {
  const { current, contexts } = await loadContexts(contextsFile(shell.env))
  const name = flag ?? (shell.env.SKERRY_CONTEXT || current)
  if (name === undefined) return undefined
  const context = contexts[name]
  if (context === undefined) throw usageError(`no context is called ${JSON.stringify(name)}; see \`skerry context list\``)
  return context
}

/** An address as it is written in a URL; one that means "all" is reached over loopback. */
export function hostOf(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1'
  if (address === '::') return '[::1]'
  return address.includes(':') ? `[${address}]` : address
}
