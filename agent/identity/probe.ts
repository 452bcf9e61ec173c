// The first look at a server: which certificate authority it shows, before anything is told to it.
import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { SkerryError } from '../../protocol/errors.js'
import { fingerprint } from '../../protocol/fingerprint.js'
import { explainFault } from '../core/refused.js'

/** On a link that loses packets it takes a while. */
const handshakeMs = 60_000
const longestChain = 8

/**
 * The authority's certificate that the server at an `mqtts:` or `wss:` URL shows: the one with the fingerprint `ca`, or, where that is
 * undefined, the last of its chain. Throws `ca.mismatch`, `certificate.invalid` or `broker.unavailable`.
 */
export async function findAuthority(server: string, ca: string | undefined, signal: AbortSignal): Promise<X509Certificate> {
  const chain = await fetchChain(server, signal)
  const authority = ca === undefined ? chain.at(-1) : chain.find(each => fingerprint(each.raw) === ca)
  if (authority === undefined) {
    throw new SkerryError(
      'ca.mismatch',
      `${server} is not the server that the token is for, or somebody is in between: nothing was sent to it`,
    )
  }
  if (authority.ca && authority.verify(authority.publicKey)) return authority
  throw new SkerryError('certificate.invalid', `${server} does not show its certificate authority`)
}

async function fetchChain(server: string, signal: AbortSignal): Promise<X509Certificate[]> {
  const { hostname, port } = new URL(server)
  const host = hostname.replace(/^\[|\]$/g, '')
  // Whoever answers is looked at, not trusted: the connection ends before anything is said.
  const socket = connect({
    host,
    port: Number(port || 8883),
    rejectUnauthorized: false,
    ...(isIP(host) === 0 ? { servername: host } : {}),
  })
  const limit = AbortSignal.any([signal, AbortSignal.timeout(handshakeMs)])
  try {
    return await new Promise<X509Certificate[]>((resolve, reject) => {
      socket.once('secureConnect', () => resolve(chainOf(socket)))
      socket.once('error', reject)
      socket.once('close', () => reject(new Error('the connection was closed')))
      limit.addEventListener('abort', () => reject(limit.reason), { once: true })
    })
  } catch (cause) {
    signal.throwIfAborted()
    const { refusal } = explainFault(faultOf(cause), server, Date.now())
    throw new SkerryError(refusal.code, refusal.message, { cause })
  } finally {
    // A handshake that is cut off would look like an attack.
    socket.on('error', () => {}).setTimeout(handshakeMs, () => socket.destroy())
    socket.end()
  }
}

function chainOf(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = []
  for (let each = socket.getPeerX509Certificate(); each !== undefined && chain.length < longestChain; each = each.issuerCertificate) {
    if (each.raw.equals(chain.at(-1)?.raw ?? Buffer.alloc(0))) break
    chain.push(each)
  }
  return chain
}

/** A fault of a connection as data. */
export function faultOf(error: unknown): { code: string | number | undefined; message: string } {
  if (!(error instanceof Error)) return { code: undefined, message: String(error) }
  const code = 'code' in error && (typeof error.code === 'string' || typeof error.code === 'number') ? error.code : undefined
  return { code, message: error.message }
}
