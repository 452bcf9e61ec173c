// The HTTP servers of the API: plain, or with TLS whose certificate can be replaced while they run.
import { createServer as createHttpServer, type Server as HttpServer, type RequestListener } from 'node:http'
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https'

/** A certificate chain and its key, as PEM. */
export interface Tls {
  readonly cert: string | Buffer
  readonly key: string | Buffer
}

const minVersion = 'TLSv1.2'
/** How long a request may take to come in: a large bundle on a slow link. */
const requestMs = 10 * 60_000

export class Servers {
  readonly #secure: HttpsServer[] = []
  #tls: Tls | undefined

  constructor(tls: Tls | undefined) {
    this.#tls = tls
  }

  get isSecure(): boolean {
    return this.#tls !== undefined
  }

  /** One for each address that a host name means. */
  create(handler: RequestListener): HttpServer {
    const server = this.#tls === undefined ? createHttpServer(handler) : this.#createSecure(handler, this.#tls)
    server.requestTimeout = requestMs
    return server
  }

  /** From the next connection on. */
  replace(tls: Tls): void {
    if (this.#tls === undefined) return
    this.#tls = tls
    for (const server of this.#secure) server.setSecureContext({ ...tls, minVersion })
  }

  #createSecure(handler: RequestListener, tls: Tls): HttpsServer {
    const server = createHttpsServer({ ...tls, minVersion }, handler)
    this.#secure.push(server)
    return server
  }
}
