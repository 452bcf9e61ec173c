import 'reflect-metadata'
import { spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { Pkcs10CertificateRequest } from '@peculiar/x509'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createRequest } from '../../../agent/identity/csr.js'
import { element, objectId } from '../../../agent/identity/der.js'

const test = suite('agent: certificate request')

const makeKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

test('OpenSSL reads the request, finds its signature good, and the device as its subject', () => {
  const request = createRequest(makeKey(), 'k3x9p2m7qa1z')
  const { status, stdout, stderr } = spawnSync('openssl', ['req', '-inform', 'DER', '-noout', '-verify', '-text', '-subject'], {
    input: request,
  })
  assert.is(status, 0, String(stderr))
  assert.match(String(stderr) + String(stdout), /verify OK|self-signature verify OK/i)
  assert.match(String(stdout), /subject=CN ?= ?k3x9p2m7qa1z/)
  assert.match(String(stdout), /ecdsa-with-SHA256/)
})

test('the manager’s library reads the same, for ids and signatures of every length', async () => {
  const key = makeKey()
  for (const device of ['a', 'x'.repeat(63), 'press-7']) {
    for (let n = 0; n < 20; n++) {
      const request = new Pkcs10CertificateRequest(new Uint8Array(createRequest(key, device)))
      assert.is(request.subject, `CN=${device}`)
      assert.is(await request.verify(), true)
    }
  }
})

test('a request that was changed is no longer signed', async () => {
  const request = createRequest(makeKey(), 'press-7')
  const at = request.indexOf('press-7')
  request.write('press-8', at)
  assert.is(await new Pkcs10CertificateRequest(new Uint8Array(request)).verify(), false)
})

test('lengths take one byte below 128, and as many as they need above', () => {
  const table: [number, string][] = [
    [0, '0400'],
    [127, '047f'],
    [128, '048180'],
    [255, '0481ff'],
    [256, '04820100'],
    [65536, '0483010000'],
  ]
  for (const [length, head] of table) {
    const bytes = element(0x04, Buffer.alloc(length))
    assert.is(bytes.subarray(0, head.length / 2).toString('hex'), head)
    assert.is(bytes.length, head.length / 2 + length)
  }
  assert.is(objectId('1.2.840.10045.4.3.2').toString('hex'), '06082a8648ce3d040302')
})

test.run()
