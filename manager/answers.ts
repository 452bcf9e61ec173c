// Tells the senders of commands how it went, and counts it.
import type { Logger } from 'pino'
import type { Answer } from '../protocol/answer.js'
import { answerTopics } from '../protocol/command-topics.js'
import type { ErrorCode } from '../protocol/errors.js'
import type { Link } from './link.js'

export interface AnswerStats {
  /** Answered with 0. */
  readonly done: number
  /** By error code. */
  readonly refused: Readonly<Record<string, number>>
}

/** Topics that are remembered so as to be logged once. */
const maxSources = 1000
const maxSourceChars = 200

export class Answers {
  readonly #root: string
  readonly #log: Logger
  readonly #sources = new Set<string>()
  readonly #refused = new Map<ErrorCode, number>()
  #done = 0
  #link: Link | undefined

  constructor(root: string, log: Logger) {
    this.#root = root
    this.#log = log
  }

  get stats(): AnswerStats {
    return { done: this.#done, refused: Object.fromEntries(this.#refused) }
  }

  /** Whether anybody could be answered now. */
  get canTell(): boolean {
    return this.#link !== undefined
  }

  up(link: Link): void {
    this.#link = link
  }

  down(): void {
    this.#link = undefined
  }

  /** On the mirror of the command's topic, if that is of a sensible length. */
  tell(topic: string, answer: Answer): void {
    const topics = answerTopics(this.#root, topic)
    if (topics === undefined) return
    this.#publish(topics.code, String(answer.code))
    this.#publish(topics.text, answer.text)
    this.#publish(topics.json, JSON.stringify(answer))
  }

  count(topic: string, { error, message }: Answer): void {
    if (error === undefined) {
      this.#done++
      return
    }
    this.#refused.set(error, (this.#refused.get(error) ?? 0) + 1)
    const source = topic.slice(0, maxSourceChars)
    if (this.#sources.has(source) || this.#sources.size >= maxSources) return
    this.#sources.add(source)
    this.#log.warn({ topic: source, code: error, message }, 'command refused')
  }

  #publish(topic: string, payload: string): void {
    // If the connection ends now there is nobody to be answered.
    this.#link?.publish(topic, Buffer.from(payload), false).catch(() => {})
  }
}
