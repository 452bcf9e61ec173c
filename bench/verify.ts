// What it costs an agent to check a manifest's signature and read it, and a manager to sign one.
import { randomBytes } from 'node:crypto'
import { newPrivateKey } from '../protocol/cose.js'
import { unwrap } from '../protocol/errors.js'
import { manifestCodec } from '../protocol/messages/manifest.js'
import { createSigner, encodeKeys, followKeys, openSigned, signLink } from '../protocol/signed.js'
import { median, printFigure, quantile } from './support/figures.js'

const topic = 'skerry/device/k3v9x0a1b2c3/desired'
const runs = 500

function manifestWith(apps: number): Buffer {
  return manifestCodec.encode({
    version: 1,
    instance: randomBytes(8),
    revision: 12,
    groups: ['line-1', 'hall-3'],
    apps: Array.from({ length: apps }, (_, n) => ({ name: `app-${n}`, digest: randomBytes(32), run: 'running' as const, revision: n + 1 })),
  })
}

function timed(act: () => void): number {
  const started = performance.now()
  act()
  return performance.now() - started
}

const signer = createSigner(newPrivateKey())
const keys = [signer.publicKey]
for (const apps of [3, 100, 1000]) {
  const payload = manifestWith(apps)
  const message = signer.sign(topic, payload)
  const times = Array.from({ length: runs }, () => timed(() => unwrap(manifestCodec.decode(unwrap(openSigned(message, topic, keys))))))
  const checks = Array.from({ length: runs }, () => timed(() => unwrap(openSigned(message, topic, keys))))
  printFigure(`a manifest of ${apps} apps, ${message.length} bytes: verified and read, median`, median(times), 'ms', '<= 2')
  printFigure('  of this the signature, median', median(checks), 'ms')
  printFigure('  99th percentile of the whole', quantile(times, 0.99), 'ms')
  printFigure('  bytes more than unsigned', message.length - payload.length)
}
const payload = manifestWith(3)
printFigure('signing one', median(Array.from({ length: runs }, () => timed(() => signer.sign(topic, payload)))), 'ms')

const signers = Array.from({ length: 11 }, () => createSigner(newPrivateKey()))
const links = signers.slice(1).map((next, n) => signLink(signers[n] ?? signer, { number: n + 2, key: next.publicKey }))
const [first = signer] = signers
const chain = encodeKeys(links)
printFigure(
  `walking a chain of 10 keys, ${chain.length} bytes`,
  median(Array.from({ length: 100 }, () => timed(() => unwrap(followKeys(chain, [first.publicKey]))))),
  'ms',
)
