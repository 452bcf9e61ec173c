// Whether a server at first sight is the one that is meant: by the system's authorities, a file, a fingerprint, or whoever looks at it.
import { readFile } from 'node:fs/promises'
import { findAuthority } from '../agent/identity/probe.js'
import { SkerryError } from '../protocol/errors.js'
import { fingerprint } from '../protocol/fingerprint.js'
import { asSkerryError, CommandFailure, usageError } from './errors.js'
import type { Shell } from './shell.js'

export interface TrustFlags {
  /** A file with certificates of CAs (PEM). */
  readonly ca?: string
  /** SHA-256 of the CA's certificate, in base64url or hexadecimal. */
  readonly fingerprint?: string
}

/** The CA to trust at an https:// URL (PEM); undefined where the system trusts the server already. Throws `ca.mismatch`. */
export async function decideTrust(shell: Shell, url: string, flags: TrustFlags): Promise<string | undefined> {
  if (flags.ca !== undefined) return readCa(flags.ca)
  if (flags.fingerprint === undefined && (await isTrusted(url))) return undefined
  const authority = await findAuthority(probeUrl(url), undefined, shell.signal)
  const shown = fingerprint(authority.raw)
  if (flags.fingerprint === undefined) await confirm(shell, url, shown)
  else if (readFingerprint(flags.fingerprint) !== shown) {
    throw new SkerryError('ca.mismatch', `${url} shows another certificate authority: its fingerprint is ${shown}. Nothing was sent to it`)
  }
  return authority.toString()
}

/** Throws a usage error if it holds none. */
export async function readCa(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw asSkerryError(error)
  })
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw usageError(`${file} holds no certificate (PEM)`)
  return text
}

/** By the authorities that this system knows. Throws `server.unavailable` if nobody answers. */
async function isTrusted(url: string): Promise<boolean> {
  try {
    await (await fetch(`${url}/api/v1/health`)).body?.cancel()
    return true
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    if (/CERT|SIGNED|VERIFY/.test(code)) return false
    throw new SkerryError('server.unavailable', `no server answers at ${url}: ${code || String(cause ?? error)}`, { cause: error })
  }
}

async function confirm(shell: Shell, url: string, shown: string): Promise<void> {
  const hint = 'compare it with what the server said at its start, and give it with --fingerprint'
  shell.say(
    `the server at ${url} shows a certificate authority of its own, with the fingerprint\n  ${shown}\nThe server says it at its start.`,
  )
  const answer = await Promise.resolve(shell.ask({ text: 'Is it this one? [y/N] ' })).catch(() => undefined)
  if (answer !== undefined && /^y(es)?$/i.test(answer.trim())) return
  throw new CommandFailure(
    4,
    { code: 'ca.mismatch', message: `the certificate authority of ${url} is not trusted: nothing was sent to it` },
    hint,
  )
}

/** Base64url of hexadecimal, with or without colons, as openssl writes it. */
function readFingerprint(text: string): string {
  const hex = text.replace(/^.*=/, '').replaceAll(':', '')
  return /^[0-9a-f]{64}$/i.test(hex) ? Buffer.from(hex, 'hex').toString('base64url') : text
}

/** The port in full: what is asked there speaks no HTTP. */
function probeUrl(url: string): string {
  const { hostname, port } = new URL(url)
  return `mqtts://${hostname}:${port || 443}`
}
