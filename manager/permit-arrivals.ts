// Permits that come on their topics, over MQTT or HTTP: who gives them may, what they say is kept in mind, and each is answered.
import { type Answer, okAnswer, refusalAnswer } from '../protocol/answer.js'
import { accept, type Refusal, type Result, refuse, SkerryError } from '../protocol/errors.js'
import { type Permit, readPermit } from '../protocol/permit.js'
import { type PermitTopic, parsePermitTopic } from '../protocol/permit-topics.js'
import type { Fleet } from './fleet.js'
import { checkPermitTarget, givePermit, recordPermit } from './permits.js'
import { type Arrival, permitSender, type Senders } from './senders.js'

interface Hall {
  readonly root: string
  readonly fleet: Fleet
  readonly senders: Senders
}

const unretained: Refusal = {
  code: 'request.invalid',
  message: 'it was sent without the retain flag: devices that connect later do not hear it',
}

/** Throws only what the database does. */
export function takePermit({ root, fleet, senders }: Hall, arrival: Arrival): Answer {
  const { topic, payload, retained } = arrival
  const target = parsePermitTopic(root, topic)
  if (target === undefined) return refusalAnswer([{ code: 'topic.invalid', message: `use ${root}/permit/device|group/NAME` }], {})
  const { permit, id, warnings: found } = readPermit(payload)
  const isLost = !('caller' in arrival) && !retained && permit.ok && permit.value?.leaseS === undefined
  const about = { ...(id === undefined ? {} : { id }), warnings: isLost ? [...found, unretained] : found }
  const permitted = permitSender(senders, arrival, { kind: target.kind, target: target.name })
  if (!permitted.ok) return refusalAnswer(permitted.refusals, about)
  if (!permit.ok) return refusalAnswer(permit.refusals, about)
  const known = check(fleet, target)
  if (!known.ok) return refusalAnswer(known.refusals, about)
  const changed = take(fleet, target, permit.value, arrival)
  return okAnswer(`ok: ${describe(target, permit.value)}`, { changed, ...answerOf(permit.value) }, about)
}

/** What came over HTTP, the broker has to hear from the manager. */
function take(fleet: Fleet, target: PermitTopic, said: Permit | null, arrival: Arrival): boolean {
  if ('caller' in arrival) return givePermit(fleet, target, said, { user: arrival.caller.name, address: arrival.caller.address })
  if (fleet.permits.isOvertaken(target)) return false
  const { user = null, address = null } = arrival.sender ?? {}
  return recordPermit(fleet, target, said, { user, address, via: 'mqtt' })
}

/** As answers tell it. */
function answerOf(permit: Permit | null): Pick<Answer, 'permit' | 'leaseS'> {
  if (permit === null) return { permit: null }
  return { permit: permit.value ? 1 : 0, ...(permit.leaseS === undefined ? {} : { leaseS: permit.leaseS }) }
}

function describe({ kind, name }: PermitTopic, permit: Permit | null): string {
  if (permit === null) return `no permit is asked for of ${kind} ${name}`
  const lease = permit.leaseS === undefined ? '' : ` for ${permit.leaseS} s`
  return `the permit of ${kind} ${name} is ${permit.value ? 1 : 0}${lease}`
}

function check(fleet: Fleet, target: PermitTopic): Result<true> {
  try {
    checkPermitTarget(fleet, target)
    return accept(true)
  } catch (error) {
    if (error instanceof SkerryError) return refuse(error.code, error.message)
    throw error
  }
}
