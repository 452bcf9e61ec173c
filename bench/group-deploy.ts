// One deploy to a group of 5,000: when the last simulated agent has the manifest and the spec, and what was published for it.
import { ask } from './support/ask.js'
import { BenchFleet, BenchServer } from './support/children.js'
import { median, printFigure, quantile } from './support/figures.js'
import { deviceId } from './support/fleet-process.js'

const devices = 5000
const runs = 5

async function call(method: string, url: string, body: string, type: string): Promise<Response> {
  const response = await ask(url, { method, body, headers: { 'content-type': type } })
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${(await response.text()).slice(0, 300)}`)
  return response
}

async function published(url: string): Promise<number> {
  return ((await (await ask(`${url}/api/v1/stats`)).json()) as { published: number }).published
}

const server = await BenchServer.start()
const fleets = [new BenchFleet(), new BenchFleet()]
const share = devices / fleets.length
await Promise.all(
  fleets.map((fleet, n) => fleet.ask({ kind: 'connect', port: server.mqttPort, from: n * share, count: share, follow: true }, 'connected')),
)
await server.untilReady(devices)
const api = `${server.url}/api/v1`
const members = Array.from({ length: devices }, (_, n) => deviceId(n))
await call('POST', `${api}/groups`, JSON.stringify({ name: 'all', devices: members }), 'application/json')
await settle()

/** Waits until nothing more is published: the manifests of the join are out. */
async function settle(): Promise<void> {
  for (let before = -1, now = 0; before !== now; ) {
    before = now
    await new Promise(resolve => setTimeout(resolve, 1000))
    now = await published(server.url)
  }
}

const lastManifest: number[] = []
const lastSpec: number[] = []
const publishes: number[] = []
for (let run = 0; run < runs; run++) {
  const compose = `services:\n  web:\n    image: nginx:1.${run}\n    ports: ["80:80"]\n    restart: unless-stopped\n`
  await Promise.all(fleets.map(fleet => fleet.ask({ kind: 'await-spec' }, 'waiting')))
  const before = await published(server.url)
  const answers = Promise.all(fleets.map(fleet => fleet.hear('specs')))
  const start = performance.timeOrigin + performance.now()
  await call('PUT', `${api}/groups/all/apps/web`, compose, 'application/yaml')
  const all = await answers
  lastManifest.push(Math.max(...all.flatMap(answer => answer.manifestsAt)) - start)
  lastSpec.push(Math.max(...all.flatMap(answer => answer.specsAt)) - start)
  await settle()
  publishes.push((await published(server.url)) - before)
}

printFigure(`group deploy to ${devices} agents: last manifest, median of ${runs}`, median(lastManifest), 'ms')
printFigure('  last one has manifest and spec: median', median(lastSpec), 'ms', '<= 1000')
printFigure('  slowest run', quantile(lastSpec, 1), 'ms')
printFigure('  publishes by the manager (median; the first run has nothing to clear)', median(publishes))
printFigure('  publishes of the first deploy', publishes[0] ?? Number.NaN, '', '2')
printFigure("  server's resident memory", (await server.usage()).rssBytes / 1e6, 'MB')
await Promise.all(fleets.map(fleet => fleet.stop()))
await server.stop()
