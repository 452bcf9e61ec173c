// The two trees, against the plain definition of matching in MQTT 4.7.
import fc from 'fast-check'
import { suite } from 'uvu'
import { equal, is } from 'uvu/assert'
import { FilterTree, isFilter, matches } from '../../broker/store/filters.js'
import { TopicTree } from '../../broker/store/topics.js'

const test = suite('topics and filters')

const table: readonly (readonly [filter: string, topic: string, matches: boolean])[] = [
  ['a/b', 'a/b', true],
  ['a/b', 'a/b/c', false],
  ['a/#', 'a', true],
  ['a/#', 'a/b/c', true],
  ['a/#', 'ab', false],
  ['a/+', 'a', false],
  ['a/+', 'a/', true],
  ['a/+/c', 'a/b/c', true],
  ['+', '/a', false],
  ['+/+', '/a', true],
  ['/+', '/a', true],
  ['#', 'a', true],
  ['#', '/a', true],
  ['#', '$SYS/a', false],
  ['+/a', '$SYS/a', false],
  ['$SYS/#', '$SYS/a', true],
  ['$SYS/+', '$SYS/a', true],
  ['a/+/#', 'a/b', true],
  ['a/+/#', 'a', false],
]

for (const [filter, topic, expected] of table) {
  test(`${filter} ${expected ? 'matches' : 'does not match'} ${topic}`, () => is(matches(filter, topic), expected))
}

test('filters are checked', () => {
  const good = ['a', '/', '+', '#', 'a/+/b', '+/#', 'a//b']
  const bad = ['', 'a+', '+a', 'a#', '#/a', 'a/#/b', 'a/b#', 'a\u0000']
  equal(good.filter(isFilter), good)
  equal(bad.filter(isFilter), [])
})

const segment = fc.constantFrom('a', 'b', '', '$s', 'c')
const topic = fc.array(segment, { minLength: 1, maxLength: 4 }).map(parts => parts.join('/'))
const filter = fc.array(fc.oneof(segment, fc.constantFrom('+', '#')), { minLength: 1, maxLength: 4 }).map(parts => parts.join('/'))
const valid = filter.filter(isFilter)

test('a tree of topics gives a filter what matches it, and nothing that was deleted', () => {
  fc.assert(
    fc.property(fc.uniqueArray(topic.filter(name => name !== '')), fc.array(topic), valid, (names, deleted, wanted) => {
      const tree = new TopicTree<string>()
      for (const name of names) tree.set(name, name)
      for (const name of deleted) tree.delete(name)
      const left = names.filter(name => !deleted.includes(name))
      equal(tree.match(wanted).sort(), left.filter(name => matches(wanted, name)).sort())
      is(tree.size, left.length)
    }),
  )
})

test('a tree of filters gives a topic every filter that matches it, once', () => {
  fc.assert(
    fc.property(fc.uniqueArray(valid), fc.array(valid), topic, (filters, removed, name) => {
      const tree = new FilterTree<string>()
      for (const one of filters) tree.add(one, one)
      for (const one of removed) tree.remove(one, one)
      const left = filters.filter(one => !removed.includes(one))
      equal(tree.match(name).sort(), left.filter(one => matches(one, name)).sort())
    }),
  )
})

test.run()
