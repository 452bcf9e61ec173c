// Where a device on another machine reaches the broker, as well as the server can tell.

export interface Reach {
  /** As it was configured: always right. */
  readonly publicUrl?: string | undefined
  /** Where the broker listens. */
  readonly listener?: { readonly host: string; readonly port: number } | undefined
  /** Names that were configured for the server, best first. */
  readonly names: readonly string[]
}

export interface JoinUrl {
  readonly url: string
  /** What a person should know before they go to another machine with it. */
  readonly note: string | null
}

const loopback = /^(localhost|127(\.\d{1,3}){3}|::1)$/i
const everywhere = /^(0\.0\.0\.0|::)$/

/**
 * By order: what was configured; the one address that the broker listens on; the first of the server's names; the host by which
 * whoever asks has reached this server, if it is one of `addresses`; the first of these, the machine's own. Undefined if there is nothing to go by.
 */
export function joinUrlOf(
  reach: Reach,
  { asked, addresses }: { asked: string | undefined; addresses: readonly string[] },
): JoinUrl | undefined {
  const { publicUrl, listener, names } = reach
  if (publicUrl !== undefined) return configured(publicUrl)
  if (listener === undefined) return undefined
  const { host, port } = listener
  const url = (name: string) => `mqtts://${name.includes(':') ? `[${name}]` : name}:${port}`
  if (loopback.test(host)) {
    return {
      url: url(host),
      note: 'the broker listens on this machine only; for devices elsewhere start the server with --mqtt-host 0.0.0.0',
    }
  }
  if (!everywhere.test(host)) return { url: url(names[0] ?? host), note: null }
  const known = asked !== undefined && addresses.includes(asked) ? asked : addresses[0]
  const best = names[0] ?? known
  if (best !== undefined) return { url: url(best), note: null }
  return { url: url('localhost'), note: 'this machine has no address of its own; set public-url to where devices reach it' }
}

/** Without the name and password that the server itself uses there. */
function configured(text: string): JoinUrl {
  const url = new URL(text)
  url.username = ''
  url.password = ''
  const note = /^(mqtts|ssl|wss):$/.test(url.protocol) ? null : 'devices join over TLS only; set public-url to where the broker speaks it'
  return { url: url.href, note }
}
