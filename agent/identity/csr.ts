// A certificate request (PKCS#10, RFC 2986) for a device's key. Written here, as libraries for it would cost the agent 20 MB of memory.
import { createPublicKey, type KeyObject, sign } from 'node:crypto'
import { bitString, element, objectId, sequence, tag } from './der.js'

const commonName = objectId('2.5.4.3')
const ecdsaWithSha256 = objectId('1.2.840.10045.4.3.2')
const version1 = element(tag.integer, Buffer.of(0))

/** In DER, signed with the key itself, an ECDSA one; the subject is the device's id. */
export function createRequest(key: KeyObject, device: string): Buffer {
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' })
  const noAttributes = element(tag.context0)
  const info = sequence(version1, subjectOf(device), spki, noAttributes)
  const signature = sign('sha256', info, { key, dsaEncoding: 'der' })
  return sequence(info, sequence(ecdsaWithSha256), bitString(signature))
}

function subjectOf(name: string): Buffer {
  const attribute = sequence(commonName, element(tag.utf8, Buffer.from(name)))
  return sequence(element(tag.set, attribute))
}
