// All that is said at a time, as one TLS record in one segment: each costs some 70 bytes of its own on a link that is paid for.
import type { Duplex } from 'node:stream'

/** What is looked at of a client of MQTT. */
interface Speaker {
  readonly stream: Duplex
  on(event: 'packetsend', listener: (packet: { readonly cmd: string }) => void): unknown
}

/** Brokers stop after so many unacknowledged messages: mosquitto after 20. */
const mostAcknowledgements = 8

/**
 * Acknowledgements alone wait for what is said next, a heartbeat at the latest: no broker waits for them, and in a segment of their own
 * they cost 140 bytes.
 */
export function gatherAnswers(client: Speaker): void {
  const { stream } = client
  let held = false
  let scheduled = false
  let speaks = false
  let acknowledgements = 0
  const release = (): void => {
    scheduled = false
    if (!speaks && acknowledgements > 0 && acknowledgements < mostAcknowledgements) return
    held = false
    speaks = false
    acknowledgements = 0
    stream.uncork()
  }
  const hold = (): void => {
    if (!held) stream.cork()
    held = true
    if (!scheduled) setImmediate(release)
    scheduled = true
  }
  stream.on('data', hold)
  client.on('packetsend', ({ cmd }) => {
    if (cmd === 'puback') acknowledgements++
    else speaks = true
    hold()
  })
}
