// The few calls of the Docker Engine's HTTP API that come before any agent runs: ping, is an image there, pull, import.
import { type IncomingMessage, type RequestOptions, request } from 'node:http'
import { request as requestTls } from 'node:https'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { SkerryError } from '../protocol/errors.js'

export interface EngineApi {
  /** Throws with the system's error code if nothing answers. */
  ping(): Promise<void>
  hasImage(name: string): Promise<boolean>
  /** Throws `image.unavailable`. */
  pull(name: string, signal: AbortSignal): Promise<void>
  /** Makes an image from a root file system as a tar stream. */
  importImage(name: string, tar: AsyncIterable<Uint8Array>): Promise<void>
}

const pingLimitMs = 5000

/** `address`: a socket's path, or a `unix://`, `tcp://`, `http://` or `https://` URL. */
export function openEngine(address: string): EngineApi {
  const { connect, tls } = connectionOf(address)

  const call = (method: string, path: string, more: { body?: Readable; signal?: AbortSignal } = {}): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const options: RequestOptions = { ...connect, method, path, ...(more.signal === undefined ? {} : { signal: more.signal }) }
      const sent = (tls ? requestTls : request)(options, resolve)
      sent.once('error', reject)
      if (more.body === undefined) sent.end()
      else pipeline(more.body, sent).catch(reject)
    })

  /** The progress stream of a pull or import says in its last line whether it failed. */
  const follow = async (answer: IncomingMessage, what: string): Promise<void> => {
    const text = await textOf(answer)
    const fault = findFault(text)
    const failed = (answer.statusCode ?? 500) >= 300
    if (failed || fault !== undefined) throw new SkerryError('image.unavailable', `${what}: ${fault ?? text.slice(0, 200).trim()}`)
  }

  return {
    async ping() {
      const answer = await call('GET', '/_ping', { signal: AbortSignal.timeout(pingLimitMs) })
      await textOf(answer)
    },
    async hasImage(name) {
      const answer = await call('GET', `/images/${name}/json`)
      await textOf(answer)
      return answer.statusCode === 200
    },
    async pull(name, signal) {
      const { repository, tag } = splitName(name)
      const query = new URLSearchParams({ fromImage: repository, tag })
      await follow(await call('POST', `/images/create?${query}`, { signal }), `cannot pull ${name}`)
    },
    async importImage(name, tar) {
      const { repository, tag } = splitName(name)
      const query = new URLSearchParams({ fromSrc: '-', repo: repository, tag })
      await follow(await call('POST', `/images/create?${query}`, { body: Readable.from(tar) }), `cannot make ${name}`)
    },
  }
}

export function connectionOf(address: string): { connect: RequestOptions; tls: boolean } {
  if (address.startsWith('/')) return { connect: { socketPath: address }, tls: false }
  if (address.startsWith('unix://')) return { connect: { socketPath: address.slice('unix://'.length) }, tls: false }
  const { protocol, hostname, port } = new URL(address)
  return { connect: { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 2375 : Number(port) }, tls: protocol === 'https:' }
}

/** The socket's path, if the address is one. */
export function socketPathOf(address: string): string | undefined {
  const { socketPath } = connectionOf(address).connect
  return socketPath ?? undefined
}

function splitName(name: string): { repository: string; tag: string } {
  const colon = name.lastIndexOf(':')
  return colon > name.lastIndexOf('/')
    ? { repository: name.slice(0, colon), tag: name.slice(colon + 1) }
    : { repository: name, tag: 'latest' }
}

export function findFault(progress: string): string | undefined {
  for (const line of progress.split('\n').filter(each => each.trim() !== '')) {
    try {
      const { error, message } = JSON.parse(line) ?? {}
      const fault: unknown = error ?? message
      if (typeof fault === 'string') return fault
    } catch {
      return undefined
    }
  }
  return undefined
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}
