// How requests reach a server: by Node's own fetch, or, where a private CA is to be trusted, by undici, which is loaded only then.
import type { Agent } from 'undici'

export interface Trust {
  /** Certificates of CAs (PEM): only these are trusted, instead of the system's. */
  readonly ca?: string | undefined
  /** The server is this machine's own, reached over loopback: whoever answers there is it. */
  readonly loopback?: boolean | undefined
}

export type Fetch = (url: string, init: RequestInit) => Promise<Response>

export function openFetch(url: string, { ca, loopback = false }: Trust): Fetch {
  if (!url.startsWith('https:') || (ca === undefined && !loopback)) return fetch
  let loaded: Promise<Fetch> | undefined
  return async (target, init) => {
    loaded ??= loadFetch(loopback ? { rejectUnauthorized: false } : { ca })
    return (await loaded)(target, init)
  }
}

async function loadFetch(connect: NonNullable<Agent.Options['connect']>): Promise<Fetch> {
  const undici = await import('undici')
  const dispatcher = new undici.Agent({ connect })
  // The same interfaces, declared once by each library.
  const send = undici.fetch as unknown as (url: string, init: object) => Promise<Response>
  return (url, init) => send(url, { ...init, dispatcher })
}
