// One good message of every kind, with the topics that it belongs to and the codec that reads it.
import { joinAnswerCodec, joinRequestCodec } from '../../protocol/join.js'
import { changesCodec, stampOf } from '../../protocol/messages/changes.js'
import { heartbeatCodec } from '../../protocol/messages/heartbeat.js'
import { keyLinkCodec, keysCodec } from '../../protocol/messages/keys.js'
import { profiles } from '../../protocol/messages/link.js'
import { manifestCodec } from '../../protocol/messages/manifest.js'
import { type ReportedService, reportedCodec } from '../../protocol/messages/reported.js'
import { requestCodec, responseCodec } from '../../protocol/messages/request.js'
import { specBodyCodec, specCodec } from '../../protocol/messages/spec.js'
import { statusCodec } from '../../protocol/messages/status.js'
import { createSigner, encodeKeys, type Signer, signLink } from '../../protocol/signed.js'
import { digestText, packSpec } from '../../protocol/spec.js'
import { someFacts } from '../support/device.js'

export interface Sample {
  readonly name: string
  readonly bytes: Buffer
  /** Without the root. */
  readonly topic: string
  /** Never throws, whatever the bytes are; undefined for what is read as text. */
  readonly codec?: { decode(payload: Uint8Array): { readonly ok: boolean; readonly value?: unknown }; encode(value: never): Buffer }
  /** Signed before it is sent, most of the time. */
  readonly signed?: true
  /** After it nothing is as before. */
  readonly rare?: true
}

const version = 1
const digest = Buffer.alloc(32, 7)
const instance = Buffer.alloc(8, 1)
export const compose = 'services:\n  web:\n    image: example/web:1\n    ports: ["8080:80"]\n    environment: { A: b }\n'
const spec = packSpec({ compose, environment: [{ name: 'TAG', value: '1' }], profiles: ['debug'] })
const purge = { name: 'old', volumes: true, images: true }
const desired = { digest: spec.digest, run: 'running', revision: 3, refresh: { generation: 1, services: ['web'] } } as const
const app = { name: 'web', ...desired, policy: { restart: 'always', settleS: 5, rollBack: true } } as const
const service: ReportedService = {
  ...{ name: 'web', state: 'running' as const, image: 'example/web:1', exitCode: 0, restarts: 1, ports: ['0.0.0.0:8080->80/tcp'] },
  ...{ container: '0123456789ab', pulledBytes: 1, pullBytes: 2, digest: 'sha256:00', running: 1, scale: 1 },
}
const fault = { code: 'image.pull', message: 'not there', path: 'services.web' } as const
const reportedApp = {
  name: 'web',
  group: 'g',
  revision: 3,
  digest,
  state: 'running',
  fault,
  services: [service],
  failedRevision: 2,
  refreshed: 1,
} as const
const manifest = {
  ...{ version, instance, revision: 5, apps: [app], groups: ['g'], intervalS: 10, epochFloor: 1 },
  ...{ variables: [{ name: 'SKERRY_DEVICE', value: 'd1' }], purges: [purge] },
  ...{ link: { ...profiles.satellite, quiet: [{ fromMin: 1320, toMin: 360 }] }, slow: 4 },
}
const beat = {
  ...{ version, epoch: 65_537, sequence: 1, intervalS: 10, flags: 1, uptimeS: 60, cpuPermille: 1, memoryUsedMiB: 2, diskUsedPermille: 3 },
  ...{ loadCentis: 4, temperatureDeci: 5, revision: 6, reported: 7, states: Buffer.from([5, 6]) },
}
/** Of an Ed25519 key, PKCS#8 in DER, before its 32 bytes (RFC 8410). */
const keyPrefix = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The same in every run, as cases are to be: nothing real is signed with it. */
function signerOf(byte: number): Signer {
  return createSigner(Buffer.concat([keyPrefix, Buffer.alloc(32, byte)]))
}

/** The one that agents go by, the one before it, and one of somebody else. */
export const signers = { manager: signerOf(1), former: signerOf(2), stranger: signerOf(3) }
const { manager, former, stranger } = signers
const link = signLink(former, { number: 2, key: manager.publicKey })
const nextLink = signLink(manager, { number: 3, key: stranger.publicKey })
const device = 'device/d1'

const whole = reportedCodec.encode({
  version,
  sequence: 7,
  instance,
  revision: 5,
  groups: [{ name: 'g', revision: 4 }],
  apps: [reportedApp],
  faults: [fault],
})

export const sampleMessages: readonly Sample[] = [
  {
    ...{ name: 'status', topic: `${device}/status`, codec: statusCodec },
    bytes: statusCodec.encode({ version, epoch: 65_537, online: true, facts: someFacts, intervalS: 10, engine: true }),
  },
  {
    ...{ name: 'will', topic: `${device}/status`, codec: statusCodec },
    bytes: statusCodec.encode({ version, epoch: 65_537, online: false, reason: 'Stopped' }),
  },
  { name: 'heartbeat', topic: 'h/d1', codec: heartbeatCodec, bytes: heartbeatCodec.encode(beat) },
  { name: 'short heartbeat', topic: 'h/d1', codec: heartbeatCodec, bytes: heartbeatCodec.encode({ version, epoch: 65_537 }) },
  {
    ...{ name: 'reported', topic: `${device}/reported`, codec: reportedCodec },
    bytes: whole,
  },
  {
    ...{ name: 'changes', topic: `${device}/changes`, codec: changesCodec },
    bytes: changesCodec.encode({
      ...{ version, sequence: 8, base: stampOf(whole), revision: 6, faults: null },
      apps: { changed: [{ at: 0, to: { state: 'failed', fault: null, services: { gone: [0], added: [{ at: 0, item: service }] } } }] },
    }),
  },
  {
    ...{ name: 'response', topic: `${device}/response/r1`, codec: responseCodec },
    bytes: responseCodec.encode({ version, part: 1, last: false, service: 'web', stream: 'err', data: Buffer.from('line\n') }),
  },
  {
    ...{ name: 'request', topic: `${device}/request/r1`, codec: requestCodec, signed: true },
    bytes: requestCodec.encode({
      version,
      kind: 'logs',
      app: 'web',
      services: ['web'],
      tail: 5,
      sinceS: 1,
      follow: true,
      creditBytes: 1000,
      patienceS: 1,
    }),
  },
  { name: 'desired', topic: `${device}/desired`, codec: manifestCodec, signed: true, bytes: manifestCodec.encode(manifest) },
  {
    ...{ name: 'group', topic: 'group/g/desired', codec: manifestCodec, signed: true },
    bytes: manifestCodec.encode({ version, instance, revision: 5, apps: [{ ...app, name: 'other' }], purges: [purge] }),
  },
  {
    ...{ name: 'fleet', topic: 'fleet/desired', codec: manifestCodec, signed: true },
    bytes: manifestCodec.encode({ version, instance, revision: 5, apps: [] }),
  },
  { name: 'keys', topic: 'fleet/keys', codec: keysCodec, bytes: encodeKeys([link]) },
  { name: 'rotation', topic: 'fleet/keys', codec: keysCodec, bytes: encodeKeys([link, nextLink]), rare: true },
  { name: 'link', topic: 'fleet/keys', codec: keyLinkCodec, bytes: keyLinkCodec.encode({ version, number: 2, key: manager.publicKey }) },
  { name: 'spec', topic: `spec/${digestText(spec.digest)}`, codec: specCodec, bytes: Buffer.from(spec.payload) },
  {
    ...{ name: 'spec body', topic: `spec/${digestText(spec.digest)}`, codec: specBodyCodec },
    bytes: specBodyCodec.encode({
      version,
      compose,
      files: [{ path: 'a/b.conf', digest, sizeBytes: 3, executable: true }],
      profiles: ['p'],
    }),
  },
  {
    ...{ name: 'join', topic: `join/${'k'.repeat(43)}/request`, codec: joinRequestCodec },
    bytes: joinRequestCodec.encode({
      version,
      csr: Buffer.alloc(300, 3),
      device: 'd1',
      facts: someFacts,
      token: Buffer.alloc(16, 4),
      fleetKey: 'x',
    }),
  },
  {
    ...{ name: 'renewal', topic: `${device}/renewal`, codec: joinRequestCodec },
    bytes: joinRequestCodec.encode({ version, csr: Buffer.from('3082', 'hex'), device: 'd1', facts: someFacts }),
  },
  {
    ...{ name: 'certificate', topic: `${device}/certificate`, codec: joinAnswerCodec },
    bytes: joinAnswerCodec.encode({ version, device: 'd1', chain: [Buffer.alloc(400, 5)], keys: [digest], pending: false, fault }),
  },
  { name: 'run', topic: 'cmd/group/g/app/web/run', bytes: Buffer.from('1') },
  { name: 'short run', topic: 'c/g/g/web/run', bytes: Buffer.from(' off\0\0') },
  { name: 'permit', topic: 'permit/group/g', bytes: Buffer.from('{"value":1,"lease":30,"by":"press PLC","id":7}') },
  { name: 'short permit', topic: 'permit/device/d1', bytes: Buffer.from('1 30') },
  { name: 'compose', topic: 'cmd/group/g/app/web/spec', bytes: Buffer.from(compose) },
  {
    name: 'command',
    topic: 'cmd/group/g',
    bytes: Buffer.from('{"verb":"revision","app":"web","value":"previous","id":"17","expires":4102444800}'),
  },
]
