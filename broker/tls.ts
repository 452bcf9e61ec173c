// TLS of the listeners: their certificate, who may show one to them, and the key of the tickets that make a second handshake short.
import { constants } from 'node:crypto'
import { createSecureContext, type TlsOptions } from 'node:tls'

/** All in PEM. */
export interface TlsMaterial {
  /** The server's own, followed by those that issued it. */
  readonly cert: string | Buffer
  readonly key: string | Buffer
  /** Authorities whose devices may come; without it nobody is asked for a certificate. */
  readonly ca?: string | Buffer
}

/** A resumed session is as good as the one that it continues: certificates are looked at again at every CONNECT. */
const sessionSeconds = 24 * 60 * 60

/** Throws if certificate and key are no such thing, or do not belong together. */
export function checkMaterial(material: TlsMaterial): void {
  createSecureContext({ cert: material.cert, key: material.key, ...(material.ca === undefined ? {} : { ca: material.ca }) })
}

/**
 * Handshakes are let through whatever certificate is shown or missing: users come without, and whose is past its end may still
 * renew it. What it is worth is decided in certificate.ts and admission.ts.
 */
export function tlsOptions({ cert, key, ca }: TlsMaterial, ticketKeys: Buffer): TlsOptions {
  return {
    cert,
    key,
    ...(ca === undefined ? {} : { ca }),
    requestCert: ca !== undefined,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    // Clients know what they have in hardware, and what they pay for.
    honorCipherOrder: false,
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    // Without a name of our own it would depend on the command line, and a restart with another flag would end every session. It is in every ticket.
    sessionIdContext: 's',
    sessionTimeout: sessionSeconds,
    ticketKeys,
  }
}
