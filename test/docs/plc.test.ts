// The pages for PLC programmers name topics that exist, and files that are there; the flow for Node-RED does as well.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { answerCodes } from '../../protocol/answer.js'
import { isStateTopic, parseCommandTopic } from '../../protocol/command-topics.js'
import { errorKinds, isErrorCode } from '../../protocol/errors.js'
import { parsePermitTopic } from '../../protocol/permit-topics.js'

const pages = ['docs/plc.md', ...readdirSync('docs/plc').map(name => join('docs/plc', name))]
const flow = 'docs/examples/node-red.json'

const test = suite('pages for PLC programmers')

/** Topics without wildcards and not composed by code, with names in place of placeholders. */
function topicsIn(text: string): string[] {
  const named = text
    .replaceAll('GROUP', 'line-1')
    .replaceAll('APP', 'web')
    .replaceAll(/device\/ID/g, 'device/press-7')
  const found = named.match(/(?<![\w/])skerry\/[\w/.+#-]*/g) ?? []
  return found.filter(topic => !/[+#]|\/$/.test(topic) && !topic.startsWith('skerry/skerry/'))
}

function isKnown(topic: string): boolean {
  const [, area = '', ...rest] = topic.replace(/\/(text|json)$/, '').split('/')
  switch (area) {
    case 'c':
    case 'cmd':
      return parseCommandTopic('skerry', topic).ok
    case 'a':
      return isKnown(`skerry/c/${rest.join('/')}`)
    case 'ack':
      return isKnown(rest[0] === 'permit' ? `skerry/${rest.join('/')}` : `skerry/cmd/${rest.join('/')}`)
    case 'permit':
      return parsePermitTopic('skerry', topic) !== undefined
    case 'state':
      return isStateTopic('skerry', topic)
    default:
      return false
  }
}

test('every topic is one', () => {
  for (const file of [...pages, flow]) {
    const topics = topicsIn(readFileSync(file, 'utf8'))
    assert.ok(topics.length > 1, file)
    for (const topic of topics) assert.ok(isKnown(topic), `${file}: ${topic}`)
  }
})

test('every link leads to a file', () => {
  for (const file of pages) {
    const links = [...readFileSync(file, 'utf8').matchAll(/\]\((?!https?:)([^)#]+)/g)].map(match => match[1] ?? '')
    assert.ok(links.length > 0, file)
    for (const link of links) assert.ok(existsSync(join(dirname(file), link)), `${file}: ${link}`)
  }
})

test('a code is answered by the number in whose row it stands', () => {
  for (const file of ['docs/plc.md', 'topics.md']) {
    const rows = [...readFileSync(file, 'utf8').matchAll(/^\| ([1-8]) +\|(.*)\|$/gm)]
    const named = rows.flatMap(([, number, cells = '']) => [...cells.matchAll(/`(\w+\.[\w-]+)`/g)].map(([, code = '']) => [code, number]))
    assert.ok(named.length > 1, file)
    for (const [code = '', number] of named) {
      assert.is(isErrorCode(code) && String(answerCodes[errorKinds[code]]), number, `${file}: ${code}`)
    }
  }
})

test('every program waits for who listens, and names its commands so that they may be sent again', () => {
  for (const file of pages.filter(each => /siemens|beckhoff|codesys|ignition/.test(each))) {
    const program = readFileSync(file, 'utf8')
      .split('\n')
      .filter(line => line.startsWith('       '))
      .join('\n')
    assert.match(program, 'state/manager', file)
    assert.match(program, /"id":'|id=id/, file)
    assert.match(program, /<> 6|!= 6/, file)
  }
})

test.run()
