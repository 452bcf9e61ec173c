// The forms that a setting's text may have, each with the rule that a refusal quotes.
import { resolve } from 'node:path'
import { checkRoot } from '../protocol/topics.js'

export const logLevels = ['silent', 'error', 'warn', 'info', 'debug', 'trace'] as const

interface Form<T> {
  readonly rule: string
  /** The value, or undefined if the text does not have this form. */
  parse(text: string): T | undefined
}

const of = <T>(rule: string, parse: (text: string) => T | undefined): Form<T> => ({ rule, parse })

function port(text: string): number | undefined {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : -1
  return value >= 0 && value <= 65535 ? value : undefined
}

function url(text: string, schemes: readonly string[]): string | undefined {
  if (!URL.canParse(text)) return undefined
  const { protocol, hostname } = new URL(text)
  return schemes.includes(protocol) && hostname !== '' ? text : undefined
}

function engineUrl(text: string): string | undefined {
  if (text.startsWith('/')) return text
  if (text.startsWith('unix:///')) return text
  return url(text, ['tcp:', 'http:', 'https:'])
}

const permitModes = ['optional', 'required'] as const

export interface Address {
  readonly host: string
  readonly port: number
}

/** `10.1.4.2:1883`, `[fd00::2]:1883` or `name:1883`. */
function address(text: string): Address | undefined {
  const [, bracketed, bare, digits = ''] = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9._-]{1,253})):(\d{1,5})$/.exec(text) ?? []
  const [host, number] = [bracketed ?? bare, port(digits)]
  return host === undefined || number === undefined ? undefined : { host, port: number }
}

function names(text: string): readonly string[] | undefined {
  const list = text.split(',').map(name => name.trim())
  return list.length <= 50 && list.every(name => /^[A-Za-z0-9.:_-]{1,253}$/.test(name)) ? list : undefined
}

const plainText = (text: string): string | undefined => (text.length <= 1024 && !/\p{Cc}/u.test(text) ? text : undefined)

export const form = {
  path: of('a path', text => resolve(text)),
  optionalPath: of<string | undefined>('a path', text => resolve(text)),
  text: of<string | undefined>('text of at most 1024 characters without control characters', plainText),
  name: of<string | undefined>('a name of 1 to 64 characters', text => (text.length <= 64 ? plainText(text) : undefined)),
  host: of('an IP address or host name', text => (/^[A-Za-z0-9.:_-]{1,253}$/.test(text) ? text : undefined)),
  port: of('a port: 0 (any free one) to 65535', port),
  portOrOff: of<number | 'off'>('a port: 0 (any free one) to 65535, or off', text => (text === 'off' ? text : port(text))),
  addressOrOff: of<Address | 'off'>('ADDRESS:PORT such as 10.1.4.2:1883 (port 0: any free one), or off', text =>
    text === 'off' ? text : address(text),
  ),
  names: of<readonly string[]>('host names and IP addresses with commas between them, at most 50', names),
  flag: of<boolean>('true or false', text => (text === 'true' ? true : text === 'false' ? false : undefined)),
  mqttUrl: of<string | undefined>('a URL such as mqtts://host:8883, wss://host:8884, mqtt://… or ws://…', text =>
    url(text, ['mqtt:', 'mqtts:', 'ws:', 'wss:']),
  ),
  serverUrl: of<string | undefined>('a URL such as https://host:8470, or mqtts://host:8883 for an agent', text =>
    url(text, ['http:', 'https:', 'mqtt:', 'mqtts:', 'ws:', 'wss:']),
  ),
  engineUrl: of('a socket path, or a unix://, tcp:// or http:// URL', engineUrl),
  interval: of('whole seconds from 1 to 86400', text => {
    const seconds = /^\d{1,5}s?$/.test(text) ? Number.parseInt(text, 10) : 0
    return seconds >= 1 && seconds <= 86_400 ? seconds : undefined
  }),
  topicRoot: of('segments of a-z, A-Z, 0-9, . _ - with / between them', text => (checkRoot(text).ok ? text : undefined)),
  permit: of('optional or required', text => permitModes.find(mode => mode === text)),
  logLevel: of(`one of ${logLevels.join(', ')}`, text => logLevels.find(level => level === text)),
} as const
