// Specs with files on a device: asked for in portions, kept by content, read only when whole, and read anew when the device changes.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Disk } from '../../agent/disk.js'
import { Holdings } from '../../agent/holdings.js'
import { Ledger } from '../../agent/ledger.js'
import { targetKey } from '../../agent/target.js'
import { targetOf } from '../../agent/targets.js'
import { Verdicts } from '../../agent/verdicts.js'
import { specOf } from '../../protocol/bundle.js'
import { unwrap } from '../../protocol/errors.js'
import { type Manifest, manifestCodec } from '../../protocol/messages/manifest.js'
import { digestText, openSpec, packFile, packSpec } from '../../protocol/spec.js'
import { ManualClock } from '../support/clock.js'

const log = pino({ level: 'silent' })

interface World {
  folder: string
  disk: Disk
  holdings: Holdings
  restart(): void
  tell(specs: Record<string, string>, more?: Partial<Manifest>): void
}
const held = suite<World>('specs with files')
let revision = 0

held.before.each(world => {
  world.folder = mkdtempSync(join(tmpdir(), 'skerry-holdings-'))
  world.disk = new Disk(world.folder, log)
  world.holdings = new Holdings(world.disk, log, 'press')
  world.restart = () => {
    world.disk.close()
    world.disk = new Disk(world.folder, log)
    world.holdings = new Holdings(world.disk, log, 'press')
  }
  world.tell = (specs, more = {}) => {
    const apps = Object.entries(specs).map(([name, digest]) => ({
      name,
      digest: Buffer.from(digest, 'base64url'),
      run: 'running' as const,
      revision: 1,
    }))
    const manifest = { version: 1, instance: Buffer.alloc(8), revision: ++revision, apps, groups: [], ...more }
    assert.is(world.holdings.receiveDevice(manifestCodec.encode(manifest)).reception, 'taken')
  }
})

held.after.each(({ folder, disk }) => {
  disk.close()
  rmSync(folder, { recursive: true, force: true })
})

const compose =
  'services:\n  web:\n    image: i\n    labels: {l: "$SKERRY_LABEL_HALL-$SKERRY_DEVICE_NAME-$SKERRY_APP-$SKERRY_GROUP"}\n    volumes: ["/x:/y"]\n'

function specWith(files: Record<string, string | Buffer>, text = compose) {
  const contents = new Map(Object.entries(files).map(([path, content]) => [path, { contents: Buffer.from(content) }]))
  const { digest, payload } = packSpec(unwrap(specOf({ compose: text, files: contents })))
  const bodies = [...contents.values()].map(file => packFile(file.contents))
  return { digest: digestText(digest), payload, files: new Map(bodies.map(body => [digestText(body.digest), body.payload])) }
}

const project = (holdings: Holdings) => {
  const app = holdings.effective().apps[0]!
  return holdings.project(app, digestText(app.digest))
}
const label = (holdings: Holdings) => unwrap(project(holdings)!).project.services.web!.labels.l

held('a spec is asked for, then its files, and its project is there when all of them are', ({ holdings, tell }) => {
  const spec = specWith({ a: 'one', b: 'two', c: 'one' })
  tell({ web: spec.digest })
  assert.equal(holdings.missingSpecs(), [spec.digest])
  assert.is(holdings.receiveSpec(spec.digest, spec.payload), 'taken')
  assert.equal(holdings.missingSpecs().sort(), [...spec.files.keys()].sort())
  for (const [digest, payload] of spec.files) {
    assert.is(project(holdings), undefined)
    assert.ok(holdings.isMissing(digest))
    assert.is(holdings.receiveSpec(digest, payload), 'taken')
    assert.is(holdings.receiveSpec(digest, payload), 'known')
  }
  assert.equal(holdings.missingSpecs(), [])
  assert.ok(project(holdings)?.ok)
  assert.equal(
    holdings.filesOf(spec.digest).map(file => [file.path, Buffer.from(holdings.contentsOf(file)).toString()]),
    [
      ['a', 'one'],
      ['b', 'two'],
      ['c', 'one'],
    ],
  )
})

held('what is held is there after a restart, and contents that two specs share come once', world => {
  const first = specWith({ a: 'one', b: 'two' })
  world.tell({ web: first.digest })
  for (const [digest, payload] of [[first.digest, first.payload] as const, ...first.files]) world.holdings.receiveSpec(digest, payload)
  world.restart()
  assert.equal(world.holdings.missingSpecs(), [])
  assert.ok(project(world.holdings)?.ok)
  const second = specWith({ 'else/where': 'one', b: 'three' })
  world.tell({ web: second.digest })
  world.holdings.receiveSpec(second.digest, second.payload)
  assert.equal(world.holdings.missingSpecs(), [digestText(packFile(Buffer.from('three')).digest)])
})

held('files are asked for in portions that a broker can hold for a slow reader', ({ holdings, tell }) => {
  const large = Object.fromEntries([1, 2, 3].map(n => [`large${n}`, Buffer.alloc(700_000, n)]))
  const small = Object.fromEntries(Array.from({ length: 150 }, (_, n) => [`small${n}`, `${n}`]))
  const spec = specWith({ ...large, ...small })
  tell({ web: spec.digest })
  holdings.receiveSpec(spec.digest, spec.payload)
  const digests = new Set(Object.values(large).map(content => digestText(packFile(content).digest)))
  let rounds = 0
  for (let asked = holdings.missingSpecs(); asked.length > 0; asked = holdings.missingSpecs()) {
    const largeOnes = asked.filter(digest => digests.has(digest))
    assert.ok(asked.length <= 100 && largeOnes.length <= 1)
    for (const digest of asked) holdings.receiveSpec(digest, spec.files.get(digest)!)
    rounds++
  }
  assert.ok(rounds >= 4)
  assert.ok(project(holdings)?.ok)
})

held('specs that nothing names go with their files; those of the spec that runs stay', world => {
  const [old, next] = [specWith({ a: 'one', b: 'two' }), specWith({ a: 'one', b: 'three' })]
  world.tell({ web: old.digest })
  for (const [digest, payload] of [[old.digest, old.payload] as const, ...old.files]) world.holdings.receiveSpec(digest, payload)
  world.tell({ web: next.digest })
  for (const [digest, payload] of [[next.digest, next.payload] as const, ...next.files]) world.holdings.receiveSpec(digest, payload)
  const onDisk = () => readdirSync(join(world.folder, 'specs')).sort()
  world.holdings.pruneSpecs([old.digest])
  assert.equal(onDisk(), [...new Set([old.digest, next.digest, ...old.files.keys(), ...next.files.keys()])].sort())
  world.holdings.pruneSpecs([])
  assert.equal(onDisk(), [next.digest, ...next.files.keys()].sort())
  world.restart()
  assert.equal(world.holdings.missingSpecs(), [])
})

held('a file that is corrupt on disk is not believed, and asked for again', world => {
  const spec = specWith({ a: 'one' })
  const [file] = spec.files.keys()
  world.tell({ web: spec.digest })
  for (const [digest, payload] of [[spec.digest, spec.payload] as const, ...spec.files]) world.holdings.receiveSpec(digest, payload)
  writeFileSync(join(world.folder, 'specs', file!), 'garbage')
  assert.throws(() => world.holdings.contentsOf(world.holdings.filesOf(spec.digest)[0]!))
  assert.equal(world.holdings.missingSpecs(), [file])
  writeFileSync(join(world.folder, 'specs', spec.digest), 'garbage')
  world.restart()
  assert.equal(world.holdings.missingSpecs(), [spec.digest])
})

held('what is not what its digest names is refused, be it a spec or a file', ({ holdings, tell }) => {
  const spec = specWith({ a: 'one' })
  const [file] = spec.files.keys()
  tell({ web: spec.digest })
  const refused = (digest: string, payload: Uint8Array) => (holdings.receiveSpec(digest, payload) as { code: string }).code
  assert.is(refused(spec.digest, packFile(Buffer.from('x')).payload), 'spec.digest')
  holdings.receiveSpec(spec.digest, spec.payload)
  assert.is(refused(file!, packFile(Buffer.from('x')).payload), 'spec.digest')
  assert.is(refused(file!, Buffer.from('x')), 'message.invalid')
})

held('a spec with a path that leaves the folder is a fault, and none of its files is ever placed', ({ holdings, tell }) => {
  const contents = packFile(Buffer.from('x'))
  const { digest, payload } = packSpec({ compose, files: [{ path: '../../etc/x', digest: contents.digest, sizeBytes: 1 }] })
  assert.ok(openSpec(payload, digest).ok)
  tell({ web: digestText(digest) })
  holdings.receiveSpec(digestText(digest), payload)
  const outcome = project(holdings)
  assert.is(outcome?.ok === false && outcome.refusals[0].code, 'spec.invalid')
  assert.equal(holdings.filesOf(digestText(digest)), [])
})

held('variables of the device are in the project; only a result that differs is another target', world => {
  const spec = specWith({}, compose)
  const plain = specWith({}, 'services: {web: {image: i}}')
  const clock = new ManualClock()
  const ledger = new Ledger(world.disk, clock, log)
  const verdicts = new Verdicts({ ledger, clock, random: () => 0, log, onVerdict: () => {} })
  const keys = () =>
    world.holdings
      .effective()
      .apps.map(app => targetKey(targetOf(app, { ...world, ledger, verdicts, permits: { check: () => undefined }, now: () => 0 })))
  world.tell({ a: spec.digest, b: plain.digest })
  world.holdings.receiveSpec(spec.digest, spec.payload)
  world.holdings.receiveSpec(plain.digest, plain.payload)
  assert.is(label(world.holdings), '-press-a-')
  const before = keys()
  world.tell(
    { a: spec.digest, b: plain.digest },
    {
      variables: [
        { name: 'LABEL_HALL', value: '3' },
        { name: 'DEVICE_NAME', value: 'p7' },
      ],
    },
  )
  assert.is(label(world.holdings), '3-p7-a-')
  const after = keys()
  assert.equal([before[0] === after[0], before[1] === after[1]], [false, true])
})

held('a project is read once for the variables of now and once for those of before, however they alternate', ({ holdings, tell }) => {
  const spec = specWith({}, compose)
  tell({ web: spec.digest })
  holdings.receiveSpec(spec.digest, spec.payload)
  const [app] = holdings.effective().apps
  const read = (name: string) => holdings.project(app!, spec.digest, { SKERRY_DEVICE_NAME: name })
  const [before, now] = [read('before'), read('now')]
  assert.is(before?.ok, true)
  assert.ok(read('before') === before && read('now') === now && before !== now)
})

held.run()
