// A container registry on this machine: just enough of the registry API, version 2, for the Docker Engine to pull from it.
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { programEntries } from '../../cli/example/image.js'
import { type Entry, writeTar } from '../../cli/tar.js'

export interface RegistryOptions {
  /** Demanded of every request, by Basic auth. */
  readonly login?: { readonly username: string; readonly password: string }
  /** Sends blobs at this rate, so that progress can be seen. */
  readonly bytesPerS?: number
}

export interface Registry {
  /** `127.0.0.1:PORT`, which the Engine takes for an insecure registry. */
  readonly host: string
  /** Path and status of each request so far. */
  readonly requests: readonly { readonly path: string; readonly status: number; readonly authorized: boolean }[]
  /** Makes `host/name:tag` a busybox image whose contents differ by `salt`, and returns its reference. The tag moves if it is there. */
  push(name: string, tag: string, salt: string, fields?: ImageFields): Promise<string>
  /** What a tag stands for now. */
  digest(name: string, tag: string): string
  untag(name: string, tag: string): void
  close(): Promise<void>
}

export interface ImageFields {
  readonly command?: readonly string[]
  /** Random bytes in a layer of their own, so that the image is large. */
  readonly ballast?: Buffer
}

const manifestType = 'application/vnd.docker.distribution.manifest.v2+json'
const applets = ['sh', 'sleep', 'cat', 'echo', 'true', 'false', 'test', 'touch', 'httpd', 'wget', 'env', 'id', 'ls', 'mkdir', 'kill', 'rm']

export async function startRegistry(options: RegistryOptions = {}): Promise<Registry> {
  const blobs = new Map<string, Buffer>()
  /** Manifests by `name:tag` and by `name@digest`. */
  const manifests = new Map<string, Buffer>()
  const requests: { path: string; status: number; authorized: boolean }[] = []
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? ''
    const authorized = isAuthorized(request, options)
    const status = authorized ? answer({ request, response, path, blobs, manifests, options }) : challenge(response)
    requests.push({ path, status, authorized })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    host,
    requests,
    push: async (name, tag, salt, fields = {}) => {
      const manifest = await buildImage(salt, fields, bytes => store(blobs, bytes))
      manifests.set(`${name}:${tag}`, manifest)
      manifests.set(`${name}@${digestOf(manifest)}`, manifest)
      return `${host}/${name}:${tag}`
    },
    digest: (name, tag) => digestOf(manifests.get(`${name}:${tag}`) ?? Buffer.alloc(0)),
    untag: (name, tag) => void manifests.delete(`${name}:${tag}`),
    close: () => closeServer(server),
  }
}

function isAuthorized({ headers }: IncomingMessage, { login }: RegistryOptions): boolean {
  if (login === undefined) return true
  const expected = `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`
  return headers.authorization === expected
}

function challenge(response: ServerResponse): number {
  const headers = { 'www-authenticate': 'Basic realm="test"', 'docker-distribution-api-version': 'registry/2.0' }
  response.writeHead(401, headers).end(errorBody('UNAUTHORIZED', 'authentication required'))
  return 401
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly path: string
  readonly blobs: ReadonlyMap<string, Buffer>
  readonly manifests: ReadonlyMap<string, Buffer>
  readonly options: RegistryOptions
}

function answer({ request, response, path, blobs, manifests, options }: Exchange): number {
  response.setHeader('docker-distribution-api-version', 'registry/2.0')
  if (path === '/v2/') return end(response, 200, Buffer.from('{}'), 'application/json')
  const [, name, kind, reference = ''] = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(path) ?? []
  const separator = reference.startsWith('sha256:') ? '@' : ':'
  const body = kind === 'blobs' ? blobs.get(reference) : manifests.get(`${name}${separator}${reference}`)
  if (body === undefined) {
    const code = kind === 'blobs' ? 'BLOB_UNKNOWN' : 'MANIFEST_UNKNOWN'
    return end(response, 404, Buffer.from(errorBody(code, code.toLowerCase().replace('_', ' '))), 'application/json')
  }
  response.setHeader('docker-content-digest', digestOf(body))
  const type = kind === 'blobs' ? 'application/octet-stream' : manifestType
  if (request.method === 'HEAD') {
    response.writeHead(200, { 'content-type': type, 'content-length': body.length }).end()
    return 200
  }
  return kind === 'blobs' && options.bytesPerS !== undefined ? trickle(response, body, options.bytesPerS) : end(response, 200, body, type)
}

function end(response: ServerResponse, status: number, body: Buffer, type: string): number {
  response.writeHead(status, { 'content-type': type, 'content-length': body.length }).end(body)
  return status
}

function trickle(response: ServerResponse, body: Buffer, bytesPerS: number): number {
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': body.length })
  const stepMs = 50
  const step = Math.max(1, Math.round((bytesPerS * stepMs) / 1000))
  let at = 0
  const timer = setInterval(() => {
    if (at >= body.length || response.destroyed) {
      clearInterval(timer)
      response.end()
      return
    }
    response.write(body.subarray(at, at + step))
    at += step
  }, stepMs)
  return 200
}

function errorBody(code: string, message: string): string {
  return JSON.stringify({ errors: [{ code, message }] })
}

async function buildImage(salt: string, { command, ballast }: ImageFields, add: (bytes: Buffer) => string): Promise<Buffer> {
  const links = applets.map((applet): Entry => ({ kind: 'link', path: `bin/${applet}`, to: 'busybox' }))
  const base: Entry[] = [...programEntries('bin/busybox', '/usr/bin/busybox', []), ...links, { kind: 'text', path: 'salt', text: salt }]
  const large: Entry[] = ballast === undefined ? [] : [{ kind: 'text', path: 'ballast', text: ballast.toString('base64') }]
  const tars = await Promise.all([base, large].filter(entries => entries.length > 0).map(tarOf))
  const layers = tars.map(tar => {
    const layer = gzipSync(tar, { level: 1 })
    return { mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip', size: layer.length, digest: add(layer) }
  })
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      created: '2026-01-01T00:00:00Z',
      config: { Env: ['PATH=/bin'], Cmd: command ?? ['sleep', '3600'], Labels: { salt } },
      rootfs: { type: 'layers', diff_ids: tars.map(digestOf) },
      history: tars.map(() => ({ created: '2026-01-01T00:00:00Z' })),
    }),
  )
  const head = { mediaType: 'application/vnd.docker.container.image.v1+json', size: config.length, digest: add(config) }
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: manifestType, config: head, layers }))
}

async function tarOf(entries: readonly Entry[]): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of writeTar(entries)) pieces.push(piece)
  return Buffer.concat(pieces)
}

function store(blobs: Map<string, Buffer>, bytes: Buffer): string {
  const digest = digestOf(bytes)
  blobs.set(digest, bytes)
  return digest
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise(resolve => server.close(() => resolve()))
}
