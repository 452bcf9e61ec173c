// Messages on the wire: what they cost, what is refused, and that no bytes make a decoder throw.
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { decodeCbor, encodeCbor, isPlainCbor } from '../../protocol/cbor.js'
import { diffReport } from '../../protocol/changes.js'
import type { Result } from '../../protocol/errors.js'
import { changesCodec } from '../../protocol/messages/changes.js'
import {
  type FullHeartbeat,
  heartbeatCodec,
  packStates,
  type ServiceState,
  serviceStates,
  unpackStates,
} from '../../protocol/messages/heartbeat.js'
import { profiles } from '../../protocol/messages/link.js'
import { type Manifest, manifestCodec } from '../../protocol/messages/manifest.js'
import { type Reported, reportedCodec } from '../../protocol/messages/reported.js'
import { type Request, type Response, requestCodec, responseCodec } from '../../protocol/messages/request.js'
import { specBodyCodec, specCodec } from '../../protocol/messages/spec.js'
import { type Status, statusCodec } from '../../protocol/messages/status.js'

const digest = new Uint8Array(32).fill(7)

const largest: FullHeartbeat = {
  version: 1,
  epoch: 0xffffffff,
  sequence: 0xffff,
  intervalS: 3600,
  flags: 1,
  uptimeS: 0xffffffff,
  cpuPermille: 1000,
  memoryUsedMiB: 0xffff,
  diskUsedPermille: 1000,
  loadCentis: 0xffff,
  temperatureDeci: 1250,
  revision: 0xffff,
  reported: 0xffff,
  states: new Uint8Array(),
}

const birth: Status = {
  version: 1,
  epoch: 65537,
  online: true,
  facts: {
    name: 'press-7',
    addresses: ['10.1.4.7', 'fe80::1'],
    os: 'Debian GNU/Linux 12 (bookworm)',
    architecture: 'arm64',
    processor: 'Cortex-A72',
    cores: 4,
    memoryMiB: 3792,
    engineVersion: '20.10.24',
    agentVersion: '0.1.0',
  },
  intervalS: 10,
  engine: true,
}

const manifest: Manifest = {
  version: 1,
  instance: new Uint8Array(8),
  revision: 12,
  apps: [
    {
      name: 'web',
      digest,
      run: 'running',
      revision: 4,
      refresh: { generation: 11, services: ['web'] },
      policy: { restart: 'on-failure', settleS: 120, rollBack: false },
    },
  ],
  groups: ['line-1'],
  intervalS: 30,
  release: 'remove',
  epochFloor: 65540,
  purges: [{ name: 'old', volumes: true, images: true }],
  link: { ...profiles.cellular, quiet: [{ fromMin: 1320, toMin: 360 }] },
  slow: 4,
}

const reported: Reported = {
  version: 1,
  sequence: 7,
  instance: new Uint8Array(8),
  revision: 12,
  groups: [{ name: 'line-1', revision: 9 }],
  apps: [
    {
      name: 'web',
      group: 'line-1',
      revision: 4,
      digest,
      state: 'partial',
      fault: { code: 'image.unavailable', message: 'no such image', path: 'services.web.image' },
      services: [
        {
          name: 'web',
          state: 'exited',
          image: 'nginx:1',
          exitCode: 137,
          restarts: 2,
          ports: ['0.0.0.0:80->80/tcp'],
          container: '4f1c0a9be2d7',
          pulledBytes: 1_048_576,
          pullBytes: 2 ** 40,
          digest: `sha256:${'ab'.repeat(32)}`,
          running: 2,
          scale: 3,
        },
      ],
      failedRevision: 5,
      refreshed: 11,
    },
  ],
  faults: [{ code: 'app.conflict', message: 'twice' }],
}

const changes = diffReport(
  { report: reported, stamp: digest.subarray(0, 4) },
  {
    version: 1,
    sequence: 8,
    revision: 13,
    groups: [],
    apps: [{ name: 'new', revision: 1, state: 'running', services: [] }, ...reported.apps],
  },
)

const request: Request = {
  version: 1,
  kind: 'logs',
  epoch: 65537,
  app: 'web',
  services: ['web', 'db'],
  follow: true,
  tail: 100,
  sinceS: 1_767_225_600,
  timestamps: true,
  creditBytes: 2 ** 40,
  patienceS: 30,
}

const response: Response = {
  version: 1,
  part: 3,
  last: true,
  fault: { code: 'service.unknown', message: 'no such service', path: 'services' },
  service: 'web-2',
  stream: 'err',
  data: new Uint8Array([0, 255]),
}

const codecs = [
  ...[statusCodec, heartbeatCodec, manifestCodec, specCodec, specBodyCodec],
  ...[reportedCodec, changesCodec, requestCodec, responseCodec],
]

for (const [services, limit] of [
  [3, 48],
  [10, 60],
] as const) {
  test(`a heartbeat with ${services} services and every figure large has at most ${limit} bytes`, () => {
    const states = packStates(Array.from({ length: services }, () => 'running' as const))
    assert.ok(heartbeatCodec.encode({ ...largest, states }).length <= limit)
  })
}

/** Written, read and written again: the same bytes. */
function survives<T>(codec: { encode(value: T): Buffer; decode(payload: Uint8Array): Result<T> }, value: T): void {
  const encoded = codec.encode(value)
  const decoded = codec.decode(encoded)
  assert.ok(decoded.ok)
  assert.ok(codec.encode(decoded.value).equals(encoded))
}

test('every message reads back as it was written', () => {
  survives(statusCodec, birth)
  survives(heartbeatCodec, { ...largest, states: packStates(['running', 'exited']) })
  survives(heartbeatCodec, { version: 1, epoch: 0xffffffff })
  survives(manifestCodec, manifest)
  survives(reportedCodec, reported)
  survives(changesCodec, changes)
  survives(requestCodec, request)
  survives(responseCodec, response)
  const asked = requestCodec.decode(requestCodec.encode(request))
  assert.equal(asked.ok && asked.value, request)
  const decoded = reportedCodec.decode(reportedCodec.encode(reported))
  assert.equal(decoded.ok && decoded.value.apps[0]?.services, reported.apps[0]?.services)
})

test('a request of a later kind is read as unknown', () => {
  const later = requestCodec.decode(
    encodeCbor(
      new Map<number, unknown>([
        [0, 1],
        [1, 200],
        [3, 'web'],
      ]),
    ),
  )
  assert.equal(later.ok && later.value, { version: 1, kind: 'unknown', app: 'web' })
})

test('service states survive their byte, and an unknown byte reads as unknown', () => {
  assert.equal(unpackStates(packStates(serviceStates)), [...serviceStates])
  assert.equal(unpackStates(Uint8Array.of(200)), ['unknown' satisfies ServiceState])
})

test('a reader ignores keys and items of a later version', () => {
  const later = new Map<number, unknown>([
    [0, 2],
    [1, 5],
    [2, false],
    [99, ['new']],
  ])
  const decoded = statusCodec.decode(encodeCbor(later))
  assert.ok(decoded.ok && decoded.value.epoch === 5 && decoded.value.version === 2)
  const beat = decodeCbor(heartbeatCodec.encode(largest)) as unknown[]
  assert.ok(heartbeatCodec.decode(encodeCbor([...beat, 'new', 1])).ok)
})

test('a heartbeat is whole or ends after its second item', () => {
  const beat = decodeCbor(heartbeatCodec.encode(largest)) as unknown[]
  const read = beat.map((_, length) => heartbeatCodec.decode(encodeCbor(beat.slice(0, length))))
  assert.equal(
    read.flatMap(({ ok }, length) => (ok ? [length] : [])),
    [2],
  )
  const short = heartbeatCodec.encode({ version: 1, epoch: 0xffffffff })
  assert.ok(short.length <= 7, `${short.length} bytes`)
})

test('a message with a field of the wrong shape is refused with its path', () => {
  const bad = new Map<number, unknown>([
    [0, 1],
    [1, 65537],
    [2, true],
    [
      4,
      new Map<number, unknown>([
        [1, 'x'],
        [2, ['a', 5]],
      ]),
    ],
  ])
  const decoded = statusCodec.decode(encodeCbor(bad))
  assert.not(decoded.ok)
  assert.equal(decoded.ok || decoded.refusals[0].code, 'message.invalid')
  assert.equal(decoded.ok || decoded.refusals[0].path, 'facts.addresses[1]')
})

test('a message above its limit is refused before it is decoded', () => {
  const decoded = statusCodec.decode(new Uint8Array(8 * 1024 + 1))
  assert.equal(decoded.ok || decoded.refusals[0].code, 'message.too-large')
})

test('tags, indefinite lengths, undefined, trailing bytes, bad UTF-8, lying lengths and deep nesting are not plain CBOR', () => {
  const hostile = [
    'c11a514b67b0', // tag 1
    '9f01ff', // indefinite array
    'bf6161f5ff', // indefinite map
    '5f4101ff', // indefinite byte string
    'f7', // undefined
    'f8ff', // simple value
    '0101', // two items
    '', // none
    '62c328', // bad UTF-8
    '9bffffffffffffffff', // an array of 2^64 - 1
    '9affffffff01', // an array of 2^32 - 1
    'bb00000000ffffffff', // a map of 2^32 - 1
    '1bffffffffffffffff', // beyond 2^53
    '81'.repeat(5000), // deep
    '1c', // reserved
    'd9dfff', // record definition of a cbor-x extension
  ]
  for (const hex of hostile) {
    assert.not(isPlainCbor(Buffer.from(hex, 'hex')), hex)
    assert.is(decodeCbor(Buffer.from(hex, 'hex')), undefined)
  }
})

test('any bytes give a message or a refusal, never an exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
      for (const codec of codecs) assert.type(codec.decode(bytes).ok, 'boolean')
    }),
    { numRuns: 5000, seed: 1 },
  )
})

test('a valid message with any bytes changed gives a message or a refusal, never an exception', () => {
  const valid = [
    statusCodec.encode(birth),
    heartbeatCodec.encode(largest),
    manifestCodec.encode(manifest),
    reportedCodec.encode(reported),
    changesCodec.encode(changes),
    requestCodec.encode(request),
    responseCodec.encode(response),
  ]
  const change = fc.record({ which: fc.nat(valid.length - 1), at: fc.nat(400), to: fc.nat(255) })
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), changes => {
      const bytes = Buffer.from(valid[changes[0]!.which]!)
      for (const { at, to } of changes) bytes[at % bytes.length] = to
      for (const codec of codecs) assert.type(codec.decode(bytes).ok, 'boolean')
    }),
    { numRuns: 5000, seed: 2 },
  )
})

test.run()
