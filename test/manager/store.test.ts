// The database: transactions that are whole or nothing, a lock, and a history that does not grow for ever.
import * as assert from 'node:assert/strict'
import { join } from 'node:path'
import Libsql from 'libsql'
import { suite } from 'uvu'
import { newEvent } from '../../manager/core/events.js'
import { openDb } from '../../manager/store/db.js'
import { insertEvents, readEvents } from '../../manager/store/events.js'
import { insertGroup, readGroups } from '../../manager/store/groups.js'
import { nextRevision, raiseRevision, readInstance } from '../../manager/store/meta.js'
import { migrations } from '../../manager/store/migrations.js'
import { readBody, readSpecsToClear } from '../../manager/store/outbox.js'
import { tempFolder } from './site.js'

const test = suite<{ folder: Awaited<ReturnType<typeof tempFolder>>; file: string }>('store')

test.before.each(async context => {
  context.folder = await tempFolder()
  context.file = join(context.folder.path, 'manager.db')
})
test.after.each(({ folder }) => folder.remove())

test('a change that throws leaves nothing behind', ({ file }) => {
  const db = openDb(file)
  const act = () => {
    insertGroup(db, 'line-1', 0)
    throw new Error('no')
  }
  assert.throws(() => db.durably(act), /no/)
  assert.deepEqual(readGroups(db), [])
  db.durably(() => insertGroup(db, 'line-1', 0))
  assert.equal(readGroups(db).length, 1)
  db.close()
})

test('the instance and the counter of revisions stay when the database is opened again', ({ file }) => {
  const db = openDb(file)
  const instance = readInstance(db)
  assert.equal(instance.length, 8)
  assert.deepEqual([nextRevision(db), nextRevision(db)], [1, 2])
  raiseRevision(db, 100)
  raiseRevision(db, 50)
  db.close()
  const again = openDb(file)
  assert.deepEqual(readInstance(again), instance)
  assert.equal(nextRevision(again), 101)
  again.close()
})

test('a file that is open is refused to others, and free once it is closed', ({ file }) => {
  const db = openDb(file)
  assert.throws(() => openDb(file), { code: 'state.in-use' })
  db.close()
  openDb(file).close()
})

test('what is no SQL value is refused before it reaches the driver', ({ file }) => {
  const db = openDb(file)
  assert.throws(() => db.runSql('select ?', [true]), TypeError)
  assert.throws(() => db.runSql('select ?', [undefined]), TypeError)
  db.close()
})

test('the history keeps the newest events', ({ file }) => {
  const db = openDb(file)
  db.quickly(() => insertEvents(db, Array(101_500).fill(newEvent('manager.started', 'again')), 0))
  const oldest = readEvents(db, {}, { after: 0, limit: 1 })[0]?.id
  assert.equal(oldest, 1001)
  assert.equal(readEvents(db, {}, { limit: 1 })[0]?.id, 101_500)
  db.close()
})

test('a database of the version before has its specs, with what the broker has of them', ({ file }) => {
  const old = new Libsql(file)
  old.exec(`BEGIN; ${migrations[0]}; PRAGMA user_version = 1; COMMIT`)
  old.prepare("insert into specs (digest, compose, payload, published) values ('a', 'x', x'01', 1), ('b', 'y', x'02', 2)").run()
  old.close()
  const db = openDb(file)
  assert.deepEqual(readBody(db, 'a'), Uint8Array.of(1))
  assert.deepEqual(readSpecsToClear(db, 9), ['a', 'b'])
  db.close()
})

test.run()
