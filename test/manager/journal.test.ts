// Changes made together are one transaction, of which a part can fail alone; nothing is told before all is stored.
import * as assert from 'node:assert/strict'
import { suite } from 'uvu'
import { newEvent } from '../../manager/core/events.js'
import { Journal } from '../../manager/journal.js'
import { openDb } from '../../manager/store/db.js'
import { readEvents } from '../../manager/store/events.js'
import { insertGroup, readGroups } from '../../manager/store/groups.js'
import { ManualClock } from '../support/clock.js'
import { silent } from './site.js'

const test = suite('journal')

function open() {
  const db = openDb(':memory:')
  const clock = new ManualClock()
  const journal = new Journal(db, clock, silent)
  const told: string[] = []
  journal.subscribe(events => void told.push(...events.map(({ message }) => message)))
  const add = (name: string, fault?: Error) =>
    journal.change(note => {
      insertGroup(db, name, 1)
      note(newEvent('group.created', name, { group: name }))
      if (fault !== undefined) throw fault
    })
  return { db, journal, clock, told, add, groups: () => readGroups(db).map(({ name }) => name) }
}

test('a change that throws is undone alone, and the events are told at the end', () => {
  const { db, journal, told, add, groups } = open()
  journal.together(() => {
    add('one')
    assert.throws(() => add('two', new Error('no')), /no/)
    add('three')
    assert.deepEqual(told, [])
  })
  assert.deepEqual(groups(), ['one', 'three'])
  assert.deepEqual(told, ['one', 'three'])
  assert.deepEqual(
    readEvents(db, {}, { limit: 10 }).map(({ message }) => message),
    ['one', 'three'],
  )
  journal.stop()
  db.close()
})

test('if the whole throws, nothing has happened and nothing is told; the next change is one of its own', () => {
  const { db, journal, told, add, groups } = open()
  const all = () =>
    journal.together(() => {
      add('one')
      throw new Error('disk')
    })
  assert.throws(all, /disk/)
  assert.deepEqual([groups(), told], [[], []])
  add('two')
  assert.deepEqual([groups(), told], [['two'], ['two']])
  journal.stop()
  db.close()
})

test('what the disk refuses is told apart, once; when it is stored all hear of it, once and in order', () => {
  const { db, journal, clock, told } = open()
  const unstored: string[] = []
  journal.subscribeUnstored(events => void unstored.push(...events.map(({ message }) => message)))
  const note = (message: string) => {
    journal.note(newEvent('manager.started', message))
    journal.flush()
  }
  const { quickly } = db
  db.quickly = () => {
    throw new Error('disk full')
  }
  note('one')
  note('two')
  clock.advance(5000)
  assert.deepEqual([unstored, told], [['one', 'two'], []])
  db.quickly = quickly
  note('three')
  clock.advance(5000)
  assert.deepEqual(
    [unstored, told],
    [
      ['one', 'two'],
      ['one', 'two', 'three'],
    ],
  )
  db.quickly = () => {
    throw new Error('disk full')
  }
  note('four')
  assert.deepEqual(unstored, ['one', 'two', 'four'])
  db.quickly = quickly
  journal.stop()
  assert.deepEqual(told.at(-1), 'four')
  db.close()
})

test.run()
