// Topics of permits, built and parsed here: whether a device, or every device of a group, may change its containers.
import { isName } from './names.js'

/** Whose permit it is: a device by its id, or a group. */
export interface PermitTopic {
  readonly kind: 'device' | 'group'
  readonly name: string
}

export function formatPermitTopic(root: string, { kind, name }: PermitTopic): string {
  return `${root}/permit/${kind}/${name}`
}

/** Whose permit a topic tells, or undefined if it is no topic of one. */
export function parsePermitTopic(root: string, topic: string): PermitTopic | undefined {
  if (!isPermitTopic(root, topic)) return undefined
  const [kind, name = '', ...rest] = topic.slice(root.length + '/permit/'.length).split('/')
  if (rest.length > 0 || (kind !== 'device' && kind !== 'group')) return undefined
  return isName(kind, name) ? { kind, name } : undefined
}

/** Whether a topic is below those of permits, well-formed or not. */
export function isPermitTopic(root: string, topic: string): boolean {
  return topic.startsWith(`${root}/permit/`)
}

/** The filter that matches every permit. */
export function everyPermit(root: string): string {
  return `${root}/permit/+/+`
}

/** Where a permit is answered; the text and the JSON are below it, as with commands. */
export function permitAnswerTopic(root: string, topic: string): string {
  return `${root}/ack${topic.slice(root.length)}`
}
