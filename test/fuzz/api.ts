// Requests to every route of a real manager, as bytes: bodies, queries, paths, headers, with good and bad credentials.
import { connect } from 'node:net'
import { parse as parseQuery, stringify as stringifyQuery } from 'node:querystring'
import { credentials } from '../support/credentials.js'
import { mutate, strangeText } from './bytes.js'
import type { Random } from './random.js'
import type { Part, Target } from './run.js'
import { compose } from './samples.js'
import { FuzzSite } from './site.js'

export const api: Part = { name: 'api', cases: 20_000, lanes: 4, open: openApi }

interface Route {
  readonly method: string
  /** With `{name}` for parameters. */
  readonly path: string
  readonly query: readonly string[]
  readonly bodies: readonly string[]
}

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

interface Operation {
  readonly parameters?: readonly { readonly in: string; readonly name: string }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> }
}

async function openApi(): Promise<Target> {
  const site = await FuzzSite.open()
  const description = (await (await site.get('/openapi.json')).json()) as Description
  const routes = Object.entries(description.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { parameters = [], requestBody }]): Route => {
      const query = parameters.filter(parameter => parameter.in === 'query').map(parameter => parameter.name)
      return { method: method.toUpperCase(), path, query, bodies: Object.keys(requestBody?.content ?? {}) }
    }),
  )
  if (routes.length < 30) throw new Error(`only ${routes.length} routes`)
  return new ApiTarget(site, routes)
}

class ApiTarget implements Target {
  #understood = 0

  constructor(
    readonly site: FuzzSite,
    readonly routes: readonly Route[],
  ) {}

  async run(_number: number, random: Random): Promise<void> {
    const route = random.pick(this.routes)
    const bytes = requestBytes(route, random)
    const all = await ask(Number(new URL(this.site.manager.url).port), bytes)
    const answer = all.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '')
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 0)
    if (status > 0 && status < 300) this.#understood++
    if (answer !== '' && (status < 200 || status === 500))
      throw new Error(`${answer.slice(0, 500)} to ${bytes.toString('latin1').slice(0, 500)}`)
  }

  async check(): Promise<void> {
    await this.site.check()
    if (this.#understood === 0) throw new Error('no request was understood: the cases say nothing')
  }

  close(): Promise<void> {
    return this.site.close()
  }
}

function requestBytes({ method, path, query, bodies }: Route, random: Random): Buffer {
  const filled = path.replace(/\{(\w+)\}/g, (_, name) => (name === 'topic' ? topicOf(random) : parameterOf(random)))
  const search = queryOf(query, random)
  const type =
    bodies.length === 0 && !random.once(8)
      ? undefined
      : random.once(10)
        ? 'application/x-strange'
        : (random.pick([...bodies, 'application/json']) ?? '')
  const body = type === undefined ? Buffer.alloc(0) : bodyOf(type, random)
  const length = random.once(40) ? random.pick([0, 1, body.length + 5, 99_999_999]) : body.length
  const head = [
    `${random.once(30) ? random.pick(['GET', 'TRACE', 'OPTIONS', 'CONNECT', 'x']) : method} ${filled}${search} HTTP/1.1`,
    ...['Host: 127.0.0.1', 'Connection: close', `Content-Length: ${length}`],
    ...(type === undefined ? [] : [`Content-Type: ${type}`]),
    ...headersOf(random),
  ]
  const bytes = Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), body])
  return random.once(12) ? mutate(bytes, random) : bytes
}

const names = [
  'd1',
  'd2',
  'g',
  'h',
  'web',
  'db',
  '1',
  '2',
  '__proto__',
  'constructor',
  'toString',
  'witness',
  '%00',
  '%2e%2e%2f',
  '..',
  '*',
  '%ff',
  '%',
  '',
]

const topics = [
  'c/g/g/web/run',
  'cmd/device/d1',
  'c/g/g/web/ver',
  'data/group/g',
  'skerry/data/device/d1/a/b',
  'state/manager',
  'device/d1/status',
]

/** One that there is, with something behind it or not. */
function topicOf(random: Random): string {
  return random.once(3) ? `${random.pick(topics)}/${parameterOf(random)}` : random.pick([...topics, parameterOf(random)])
}

function parameterOf(random: Random): string {
  return random.once(8) ? encodeURIComponent(wellFormed(strangeText(random))) : random.pick(names)
}

function queryOf(known: readonly string[], random: Random): string {
  const wanted = known.filter(() => random.once(2))
  const pairs = [...wanted, ...(random.once(8) ? ['__proto__', 'x', strangeText(random)] : [])].map(name => [name, queryValue(random)])
  if (pairs.length === 0) return ''
  const written = stringifyQuery(
    parseQuery(
      pairs
        .map(([name, value]) => `${encodeURIComponent(wellFormed(name ?? ''))}=${encodeURIComponent(wellFormed(value ?? ''))}`)
        .join('&'),
    ),
  )
  return `?${random.once(10) ? `${written}&%zz=%&&=;` : written}`
}

function queryValue(random: Random): string {
  return random.once(3)
    ? strangeText(random)
    : random.pick(['1', '0', '-1', '1e9', 'true', 'false', '', 'web', 'A=b', 'a=b=c', '99999999999999999999', 'line=1', 'x,y', '10m'])
}

/** Text that can be written in a URL. */
function wellFormed(text: string): string {
  return text.replace(/\p{Cs}/gu, '\ufffd')
}

function headersOf(random: Random): string[] {
  const authorization = random.once(6)
    ? random.pick(['Basic YWRtaW46YWRtaW4=', 'Bearer ', 'Bearer x', 'Bearer skt.a.b', `Bearer ${'x'.repeat(3000)}`, 'Bearer \xff'])
    : credentials.authorization
  const extra = [
    () => `Cookie: session=${random.bytes(12).toString('hex')}; __proto__=1; =`,
    () => `Origin: ${random.pick(['null', 'http://evil.example', 'x'])}`,
    () => `Last-Event-ID: ${queryValue(random).replace(/[\r\n\0]/g, '')}`,
    () => `Accept: ${random.pick(['text/html', '*/*', 'x/y;q=9'])}`,
    () => `X-Forwarded-For: ${random.pick(['1.2.3.4', '<script>'])}`,
    () => `Content-Encoding: gzip`,
    () => `Expect: 100-continue`,
    () => `Sec-Fetch-Site: cross-site`,
    () =>
      `X: ${random
        .bytes(random.length())
        .toString('latin1')
        .replace(/[\r\n\0]/g, '')}`,
  ]
  return [...(random.once(12) ? [] : [`Authorization: ${authorization}`]), ...(random.once(3) ? [random.pick(extra)()] : [])]
}

function bodyOf(type: string, random: Random): Buffer {
  if (random.once(10)) return random.bytes(random.length())
  const good = type.includes('json')
    ? Buffer.from(JSON.stringify(random.once(2) ? random.pick(goodBodies) : jsonOf(random, 0)))
    : Buffer.from(compose)
  return random.once(2) ? mutate(good, random) : good
}

/** What some route takes. */
const goodBodies: readonly unknown[] = [
  ...[{ name: 'press' }, { labels: { line: '1' } }, { name: 'g' }, { devices: ['d1', 'd2'] }, { device: 'd1' }, { services: ['web'] }],
  ...[
    {
      compose,
      path: 'compose.yaml',
      environment: { A: 'b' },
      files: { 'a/b': 'text', c: { base64: 'AAAA', executable: true } },
      profiles: ['p'],
    },
  ],
  ...[
    { name: 'plc', role: 'viewer', groups: ['g'] },
    { name: 'plc', role: 'admin', password: 'a long password' },
    { user: 'admin', password: 'x' },
  ],
  ...[{ group: 'g', labels: { a: 'b' }, uses: 1, ttl: '24h' }, { pattern: 'example/**' }, { patterns: ['a/*', '**'] }, { reason: 'x' }],
]

const keys = [
  'name',
  'labels',
  'groups',
  'devices',
  'services',
  'compose',
  'files',
  'role',
  'password',
  'user',
  'ttl',
  'uses',
  '__proto__',
  'constructor',
  'x',
]

/** JSON with keys that routes know, of any kind and depth. */
function jsonOf(random: Random, depth: number): unknown {
  return random.pick<() => unknown>([
    () => random.pick([0, 1, -1, 1e308, 0.5, Number.MAX_SAFE_INTEGER, true, false, null]),
    () => strangeText(random),
    () => random.pick(names),
    () => (depth > 4 ? [] : Array.from({ length: random.below(5) }, () => jsonOf(random, depth + 1))),
    () =>
      depth > 4 ? {} : Object.fromEntries(Array.from({ length: random.below(5) }, () => [random.pick(keys), jsonOf(random, depth + 1)])),
    () =>
      depth > 4 ? {} : Object.fromEntries(Array.from({ length: random.below(5) }, () => [random.pick(keys), jsonOf(random, depth + 1)])),
  ])()
}

const patienceMs = 400
const enough = 4096

/** The beginning of the answer; empty if the connection was closed without one, or there is none in time as the request goes on. */
function ask(port: number, request: Buffer): Promise<string> {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1' })
    let answer = ''
    const done = (): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(patienceMs, done)
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
    socket.on('data', chunk => {
      answer += chunk.toString('latin1')
      // Streams do not end.
      if (answer.length > enough || /content-type: text\/event-stream/i.test(answer)) done()
    })
    socket.write(request)
  })
}
