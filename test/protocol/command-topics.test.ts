// Command topics in long and in short, where they are answered, what fits a small PLC, and that topics.md has them all.
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { answerCodes } from '../../protocol/answer.js'
import {
  answerTopics,
  everyCommand,
  formatStateTopic,
  isCommandTopic,
  parseCommandTopic,
  stateOwner,
  verbs,
} from '../../protocol/command-topics.js'
import { parseTopic } from '../../protocol/topics.js'

const test = suite('command topics')

const parse = (name: string, root = 'skerry') => {
  const result = parseCommandTopic(root, name)
  return result.ok ? result.value : result.refusals[0].code
}

test('the long and the short form mean the same', () => {
  const short = { spec: 'spec', run: 'run', revision: 'rev', version: 'ver', restart: 'rst' }
  for (const root of ['skerry', 'plant/north']) {
    for (const verb of verbs) {
      const onGroup = { kind: 'group', target: 'line-1', app: 'web', verb }
      assert.equal(parse(`${root}/cmd/group/line-1/app/web/${verb}`, root), onGroup)
      assert.equal(parse(`${root}/c/g/line-1/web/${short[verb]}`, root), onGroup)
      const onDevice = { kind: 'device', target: 'Press 7 (hall Ü)', app: 'web', verb }
      assert.equal(parse(`${root}/cmd/device/Press 7 (hall Ü)/app/web/${verb}`, root), onDevice)
      assert.equal(parse(`${root}/c/d/Press 7 (hall Ü)/web/${short[verb]}`, root), onDevice)
    }
    assert.equal(parse(`${root}/cmd/group/line-1`, root), { kind: 'group', target: 'line-1' })
    assert.equal(parse(`${root}/c/d/k3v9`, root), { kind: 'device', target: 'k3v9' })
  }
})

test('whatever else is below them is refused, and nothing beside them is a command', () => {
  const wrong = [
    'cmd',
    'cmd/',
    'cmd/x',
    'cmd/group/LINE',
    'cmd/group/line-1/app',
    'cmd/group/line-1/app/web',
    'cmd/group/line-1/app/WEB/run',
    'cmd/group/line-1/app/web/rev',
    'cmd/group/line-1/app/web/run/more',
    'cmd/group/line-1/web/run',
    'cmd/device//app/web/run',
    'cmd/constructor/x/app/web/run',
    'cmd/group/line-1/app/web/constructor',
    'c/g/line-1/app/web/run',
    'c/g/line-1/web/restart',
    'c/group/line-1/web/run',
  ]
  for (const name of wrong) {
    assert.ok(isCommandTopic('skerry', `skerry/${name}`), name)
    assert.is(parse(`skerry/${name}`), 'topic.invalid', name)
  }
  for (const name of ['skerry/cmdx/y', 'skerry', 'skerry/ack/group/g', 'skerry/device/c/status', 'other/cmd/x', 'cmd/x'])
    assert.not.ok(isCommandTopic('skerry', name), name)
  assert.equal(everyCommand('s'), ['s/cmd/#', 's/c/#'])
})

test('answers go to a mirror of the topic, also of one that is wrong', () => {
  const code = 'skerry/ack/group/cmd/app/c/run'
  assert.equal(answerTopics('skerry', 'skerry/cmd/group/cmd/app/c/run'), { code, text: `${code}/text`, json: `${code}/json` })
  assert.is(answerTopics('a/c', 'a/c/c/g/x/y/run')?.code, 'a/c/a/g/x/y/run')
  assert.is(answerTopics('skerry', 'skerry/cmd/nonsense')?.code, 'skerry/ack/nonsense')
  assert.is(answerTopics('skerry', `skerry/cmd/${'x'.repeat(1100)}`), undefined)
  assert.is(answerTopics('skerry', 'skerry/device/a/status'), undefined)
})

test('no command, answer or state is a topic of devices', () => {
  const states = [
    formatStateTopic('skerry', { kind: 'manager' }),
    formatStateTopic('skerry', { kind: 'device', name: 'k3v9' }),
    formatStateTopic('skerry', { kind: 'device', name: 'k3v9', app: 'web' }),
    formatStateTopic('skerry', { kind: 'group', name: 'line-1', app: 'web' }),
  ]
  assert.equal(
    states.map(topic => stateOwner('skerry', `${topic}/json`)),
    [undefined, 'device/k3v9', 'device/k3v9', 'group/line-1'],
  )
  for (const topic of [...states, 'skerry/cmd/group/g', 'skerry/c/d/x/web/run', 'skerry/ack/group/g']) {
    assert.is(parseTopic('skerry', topic), undefined, topic)
  }
})

/** Names as plants have them, none of them short. */
const realistic = { group: 'packing-line-12', device: 'k3v9x0a1b2c3', app: 'vision-inspection' }

test('with realistic names the basic verbs fit 60 bytes of topic and 120 with the payload, answers and states too', () => {
  const { group, device, app } = realistic
  const short = [`g/${group}`, `d/${device}`].flatMap(target =>
    ['run', 'rev', 'ver', 'rst'].map(verb => `skerry/c/${target}/${app}/${verb}`),
  )
  for (const topic of short) {
    assert.ok(typeof parse(topic) === 'object', topic)
    const code = answerTopics('skerry', topic)?.code ?? ''
    for (const [each, payload] of [
      [topic, 'previous'],
      [topic, '+2147483647.0\u0000\u0000'],
      [code, '8'],
    ] as const) {
      assert.ok(Buffer.byteLength(each) <= 60, `${each}: ${Buffer.byteLength(each)} bytes`)
      assert.ok(Buffer.byteLength(each + payload) <= 120, each)
    }
  }
  for (const state of [
    formatStateTopic('skerry', { kind: 'device', name: device }),
    formatStateTopic('skerry', { kind: 'device', name: device, app }),
    formatStateTopic('skerry', { kind: 'group', name: group, app }),
  ])
    assert.ok(Buffer.byteLength(state) <= 60, state)
})

test('with a root of one letter and short names they fit the 30 bytes of the oldest blocks', () => {
  for (const topic of ['s/c/g/line-1/web/run', 's/a/g/line-1/web/run', 's/c/d/press-7/web/rev', 's/state/group/line-1/app/web'])
    assert.ok(topic.length <= 30, topic)
})

test('topics.md has every command topic, every state topic and every code', () => {
  const page = readFileSync('topics.md', 'utf8')
  for (const verb of verbs) assert.ok(page.includes(`\`skerry/cmd/group/{name}/app/{app}/${verb}\``), verb)
  for (const verb of ['spec', 'run', 'rev', 'ver', 'rst']) assert.ok(page.includes(`\`skerry/c/g/{name}/{app}/${verb}\``), verb)
  for (const topic of ['manager', 'device/{id}', 'device/{id}/app/{app}', 'group/{name}/app/{app}'])
    assert.ok(page.includes(`\`skerry/state/${topic}\``), topic)
  for (const [kind, code] of Object.entries(answerCodes)) assert.match(page, new RegExp(`\\| ${code} +\\| ${kind} `), kind)
})

test.run()
