// A bundle's files in an app's folder: there in place, gone with the bundle, and never outside of the folder.
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Disk } from '../../agent/disk.js'
import { placeFiles } from '../../agent/place.js'
import type { SkerryError } from '../../protocol/errors.js'
import { digestOfContents } from '../../protocol/spec.js'

interface World {
  root: string
  disk: Disk
  folder: string
  place(files: Record<string, string>, programs?: readonly string[]): number
}
const places = suite<World>('files of a bundle')

places.before.each(world => {
  world.root = mkdtempSync(join(tmpdir(), 'skerry-place-'))
  world.disk = new Disk(join(world.root, 'agent'), pino({ level: 'silent' }))
  world.folder = world.disk.appFolder('web')
  world.place = (files, programs = []) => {
    let read = 0
    const list = Object.entries(files).map(([path, text]) => ({
      path,
      digest: digestOfContents(Buffer.from(text)),
      sizeBytes: text.length,
      executable: programs.includes(path),
    }))
    placeFiles(world.disk, 'web', list, file => {
      read++
      return Buffer.from(files[file.path]!)
    })
    return read
  }
})

places.after.each(({ root, disk }) => {
  disk.close()
  rmSync(root, { recursive: true, force: true })
})

const text = (...path: string[]) => readFileSync(join(...path), 'utf8')

places('files are there with their folders, readable for containers, executable where they should be', ({ place, folder }) => {
  place({ 'conf/a/b': 'one', run: '#!' }, ['run'])
  assert.is(text(folder, 'conf/a/b'), 'one')
  const modes = ['.', 'conf', 'conf/a', 'conf/a/b', 'run'].map(path => statSync(join(folder, path)).mode & 0o777)
  assert.equal(modes, [0o755, 0o755, 0o755, 0o644, 0o755])
})

places('only what has changed is written, and what the bundle no longer has goes; the rest of the folder stays', ({ place, folder }) => {
  place({ 'conf/a': 'one', 'conf/b': 'two', 'old/deep/c': 'three' })
  writeFileSync(join(folder, 'conf/of-a-container'), 'mine')
  const before = lstatSync(join(folder, 'conf/a')).ino
  assert.is(place({ 'conf/a': 'one', 'conf/b': 'new' }), 1)
  assert.is(lstatSync(join(folder, 'conf/a')).ino, before)
  assert.equal(readdirSync(folder, { recursive: true }).sort(), ['conf', 'conf/a', 'conf/b', 'conf/of-a-container'])
  assert.is(text(folder, 'conf/b'), 'new')
  assert.is(place({ 'conf/a': 'one', 'conf/b': 'two', 'old/deep/c': 'three' }), 2)
  assert.is(text(folder, 'conf/b') + text(folder, 'old/deep/c'), 'twothree')
  place({})
  assert.equal(readdirSync(folder, { recursive: true }).sort(), ['conf', 'conf/of-a-container'])
  rmSync(join(folder, 'conf'), { recursive: true })
  place({ a: 'one' })
  place({})
  assert.not.ok(existsSync(folder))
})

places('a file that was deleted is written again; one that a container changed is left', ({ place, folder }) => {
  place({ a: 'one', b: 'two' })
  rmSync(join(folder, 'a'))
  writeFileSync(join(folder, 'b'), 'changed')
  assert.is(place({ a: 'one', b: 'two' }), 1)
  assert.is(text(folder, 'a') + text(folder, 'b'), 'onechanged')
})

places('who has a file open goes on reading the old one', ({ place, folder }) => {
  place({ a: 'one' })
  const before = lstatSync(join(folder, 'a')).ino
  place({ a: 'two' })
  assert.is.not(lstatSync(join(folder, 'a')).ino, before)
})

places('a file may become a folder and a folder a file', ({ place, folder }) => {
  place({ a: 'file', 'b/c': 'in a folder' })
  place({ 'a/c': 'in a folder', b: 'file' })
  assert.is(text(folder, 'a/c') + text(folder, 'b'), 'in a folderfile')
})

places('links that a container has put in the way are not followed, neither to write nor to remove', ({ place, folder, root }) => {
  const outside = join(root, 'outside')
  mkdirSync(outside)
  writeFileSync(join(outside, 'a'), 'precious')
  place({ 'conf/a': 'one', b: 'two' })
  for (const path of ['conf', 'b']) rmSync(join(folder, path), { recursive: true })
  symlinkSync(outside, join(folder, 'conf'))
  symlinkSync(join(outside, 'a'), join(folder, 'b'))
  symlinkSync(join(outside, 'a'), join(folder, '.skerry.tmp'))
  mkdirSync(join(folder, 'other/.skerry.tmp'), { recursive: true })
  place({ 'conf/a': 'three', b: 'four', 'other/c': 'five' })
  assert.is(text(outside, 'a'), 'precious')
  assert.is(text(folder, 'conf/a') + text(folder, 'b'), 'threefour')
  rmSync(join(folder, 'conf'), { recursive: true })
  symlinkSync(outside, join(folder, 'conf'))
  place({})
  assert.is(text(outside, 'a'), 'precious')
})

places('a folder that a container turns into a link while files are written keeps them', ({ disk, folder, root, place }) => {
  const outside = join(root, 'outside')
  mkdirSync(outside)
  place({ 'conf/deep/a': 'one' })
  const file = { path: 'conf/deep/a', digest: digestOfContents(Buffer.from('two')), sizeBytes: 3 }
  const swapped: string[] = []
  placeFiles(disk, 'web', [file], () => {
    renameSync(join(folder, 'conf/deep'), join(folder, 'moved'))
    symlinkSync(outside, join(folder, 'conf/deep'))
    swapped.push('conf/deep')
    return Buffer.from('two')
  })
  assert.equal(swapped, ['conf/deep'])
  assert.equal(readdirSync(outside), [])
  assert.is(text(folder, 'moved/a'), 'two')
})

places('an empty folder that Docker made in the place of a file gives way, a full one does not', ({ place, folder }) => {
  mkdirSync(join(folder, 'a'), { recursive: true })
  place({ a: 'one' })
  assert.is(text(folder, 'a'), 'one')
  mkdirSync(join(folder, 'b/data'), { recursive: true })
  assert.throws(
    () => place({ a: 'one', b: 'two' }),
    (error: SkerryError) => error.code === 'spec.invalid',
  )
  rmSync(join(folder, 'b'), { recursive: true })
  place({ a: 'one', b: 'two' })
  assert.is(text(folder, 'b'), 'two')
})

places('what was half written when the agent died is written again, and forgotten files are not left', ({ place, folder, disk }) => {
  place({ a: 'one', b: 'two' })
  const broken = () =>
    placeFiles(
      disk,
      'web',
      [
        { path: 'a', digest: digestOfContents(Buffer.from('new')), sizeBytes: 3 },
        { path: 'c', digest: digestOfContents(Buffer.from('c')), sizeBytes: 1 },
      ],
      ({ path }) => {
        if (path === 'c') throw new Error('power cut')
        return Buffer.from('new')
      },
    )
  assert.throws(broken, /power cut/)
  assert.is(text(folder, 'a'), 'new')
  place({ a: 'one', b: 'two' })
  assert.is(text(folder, 'a') + text(folder, 'b'), 'onetwo')
  writeFileSync(join(folder, 'c'), 'written, but not noted')
  assert.throws(broken, /power cut/)
  place({ a: 'one' })
  assert.equal(readdirSync(folder), ['a'])
})

places('a folder that cannot be written is an error, and the next try mends it', ({ place, folder }) => {
  if (process.getuid?.() === 0) return
  place({ a: 'one' })
  chmodSync(folder, 0o500)
  assert.throws(() => place({ a: 'two' }))
  chmodSync(folder, 0o700)
  place({ a: 'two' })
  assert.is(text(folder, 'a'), 'two')
})

places.run()
