// The certificate that a TLS server presents to a new connection.
import { connect } from 'node:tls'
import { within } from './within.js'

/** SHA-256 of it, in hexadecimal digits. */
export async function presentedTo(url: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false })
  try {
    return await within(
      10_000,
      'a handshake',
      new Promise<string>((resolve, reject) => {
        socket.once('secureConnect', () => resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? ''))
        socket.once('error', reject)
      }),
    )
  } finally {
    socket.on('error', () => {}).end()
  }
}
