// All that is written in answer to one arrival, as one TLS record in one segment: each costs some 70 bytes of its own on a link that is paid for.
import type { Duplex } from 'node:stream'

export function gatherAnswers(stream: Duplex): void {
  let corked = false
  stream.on('data', () => {
    if (corked) return
    corked = true
    stream.cork()
    setImmediate(() => {
      corked = false
      stream.uncork()
    })
  })
}
