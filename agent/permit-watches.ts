// The permits that the device goes by: which ones they are, and what is known of them, in memory and on disk.
import { formatPermitTopic, type PermitTopic } from '../protocol/permit-topics.js'
import type { Standing } from './core/hold.js'
import type { KeptPermit } from './core/hold-file.js'
import { isAsKept, newWatch, type Watch } from './permit-watch.js'

export interface PermitWatchesOptions {
  readonly root: string
  readonly device: string
  readonly disk: { loadPermits(): readonly KeptPermit[]; savePermits(kept: readonly KeptPermit[]): void }
  /** The groups that the device is in, now. */
  readonly groups: () => readonly string[]
}

export class PermitWatches {
  readonly #options: PermitWatchesOptions
  readonly #byTopic = new Map<string, Watch>()
  #stopped = false

  constructor(options: PermitWatchesOptions) {
    this.#options = options
    for (const { of, standing } of options.disk.loadPermits()) this.#byTopic.set(this.#topicOf(of), newWatch(of, standing))
  }

  get all(): readonly Watch[] {
    return [...this.#byTopic.values()]
  }

  get topics(): string[] {
    return [...this.#byTopic.keys()]
  }

  /** In this session, or in the one before, it is known of all what the broker has. */
  get areSettled(): boolean {
    return this.all.every(({ settled }) => settled)
  }

  of(topic: string): Watch | undefined {
    return this.#byTopic.get(topic)
  }

  /** The device may be in other groups than before. */
  follow(): void {
    const { device, groups } = this.#options
    const wanted: PermitTopic[] = [{ kind: 'device', name: device }, ...groups().map(name => ({ kind: 'group', name }) as const)]
    const topics = new Set(wanted.map(of => this.#topicOf(of)))
    const gone = this.topics.filter(topic => !topics.has(topic))
    for (const topic of gone) this.#drop(topic)
    for (const of of wanted) if (!this.#byTopic.has(this.#topicOf(of))) this.#byTopic.set(this.#topicOf(of), newWatch(of, undefined))
    if (gone.length > 0) this.#save()
  }

  stand(each: Watch, standing: Standing | undefined): void {
    const isNews = !isAsKept(each.standing, standing)
    each.standing = standing
    if (isNews) this.#save()
  }

  cancelAll(): void {
    for (const { cancel } of this.all) cancel()
  }

  stop(): void {
    this.#stopped = true
    this.cancelAll()
  }

  #drop(topic: string): void {
    this.#byTopic.get(topic)?.cancel()
    this.#byTopic.delete(topic)
  }

  #save(): void {
    if (this.#stopped) return
    const kept = this.all.flatMap(({ of, standing }) => (standing === undefined ? [] : [{ of, standing }]))
    this.#options.disk.savePermits(kept)
  }

  #topicOf(of: PermitTopic): string {
    return formatPermitTopic(this.#options.root, of)
  }
}
