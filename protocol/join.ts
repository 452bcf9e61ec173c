// How a device gets its certificate: what it asks when it joins or renews, and what it is answered.
import { codec, fault, version } from './messages/message.js'
import { facts } from './messages/status.js'
import { isName } from './names.js'
import { bytes, field, flag, list, matching, type Of, optional, record, uint, whole } from './shape.js'

const deviceId = matching('a device id', value => isName('device', value))

/** The most characters that a fleet key may have. */
const maxFleetKeyChars = 200

/** Asked by an agent, on `join/{key}/request` and on `device/{id}/renewal`; the same key may ask again and is answered the same. */
const joinRequest = record({
  version: field(0, version),
  /** PKCS#10 in DER: an ECDSA P-256 key, signed with itself. */
  csr: field(1, bytes(1, 2048)),
  /** The id that the device wants; when it renews, its own. */
  device: field(2, deviceId),
  facts: field(3, facts),
  /** The secret of a join token. */
  token: optional(4, bytes(16, 16)),
  fleetKey: optional(5, whole(maxFleetKeyChars)),
})
export type JoinRequest = Of<typeof joinRequest>

/** Answered by the manager, on `join/{key}/answer` and on `device/{id}/certificate`: a fault, or `pending`, or a certificate with all that goes with it. */
const joinAnswer = record({
  version: field(0, version),
  fault: optional(1, fault),
  device: optional(2, deviceId),
  /** X.509 in DER: the device's own certificate first, the CA's last. */
  chain: optional(3, list(bytes(1, 4096), 4)),
  /** Ed25519 public keys that sign what this fleet's devices are to run. */
  keys: optional(4, list(bytes(32, 32), 16)),
  /** A person has to decide; the answer comes by itself when somebody has. */
  pending: optional(5, flag),
  /** The server's clock, s since 1970: what the certificate's times are compared with, as the device's clock may stand in any year. */
  time: optional(6, uint()),
})
export type JoinAnswer = Of<typeof joinAnswer>

export const joinRequestCodec = codec(joinRequest, 12 * 1024)
export const joinAnswerCodec = codec(joinAnswer, 20 * 1024)
