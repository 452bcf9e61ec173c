// A short visit to the broker with one purpose: to ask for a certificate and take the answer. Made by who has none, or one that has ended.
import type { MqttClient } from 'mqtt'
import { type Clock, systemClock } from '../../protocol/clock.js'
import { SkerryError } from '../../protocol/errors.js'
import { type JoinAnswer, joinAnswerCodec } from '../../protocol/join.js'
import { openClient } from '../client.js'
import { explainFault } from '../core/refused.js'
import type { BrokerAddress } from '../reach.js'
import { faultOf } from './probe.js'

export interface VisitOptions {
  readonly broker: BrokerAddress
  readonly clientId: string
  readonly askOn: string
  readonly answerOn: string
  readonly request: Buffer
  /** Called whenever the server says that a person has to decide. */
  readonly onPending: () => void
  readonly signal: AbortSignal
  readonly clock?: Clock
}

/** A server that has just started may not have heard: it is asked again soon, and then less and less often. */
const firstAskAgainMs = 2_000
/** While a person has to decide, the answer comes by itself, but the server may have been started anew. */
const longestAskAgainMs = 30_000
const keepaliveS = 60
/** For the handshakes: on a link that loses packets they take a while. */
const connectMs = 60_000

/** The answer that decides: a certificate, or a fault. Throws why the broker cannot be reached or lets nobody in, and what `signal` says. */
export async function visit(options: VisitOptions): Promise<JoinAnswer> {
  const { broker, clientId, clock = systemClock, signal } = options
  signal.throwIfAborted()
  const client = openClient(broker, {
    clientId,
    connectTimeout: connectMs,
    keepalive: keepaliveS,
  })
  let cancel = () => {}
  // The answer may come together with the acknowledgement of what asked for it.
  let isOver = false
  const askLater = (delayMs: number): void => {
    cancel()
    if (isOver) return
    cancel = clock.after(delayMs, () => {
      client.publish(options.askOn, options.request, { qos: 1 })
      askLater(Math.min(longestAskAgainMs, delayMs * 2))
    })
  }
  try {
    return await new Promise<JoinAnswer>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      client.on('error', cause => reject(unreachable(cause, broker.url, clock)))
      client.on('close', () => reject(new SkerryError('broker.unavailable', `${broker.url} has closed the connection`)))
      client.on('message', (topic, payload) => {
        const answer = topic === options.answerOn ? joinAnswerCodec.decode(payload) : undefined
        if (answer?.ok !== true) return
        if (answer.value.pending !== true) return resolve(answer.value)
        askLater(longestAskAgainMs)
        options.onPending()
      })
      client.on('connect', () => {
        ask(client, options).then(
          () => askLater(firstAskAgainMs),
          cause => reject(unreachable(cause, broker.url, clock)),
        )
      })
    })
  } finally {
    isOver = true
    cancel()
    client.removeAllListeners('message')
    client.end(true)
  }
}

async function ask(client: MqttClient, { askOn, answerOn, request }: VisitOptions): Promise<void> {
  const granted = await client.subscribeAsync(answerOn, { qos: 1 })
  if (granted.some(({ qos }) => qos > 2)) throw new SkerryError('auth.forbidden', 'the broker does not let this device hear an answer')
  await client.publishAsync(askOn, request, { qos: 1 })
}

function unreachable(cause: unknown, server: string, clock: Clock): SkerryError {
  if (cause instanceof SkerryError) return cause
  const { refusal } = explainFault(faultOf(cause), server, clock.now())
  return new SkerryError(refusal.code, refusal.message, { cause })
}
