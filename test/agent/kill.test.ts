// The agent is killed with SIGKILL at random moments while specs alternate, one of them bad: it converges each time, with nothing twice or left over.
// time limit: 400 s
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import { ensureTestImage, testImage } from '../support/busybox.js'
import { clear, docker } from '../support/docker.js'
import { GateWorld } from '../support/gate.js'
import { enrol } from '../support/membership.js'
import { type Observer, observe } from '../support/observer.js'
import { type Child, skerry } from '../support/process.js'
import { eventually } from '../support/within.js'

const count = Number(process.env.KILLS ?? 20)
const seed = Number(process.env.KILL_SEED ?? Date.now() % 1_000_000)
const app = `keep-kill-${process.pid}`
const service = `image: ${testImage}, stop_signal: SIGKILL, restart: always`

/** What each spec leaves: names of its services, and its networks beside the default one. */
const specs = {
  one: {
    compose: `services: { web: { ${service}, volumes: ["data:/data"] }, db: { ${service} } }\nvolumes: { data: {} }`,
    services: ['db', 'web'],
    networks: ['default'],
  },
  other: {
    compose: `services: { web: { ${service}, environment: { A: "1" }, volumes: ["data:/data"], networks: [default, back], depends_on: [cache] }, cache: { ${service}, networks: [back] } }\nvolumes: { data: {} }\nnetworks: { back: {} }`,
    services: ['cache', 'web'],
    networks: ['back', 'default'],
  },
  bad: { compose: `services: { web: { image: ${testImage}, command: ["sh", "-c", "exit 3"] } }`, services: [], networks: [] },
} as const
type Name = keyof typeof specs

/** Mulberry32: a small generator, so that a run can be had again. */
function createRandom(from: number): () => number {
  let state = from
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Everything of the app that the Engine has, in words that differ if anything is twice, left over or not running. */
function inventory(): string {
  const label = `label=io.skerry.app=${app}`
  const list = (...args: string[]) =>
    docker(...args)
      .split('\n')
      .filter(Boolean)
      .sort()
  const containers = list('ps', '-a', '--filter', label, '--format', '{{.Names}} {{.State}}')
  const networks = list('network', 'ls', '--filter', label, '--format', '{{.Name}}')
  const volumes = list('volume', 'ls', '-q', '--filter', label)
  return JSON.stringify({ containers, networks, volumes })
}

function expected({ services, networks }: { readonly services: readonly string[]; readonly networks: readonly string[] }): string {
  return JSON.stringify({
    containers: services.map(name => `${app}-${name}-1 running`),
    networks: networks.map(name => `${app}_${name}`),
    volumes: [`${app}_data`],
  })
}

const kills = suite<{ folder: string; gate: GateWorld; observer: Observer; child: Child | undefined }>('kill')

kills.before.each(async world => {
  ensureTestImage()
  world.folder = mkdtempSync(join(tmpdir(), 'skerry-kill-'))
  world.gate = await GateWorld.open()
  world.observer = await observe(world.gate.url, world.gate.pki.caPem)
})
kills.after.each(async world => {
  await world.child?.end('SIGKILL').catch(() => undefined)
  await world.observer.stop()
  await world.gate.close()
  clear(app)
  rmSync(world.folder, { recursive: true, force: true })
})

kills(`${count} times killed, ${count} times converged`, async world => {
  console.log(`seed ${seed}`)
  const random = createRandom(seed)
  const { observer } = world
  const start = () => {
    world.child = skerry(['agent', '--data', world.folder, '--interval', '5'])
    return world.child
  }
  const device = await enrol(world.folder, world.gate)
  await start().line(new RegExp(`^${device}$`))
  const deploy = async (name: Name, revision: number) => {
    const wanted = await observer.spec(app, specs[name].compose, revision)
    await observer.manifest({ device }, { apps: [{ ...wanted, policy: { settleS: 1 } }] })
  }
  const newest = () => observer.seen.reports.at(-1)?.apps.find(each => each.name === app)
  const converged = (name: Name, revision: number) => {
    const reported = newest()
    if (name !== 'bad') return reported?.state === 'running' && reported.revision === revision && inventory() === expected(specs[name])
    const back = reported?.state === 'rolled-back' && reported.failedRevision === revision
    return back && [specs.one, specs.other].some(good => inventory() === expected(good))
  }
  const settled = (name: Name, revision: number) =>
    eventually(60_000, `${name} as revision ${revision}`, () => converged(name, revision)).catch(error => {
      throw new Error(
        `${error.message} (seed ${seed}): ${inventory()}, reported ${JSON.stringify(newest())}\n${world.child?.lines.slice(-30).join('\n')}`,
      )
    })
  await deploy('one', 1)
  await settled('one', 1)
  const ways: readonly Name[] = ['other', 'one', 'bad']
  for (let kill = 1; kill <= count; kill++) {
    const name = ways[Math.floor(random() * 3)] ?? 'one'
    await deploy(name, kill + 1)
    // Now and then a second time, while it mends what the first has left.
    for (let times = random() < 0.25 ? 2 : 1; times > 0; times--) {
      await new Promise(resolve => setTimeout(resolve, random() * 2_500))
      await world.child?.end('SIGKILL')
      start()
    }
    await settled(name, kill + 1)
    if (kill % 10 === 0) console.log(`${kill} of ${count} converged`)
  }
  await observer.manifest({ device }, { apps: [] })
  await eventually(60_000, 'nothing but the volume is left', () => inventory() === expected({ services: [], networks: [] }))
  await eventually(10_000, 'nothing is reported', () => newest() === undefined)
})

kills.run()
