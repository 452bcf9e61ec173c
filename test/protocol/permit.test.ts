// Permits as they are published: every way to write one, and what is none.
import fc from 'fast-check'
import { suite } from 'uvu'
import { equal, is, match, ok } from 'uvu/assert'
import { encodeCbor } from '../../protocol/cbor.js'
import { answerTopics, formatSenderTopic, parseSenderTopic } from '../../protocol/command-topics.js'
import { formatPermit, readPermit } from '../../protocol/permit.js'
import { formatPermitTopic, parsePermitTopic } from '../../protocol/permit-topics.js'

const test = suite('permits')
const root = 'skerry'

function read(payload: string | Uint8Array): unknown {
  const { permit } = readPermit(Buffer.from(payload))
  return permit.ok ? permit.value : permit.refusals[0].code
}

test('a switch is a permit, in every way that a PLC writes one', () => {
  for (const payload of ['1', 'TRUE', ' on\r\n', '+1', '1.0', '\ufeff1', '1\0\0\0', '1\0junk', '"yes"', '{"value":1}', '{"Value":"ON"}'])
    equal(read(payload), { value: true }, payload)
  for (const payload of ['0', 'False', 'off', 'no', '0.0', '{"value":false}', encodeCbor(new Map([['value', 0]]))])
    equal(read(payload), { value: false })
})

test('a lease stands behind the switch or under its key; a 0 needs none', () => {
  equal(read('1 30'), { value: true, leaseS: 30 })
  equal(read('true\t30.0\0\0'), { value: true, leaseS: 30 })
  equal(read('{"value":1,"lease":"30","by":" press PLC "}'), { value: true, leaseS: 30, by: 'press PLC' })
  equal(
    read(
      encodeCbor(
        new Map<string, unknown>([
          ['value', true],
          ['lease', 86_400],
        ]),
      ),
    ),
    { value: true, leaseS: 86_400 },
  )
  equal(read('0 30'), { value: false })
})

test('an empty payload asks for no permit; what is none of all this is refused', () => {
  equal(read(''), null)
  for (const payload of [
    ' ',
    '\0',
    '2',
    '-1',
    'perhaps',
    '1 0',
    '1 -5',
    '1 86401',
    '1 x',
    '1 30 60',
    '1,30',
    '[1]',
    '{}',
    '{"value":null}',
    '{"value":1,"lease":0.5}',
  ])
    is(read(payload), 'request.invalid', payload)
  is(read('{"value":1,"by":"a\\u0007b"}'), 'request.invalid')
  is(read(`{"value":1,"by":"${'x'.repeat(129)}"}`), 'request.invalid')
  is(read(`1${' '.repeat(5000)}`), 'message.too-large')
  is(read(Buffer.from([0xff, 0x31])), 'request.invalid')
})

test('unknown keys and what follows a NUL are told, an id is handed on', () => {
  const { id, warnings, permit } = readPermit(Buffer.from('{"value":1,"id":17,"colour":"red","quality":192}'))
  ok(permit.ok)
  is(id, '17')
  equal(
    warnings.map(({ path }) => path),
    ['colour'],
  )
  match(readPermit(Buffer.from('1\0x')).warnings[0]?.message ?? '', /NUL/)
})

test('any bytes give a permit or a refusal, and what is formatted reads back', () => {
  const never = fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
    const { permit } = readPermit(bytes)
    ok(permit.ok || permit.refusals.length > 0)
  })
  fc.assert(never)
  const permit = fc.record(
    {
      value: fc.constant(true),
      leaseS: fc.integer({ min: 1, max: 86_400 }),
      by: fc.stringMatching(/^[ -~]{0,20}[!-~]$/).map(text => text.trim()),
    },
    { requiredKeys: ['value'], noNullPrototype: true },
  )
  const same = fc.property(permit, given => equal(read(formatPermit(given)), given))
  fc.assert(same)
  is(formatPermit({ value: false }), '{"value":0}')
})

test('topics name a device by its id or a group, and nothing else', () => {
  for (const target of [
    { kind: 'device', name: 'k3v9x0a1b2c3' },
    { kind: 'group', name: 'line-1' },
  ] as const)
    equal(parsePermitTopic(root, formatPermitTopic(root, target)), target)
  for (const topic of [
    'skerry/permit',
    'skerry/permit/group',
    'skerry/permit/group/+',
    'skerry/permit/fleet/x',
    'skerry/permit/group/a/b',
    'x/permit/group/a',
  ])
    is(parsePermitTopic(root, topic), undefined, topic)
  ok(Buffer.byteLength(formatPermitTopic(root, { kind: 'group', name: 'packing-line-12' })) <= 60)
})

test('a permit is answered below ack, and reaches the manager with its sender', () => {
  const topic = 'skerry/permit/group/line-1'
  is(answerTopics(root, topic)?.json, 'skerry/ack/permit/group/line-1/json')
  const sender = { user: 'plc', address: '10.1.4.9' }
  equal(parseSenderTopic(root, formatSenderTopic(root, sender, topic)), { sender, topic })
})

test.run()
