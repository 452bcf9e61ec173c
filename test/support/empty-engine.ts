// A Docker Engine that has nothing and is asked for nothing: for many agents in one process.
import { createServer, type ServerResponse } from 'node:http'

const answers: Readonly<Record<string, unknown>> = {
  '/version': { Version: '20.10.24', ApiVersion: '1.41' },
  '/_ping': 'OK',
  '/containers/json': [],
  '/networks': [],
  '/images/json': [],
  '/volumes': { Volumes: [] },
}

/** Listens on a socket's path. Returns how to stop it. */
export async function startEmptyEngine(path: string): Promise<() => Promise<void>> {
  const server = createServer((request, response) => {
    const name = new URL(request.url ?? '', 'http://engine').pathname.replace(/^\/v[\d.]+/, '')
    if (name === '/events') response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
    else answer(response, answers[name])
  })
  await new Promise<void>(resolve => server.listen(path, resolve))
  return async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
}

function answer(response: ServerResponse, body: unknown): void {
  response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body ?? { message: 'there is no such thing' }))
}
