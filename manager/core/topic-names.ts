// The name of a topic as a program gives it in a URL: with the root or without, and never a filter. Pure.
import { accept, type Result, refuse } from '../../protocol/errors.js'

const maxTopicBytes = 1024
/** As the broker has it. */
const maxLevels = 100

/** The whole name. Refuses with `topic.invalid`. */
export function readTopicName(root: string, text: string): Result<string> {
  if (text === '') return refuse('topic.invalid', 'there is no topic: use one such as data/group/line-1/speed')
  if (/[+#]/.test(text)) return refuse('topic.invalid', 'one topic at a time: wildcards are not for this')
  if (text.startsWith('$')) return refuse('topic.invalid', 'topics that begin with $ are the broker’s own')
  if (/[\p{Cc}\p{Surrogate}]/u.test(text)) return refuse('topic.invalid', 'there are control characters in the topic')
  const name = text.startsWith(`${root}/`) ? text : `${root}/${text}`
  const bytes = new TextEncoder().encode(name).length
  if (bytes > maxTopicBytes) return refuse('topic.invalid', `a topic has at most ${maxTopicBytes} bytes`)
  if (name.split('/', maxLevels + 1).length > maxLevels) return refuse('topic.invalid', `a topic has at most ${maxLevels} levels`)
  return accept(name)
}
