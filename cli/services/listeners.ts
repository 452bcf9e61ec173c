// Which listeners the server opens, from the settings: MQTT with TLS, perhaps one without, and the API's certificate.

import type { BrokerAddress } from '../../broker/listeners.js'
import { isLoopback, type ListenerOptions } from '../../broker/listeners.js'
import type { Settings } from '../../config/settings.js'
import type { Pki } from '../../manager/identity/pki.js'
import { SkerryError } from '../../protocol/errors.js'
import { hostOf } from '../connect.js'
import { readSetting } from './access.js'

type Tls = NonNullable<ListenerOptions['tls']>

/** The first is the one that agents use. */
export function listenersOf({ mqttHost: host, mqttPort, wsPort, plainMqtt }: Settings, tls: Tls): ListenerOptions[] {
  return [
    { kind: 'tcp', host, port: mqttPort, tls },
    ...(wsPort === 'off' ? [] : [{ kind: 'ws' as const, host, port: wsPort, tls }]),
    ...(plainMqtt === 'off' ? [] : [{ kind: 'tcp' as const, ...plainMqtt }]),
  ]
}

export function formatAddress({ kind, host, port, tls }: BrokerAddress): string {
  const scheme = kind === 'tcp' ? (tls ? 'mqtts' : 'mqtt') : tls ? 'wss' : 'ws'
  return `${scheme}://${hostOf(host)}:${port}`
}

/** Beyond this machine the API always has TLS. Throws `config.invalid`. */
export async function httpCertificate({ httpHost, httpTls, httpCert, httpKey }: Settings, pki: Pki): Promise<Omit<Tls, 'ca'> | undefined> {
  if (httpCert !== undefined && httpKey !== undefined) {
    return { cert: await readSetting('http-cert', httpCert), key: await readSetting('http-key', httpKey) }
  }
  if (httpCert !== undefined || httpKey !== undefined) {
    throw new SkerryError('config.invalid', 'http-cert and http-key go together: set both', {
      path: httpCert === undefined ? 'http-cert' : 'http-key',
    })
  }
  return httpTls || !isLoopback(httpHost) ? pki.server : undefined
}
