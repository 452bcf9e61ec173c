// What the agent's parts ask of whoever runs them, and what they tell.
import type { ReleaseMode } from '../protocol/messages/manifest.js'
import type { Report } from './reporter.js'
import type { Publish } from './voice.js'

export interface Conductor {
  /** True if nothing is unknown of what is desired. */
  knowsAll(): boolean
  report(): Report | undefined
  /** What is to be followed may have changed. */
  follow(): void
  /** What is to be subscribed to may have changed. */
  subscribe(): void
  /** Something that is reported may have changed. */
  noteChange(): void
  noteClearance(): void
  noteEngine(version: string | undefined): void
  noteSubscribed(topic: string): void
  hear(topic: string, payload: Buffer, retained: boolean): void
  /** A session is about to begin. */
  open(publish: Publish): void
  /** A session has begun. */
  greet(): void
  riseAbove(floor: number): void
  leave(mode: ReleaseMode): void
  end(): Promise<void>
}
