// What devices, images and servers say may be anything; a terminal is shown none of it that it would act upon.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite } from 'uvu'
import { equal, is, match, not, ok } from 'uvu/assert'
import type { App } from '../../cli/api/apps.js'
import { formatRefusal } from '../../cli/errors.js'
import { formatJson } from '../../cli/output.js'
import { clean, createPaint, tame } from '../../cli/table.js'
import { describeApp } from '../../cli/views/apps.js'
import { formatService } from '../../cli/views/devices.js'
import { formatLogLine } from '../../cli/views/logs.js'
import { skerry } from '../support/process.js'

const test = suite('terminal')
/** A title, a cursor, a clipboard, one of eight bits, the direction of text, a line of its own. */
const hostile = 'a\u001b]0;owned\u0007b\u001b[2Jc\u001b]52;c;eA==\u001b\\d\u009b31me\u202ef\r\nrunning, revision 9'
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const acting = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/

test('of control characters only colours, tabs and line ends are left', () => {
  is(tame('\u001b[31mred\u001b[0m\tx\ny'), '\u001b[31mred\u001b[0m\tx\ny')
  not.match(tame(hostile), acting)
  not.match(clean(hostile), /[\n\t]/)
})

test('texts of a device stay in their line', () => {
  const service = { name: hostile, state: 'running', image: hostile, ports: [hostile], digest: hostile } as const
  const refusal = { code: 'internal', message: hostile, path: hostile } as const
  for (const text of [formatService(service), formatRefusal(refusal)]) {
    is(text.split('\n').length, 1)
    not.match(text, acting)
  }
  const device = {
    ...{ device: 'd1', name: hostile, deviceState: 'Ready', reason: null, state: 'failed', revision: 1, desiredRevision: 2 },
    ...{ failedRevision: 2, fault: refusal, services: [service], held: null },
  }
  const app = {
    ...{ name: 'web', target: { kind: 'group', name: 'g' }, state: 'failed', run: 'running', revision: 2, digest: 'x', services: ['web'] },
    ...{
      counts: { running: 0, total: 1 },
      updatedAt: '2026-01-01T00:00:00Z',
      devices: [device],
      policy: { restart: 'no', settleS: null, rollBack: true },
    },
  } as unknown as App
  const lines = describeApp(app, 0).split('\n')
  equal(lines.filter(line => line.startsWith('running')).length, 0)
  not.match(lines.join('\n'), acting)
})

test('a line of a log has its colours and nothing else', () => {
  const line = formatLogLine(
    { service: 'web', container: 1, stream: 'out', line: `\u001b[32mok\u001b[0m ${hostile}` } as never,
    createPaint(false),
  )
  ok(line.includes('\u001b[32mok\u001b[0m'))
  is(line.split('\n').length, 1)
  not.match(line.replaceAll('\u001b[32m', '').replaceAll('\u001b[0m', ''), acting)
})

test('JSON says the same in characters that no terminal acts upon', () => {
  const text = formatJson({ hostile }, 2)
  not.match(text.replaceAll('\n', ''), acting)
  equal(JSON.parse(text), { hostile })
})

test('a server that answers with control characters does not reach the terminal', async () => {
  const server = createServer((_request, response) => {
    response.writeHead(409, { 'content-type': 'application/problem+json' })
    response.end(JSON.stringify({ title: 'x', status: 409, code: 'group.exists', detail: hostile, path: hostile }))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  try {
    const child = skerry(['get', 'devices', '--server', `http://127.0.0.1:${(server.address() as AddressInfo).port}`])
    await child.ended
    match(child.lines.join('\n'), /error: a/)
    not.match(child.lines.join('\n'), acting)
  } finally {
    server.close()
    server.closeAllConnections()
  }
})

test.run()
