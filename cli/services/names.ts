// What the server is called: by its settings, for its certificate.
import type { Settings } from '../../config/settings.js'

const everyAddress = new Set(['0.0.0.0', '::'])

/** The names that were given, where devices are told to find it, and the addresses that it is to listen on, which may come up after it. */
export function namesOf({
  names,
  publicUrl,
  mqttHost,
  httpHost,
}: Pick<Settings, 'names' | 'publicUrl' | 'mqttHost' | 'httpHost'>): string[] {
  const told = publicUrl === undefined ? [] : [new URL(publicUrl).hostname.replace(/^\[|\]$/g, '')]
  return [...new Set([...names, ...told, ...[mqttHost, httpHost].filter(host => !everyAddress.has(host))])]
}
