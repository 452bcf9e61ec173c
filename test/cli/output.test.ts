import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { toSetting } from '../../cli/commands/link.js'
import { CommandFailure, exitCodeOf, formatError, formatProblem } from '../../cli/errors.js'
import { parseBytes } from '../../cli/options.js'
import { parseProblem } from '../../cli/problem.js'
import { wantsColour } from '../../cli/shell.js'
import { createPaint, formatAge, formatBytes, formatFields, formatSeconds, formatTable } from '../../cli/table.js'
import { formatService } from '../../cli/views/devices.js'
import { formatLogLine } from '../../cli/views/logs.js'
import { type ErrorCode, SkerryError } from '../../protocol/errors.js'

const test = suite('cli: output')
const plain = createPaint(false)

test('tables align, leave out wide columns, and show a dash for nothing', () => {
  const columns = [
    { title: 'NAME', cell: (row: string[]) => row[0] ?? '' },
    { title: 'STATE', cell: (row: string[]) => row[1] ?? '', colour: () => 'green' as const },
    { title: 'MORE', cell: () => 'x', wide: true },
  ]
  const rows = [['press-7', 'Ready'], ['a']]
  assert.is(formatTable(columns, rows, { wide: false, paint: plain }), 'NAME     STATE\npress-7  Ready\na        -')
  assert.is(formatTable(columns, [['a', 'b']], { wide: true, paint: plain }), 'NAME  STATE  MORE\na     b      x')
  assert.is(formatTable(columns, [['a', 'b']], { wide: false, paint: createPaint(true) }), 'NAME  STATE\na     \u001b[32mb\u001b[0m')
})

test('control characters from the fleet never reach the terminal', () => {
  const columns = [{ title: 'NAME', cell: (row: string) => row }]
  assert.is(formatTable(columns, ['a\u001b[31m\nb'], { wide: false, paint: plain }), 'NAME\na [31m b')
  assert.is(formatFields({ Name: 'a\u0007b', Empty: '', None: undefined, 'Last seen': '3s' }), 'Name:       a b\nLast seen:  3s')
})

test('of what containers write, colours and tabs reach the terminal and nothing else that controls it', () => {
  const line = { service: 'web', stream: 'out', line: '\u001b[31mred\u001b[0m\ta\u001b]0;title\u0007b\u001b[2J' } as const
  assert.is(formatLogLine(line, plain), 'web | \u001b[31mred\u001b[0m\ta ]0;title b [2J')
  assert.is(formatLogLine({ ...line, line: 'x', time: 'T' }, plain), 'web | T x')
})

test('a service shows its counts, progress and digest', () => {
  const service = { name: 'web', state: 'pulling', image: 'nginx:1' } as const
  assert.is(formatService(service), '  web: pulling, nginx:1')
  const pulling = { ...service, pulledBytes: 1_048_576, pullBytes: 4_194_304 }
  assert.is(formatService(pulling), '  web: pulling, nginx:1 (25 % of 4.0 MiB pulled)')
  const scaled = { ...service, state: 'running', running: 2, scale: 3, digest: `sha256:${'ab'.repeat(32)}` } as const
  assert.is(formatService(scaled), '  web: running, nginx:1 (2 of 3 run; sha256:abababababab)')
})

test('ages have two units at most', () => {
  const table: [number, string][] = [
    [-5, '0s'],
    [59_000, '59s'],
    [60_000, '1m'],
    [200_000, '3m20s'],
    [659_000, '10m'],
    [7_500_000, '2h5m'],
    [90_000_000, '1d'],
  ]
  for (const [ms, text] of table) assert.is(formatAge(ms), text)
})

test('bytes are read and written in units of 1000 and of 1024', () => {
  const table: [string, number, string][] = [
    ['2048', 2048, '2 KiB'],
    ['128B', 128, '128 B'],
    ['16KB', 16_000, '16 KB'],
    ['16kib', 16_384, '16 KiB'],
    ['20MB', 20_000_000, '20 MB'],
    ['1MiB', 1_048_576, '1 MiB'],
    ['3gb', 3_000_000_000, '3 GB'],
  ]
  for (const [text, bytes, shown] of table) assert.equal([parseBytes(text), formatBytes(bytes)], [bytes, shown], text)
  assert.is(formatBytes(1_234_567), '1.2 MB')
  for (const text of ['', 'KB', '1.5MB', '-1', '1XB', '1K']) assert.throws(() => parseBytes(text), /such as 20MB/, text)
})

test('times of a link are written in full', () => {
  for (const [seconds, text] of [
    [0, '0s'],
    [32, '32s'],
    [902, '15m2s'],
    [3602, '1h2s'],
    [86_400, '24h'],
  ] as const)
    assert.is(formatSeconds(seconds), text)
})

test('a link is set by what differs from its profile, and a limit is taken away by none', () => {
  const given = { heartbeat: 120, logRate: 'none', quiet: ['22:00-06:00'], budget: 20_000_000 } as const
  assert.equal(toSetting('cellular', given), {
    profile: 'cellular',
    intervalS: 120,
    logBytesPerS: null,
    quiet: ['22:00-06:00'],
    budgetBytes: 20_000_000,
  })
  assert.equal(toSetting('lan', {}), { profile: 'lan' })
})

test('colours are for terminals that want them', () => {
  assert.is(wantsColour({}, true), true)
  assert.is(wantsColour({}, false), false)
  assert.is(wantsColour({ NO_COLOR: '1' }, true), false)
  assert.is(wantsColour({ NO_COLOR: '' }, true), true)
  assert.is(wantsColour({ TERM: 'dumb' }, true), false)
})

test('the exit code follows from the kind of error', () => {
  const table: [ErrorCode, number][] = [
    ['usage.invalid', 2],
    ['config.invalid', 2],
    ['device.unknown', 3],
    ['compose.schema', 4],
    ['group.exists', 4],
    ['property.read-only', 4],
    ['spec.too-large', 4],
    ['wait.timeout', 5],
    ['server.unavailable', 1],
    ['internal', 1],
  ]
  for (const [code, exit] of table) assert.is(exitCodeOf(new SkerryError(code, 'x')), exit, code)
  assert.is(exitCodeOf(new CommandFailure(1, { code: 'port.in-use', message: 'x' })), 1)
})

test('an error says what, where and what to do', () => {
  const others = [{ code: 'compose.unknown' as const, message: 'b', path: 'y' }]
  const error = new SkerryError('compose.schema', 'a', { path: 'services.web', others })
  assert.is(formatError(error), 'error: a (compose.schema) at services.web\nerror: b (compose.unknown) at y')
  assert.match(formatError(new SkerryError('device.unknown', 'no such device')), '\n  see `skerry get devices`')
  assert.equal(JSON.parse(formatProblem(error)), {
    type: 'about:blank',
    title: 'compose.schema',
    code: 'compose.schema',
    detail: 'a',
    path: 'services.web',
    errors: [{ code: 'compose.schema', message: 'a', path: 'services.web' }, ...others],
  })
})

test('a problem of the server becomes the error that it is', () => {
  const first = { code: 'device.unknown', message: 'no a', path: 'devices[0]' }
  const second = { code: 'device.unknown', message: 'no b', path: 'devices[1]' }
  const error = parseProblem(
    JSON.stringify({ code: 'device.unknown', detail: 'no a', path: 'devices[0]', errors: [first, second, 7, { code: 'x' }] }),
  )
  assert.equal(error?.refusal, first)
  assert.equal(error?.others, [second])
  for (const text of ['', '<html>', 'null', '[]', '{"code":"strange"}', '{"code":7}']) assert.is(parseProblem(text), undefined, text)
})

test.run()
