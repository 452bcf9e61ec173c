// What `skerry apply` gathers: just the files that the compose files need, and only the variables that they refer to.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type GatherFlags, gather } from '../../cli/gather.js'
import { localFolder } from '../../cli/local-folder.js'
import type { Shell } from '../../cli/shell.js'
import { createPaint } from '../../cli/table.js'
import type { Bundle } from '../../protocol/bundle.js'
import type { SkerryError } from '../../protocol/errors.js'
import { writeArchive } from '../support/archive.js'

interface World {
  dir: string
  write(files: Record<string, string | Buffer>): void
  gather(flags: Partial<GatherFlags>, env?: Record<string, string>, input?: string): Promise<Bundle>
}
const gathers = suite<World>('cli: what apply sends')

gathers.before.each(world => {
  world.dir = mkdtempSync(join(tmpdir(), 'skerry-gather-'))
  world.write = files => {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(world.dir, path)), { recursive: true })
      writeFileSync(join(world.dir, path), content)
    }
  }
  world.gather = ({ file = ['compose.yaml'], ...flags }, env = {}, input = '') => {
    const shell: Shell = {
      print: () => {},
      say: () => {},
      readInput: async () => input,
      ask: async () => '',
      env,
      paint: createPaint(false),
      signal: new AbortController().signal,
    }
    const paths = file.map(path => (path === '-' ? path : join(world.dir, path)))
    const directory = flags.projectDirectory === undefined ? {} : { projectDirectory: join(world.dir, flags.projectDirectory) }
    const envFile = (flags.envFile ?? []).map(path => join(world.dir, path))
    return gather(shell, { name: 'web', ...flags, ...directory, envFile, file: paths })
  }
})

gathers.after.each(({ dir }) => rmSync(dir, { recursive: true, force: true }))

const service = (more: string) => `services:\n  web:\n    image: i\n    ${more}\n`
const names = ({ files }: Bundle) => [...(files ?? new Map()).keys()].sort()
const textIn = ({ files }: Bundle, path: string) => Buffer.from(files?.get(path)?.contents ?? []).toString()
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (error: SkerryError) => error.code,
  )

gathers('a plain file is alone, whatever lies beside it', async ({ write, gather }) => {
  write({ 'compose.yaml': service('labels: {a: b}'), other: 'x', 'data/y': 'x' })
  const bundle = await gather({})
  assert.equal([names(bundle), bundle.environment, bundle.profiles], [[], {}, []])
  assert.is(bundle.compose, service('labels: {a: b}'))
})

gathers('files and folders that containers bind travel, as a whole, with what is executable', async ({ write, gather, dir }) => {
  write({ 'compose.yaml': service('volumes: ["./conf:/conf", "./one:/one", "/etc/x:/x", "data:/d"]\nvolumes: {data: {}}') })
  write({ 'conf/a': '1', 'conf/deep/run': '2', one: '3', two: '4' })
  chmodSync(join(dir, 'conf/deep/run'), 0o755)
  const bundle = await gather({})
  assert.equal(names(bundle), ['conf/a', 'conf/deep/run', 'one'])
  assert.equal(
    [...bundle.files!.values()].map(file => file.executable ?? false),
    [false, true, false],
  )
  assert.equal(names(await gather({ file: ['.'] })), names(bundle))
})

gathers('of a build context what .dockerignore leaves out stays', async ({ write, gather }) => {
  write({ 'compose.yaml': 'services: {web: {build: ./app}}\n' })
  write({
    'app/Dockerfile': 'FROM i',
    'app/main': '1',
    'app/node_modules/x': '2',
    'app/.dockerignore': 'node_modules\nDockerfile\n*.md\n!keep.md\n',
  })
  write({ 'app/a.md': '', 'app/keep.md': '' })
  assert.equal(names(await gather({})), ['app/.dockerignore', 'app/Dockerfile', 'app/keep.md', 'app/main'])
})

gathers('a folder has its default compose file and override; several files keep their order', async ({ write, gather }) => {
  write({ 'docker-compose.yml': service('labels: {a: b}'), 'docker-compose.override.yml': service('labels: {c: d}') })
  const found = await gather({ file: ['.'] })
  assert.equal(
    [found.path, found.overrides, names(found)],
    ['docker-compose.yml', ['docker-compose.override.yml'], ['docker-compose.override.yml']],
  )
  write({ 'sub/compose.yaml': service('labels: {e: f}'), 'x/over.yaml': service('labels: {g: h}') })
  const given = await gather({ file: ['sub/compose.yaml', 'x/over.yaml'] })
  assert.equal([given.path, given.overrides, names(given)], ['compose.yaml', ['over.yaml'], ['over.yaml']])
  const elsewhere = await gather({ file: ['sub/compose.yaml', 'x/over.yaml'], projectDirectory: '.' })
  assert.equal([elsewhere.path, elsewhere.overrides], ['sub/compose.yaml', ['x/over.yaml']])
  write({ 'sub/over.yaml': 'other' })
  const clash = await gather({ file: ['sub/compose.yaml', 'x/over.yaml'] })
  assert.equal([clash.overrides, textIn(clash, '1-over.yaml')], [['1-over.yaml'], service('labels: {g: h}')])
  assert.is(await codeOf(gather({ file: ['x'] })), 'usage.invalid')
  assert.is(await codeOf(gather({ file: ['none.yaml'] })), 'usage.invalid')
})

gathers('standard input is the main file of the project directory', async ({ write, gather }) => {
  write({ 'conf/a': '1' })
  const bundle = await gather({ file: ['-'], projectDirectory: '.' }, {}, service('volumes: ["./conf:/conf"]'))
  assert.equal([bundle.path, names(bundle), bundle.compose], ['compose.yaml', ['conf/a'], service('volumes: ["./conf:/conf"]')])
})

gathers('an archive gives the same as its folder', async ({ write, gather }) => {
  const files = { 'compose.yaml': service('volumes: ["./conf:/conf"]'), 'conf/a': '1', unneeded: '2' }
  write(files)
  const folder = await gather({ file: ['.'] })
  const archive = await writeArchive(files)
  write({ 'a.tar': archive, 'a.tgz': gzipSync(archive), 'a.tar.gz': gzipSync(archive) })
  for (const file of ['a.tar', 'a.tgz', 'a.tar.gz']) {
    const bundle = await gather({ file: [file] })
    assert.equal([bundle.path, bundle.compose, names(bundle)], [folder.path, folder.compose, names(folder)])
  }
  assert.is(await codeOf(gather({ file: ['a.tar', 'compose.yaml'] })), 'usage.invalid')
})

gathers('links are followed inside of the folder, and refused when they lead out of it', async ({ write, gather, dir }) => {
  write({ 'app/compose.yaml': service('volumes: ["./conf:/conf"]'), 'app/conf/a': '1', 'app/other/b': '2', outside: 'secret' })
  symlinkSync('../other/b', join(dir, 'app/conf/b'))
  symlinkSync('../other', join(dir, 'app/conf/c'))
  symlinkSync('..', join(dir, 'app/other/round'))
  const bundle = await gather({ file: ['app'] })
  assert.ok(
    ['conf/a', 'conf/b', 'conf/c/b'].every(name => names(bundle).includes(name)),
    names(bundle).join(),
  )
  assert.is(textIn(bundle, 'conf/b'), '2')
  symlinkSync('../../outside', join(dir, 'app/conf/d'))
  assert.is(await codeOf(gather({ file: ['app'] })), 'spec.invalid')
})

gathers('a folder of the machine has what is there, and nothing where a path leads through a file or in a circle', ({ write, dir }) => {
  write({ a: '1', 'sub/b': '2' })
  symlinkSync('round', join(dir, 'round'))
  const folder = localFolder(join(dir, 'sub'), dir)
  assert.equal(
    ['b', '../a', '~/a', join(dir, 'a'), '.', '~', 'b/c', '../round', 'none', 'x\0'].map(path => folder.kind(path)),
    ['file', 'file', 'file', 'file', 'folder', 'folder', undefined, undefined, undefined, undefined],
  )
  assert.is(Buffer.from(folder.read('~/a') ?? []).toString(), '1')
  assert.is(folder.read('.'), undefined)
})

gathers('what climbs out of the folder is refused before anything is sent', async ({ write, gather }) => {
  for (const path of ['../x', '~/x', './a/../../x']) {
    write({ 'app/compose.yaml': service(`volumes: ["${path}:/x"]`), x: '1' })
    assert.ok(['compose.unsupported', 'spec.invalid'].includes(await codeOf(gather({ file: ['app'] }))), path)
  }
})

gathers('only variables that the files refer to leave the machine; what is given wins', async ({ write, gather }) => {
  write({
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the file's own
    'compose.yaml': service('labels: {a: "$A-$B-${C:-c}-$SKERRY_DEVICE_ID"}'),
    'one.env': 'B=file\nC=file\nD=file\n',
    'two.env': "C='$A'\n",
  })
  const env = { A: 'shell', B: 'shell', HOME: '/root', SKERRY_SERVER: 'http://x', SKERRY_DEVICE_ID: 'forged' }
  const { environment } = await gather({ env: ['A=given', 'E=given'], envFile: ['one.env', 'two.env'] }, env)
  assert.equal(environment, { A: 'given', B: 'shell', C: '$A', E: 'given' })
  assert.equal((await gather({ env: ['A'] }, env)).environment, { A: 'shell', B: 'shell' })
  assert.is(await codeOf(gather({ env: ['MISSING'] })), 'usage.invalid')
  assert.is(await codeOf(gather({ env: ['SKERRY_APP=x'] })), 'compose.variable')
  assert.is(await codeOf(gather({ envFile: ['none.env'] })), 'usage.invalid')
})

gathers('.env travels, unless other files of variables are given in its place', async ({ write, gather }) => {
  write({ 'compose.yaml': service('labels: {a: "$A"}'), '.env': 'A=env', 'one.env': 'B=1' })
  assert.equal(names(await gather({})), ['.env'])
  assert.equal(names(await gather({ envFile: ['one.env'] })), [])
  write({ 'compose.yaml': service('labels: {a: "$A"}\n    env_file: .env') })
  assert.equal(names(await gather({ envFile: ['one.env'] })), ['.env'])
})

gathers('too many or too large files are refused by name, with their size', async ({ write, gather }) => {
  write({ 'compose.yaml': service('volumes: ["./data:/data"]') })
  write(Object.fromEntries(Array.from({ length: 1001 }, (_, n) => [`data/${n}`, ''])))
  const error = await gather({}).catch((thrown: SkerryError) => thrown)
  assert.ok('code' in error && error.code === 'spec.too-large' && error.message.includes('data'))
  write({ 'compose.yaml': service('volumes: ["./large:/data"]'), large: Buffer.alloc(1024 * 1024 + 1) })
  assert.is(await codeOf(gather({})), 'spec.too-large')
})

gathers.run()
