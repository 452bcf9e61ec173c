// What devices are told: the topic of each addressee, its message as it is now, signed, and which of them a broker holds.
import { manifestCodec } from '../protocol/messages/manifest.js'
import { openSigned } from '../protocol/signed.js'
import { formatTopic, parseTopic } from '../protocol/topics.js'
import { manifestOf } from './core/desired.js'
import type { Addressee } from './core/model.js'
import type { Signing } from './signing.js'
import type { Db } from './store/db.js'
import { readDesired, type TargetRow } from './store/outbox.js'

export interface ManifestsOptions {
  readonly db: Db
  readonly root: string
  readonly instance: Buffer
  readonly signing: Signing
}

export class Manifests {
  readonly #options: ManifestsOptions

  constructor(options: ManifestsOptions) {
    this.#options = options
  }

  topicOf({ kind, name }: Addressee): string {
    const { root } = this.#options
    switch (kind) {
      case 'device':
        return formatTopic(root, { kind, device: name, channel: 'desired' })
      case 'group':
        return formatTopic(root, { kind, group: name, channel: 'desired' })
      case 'fleet':
        return formatTopic(root, { kind, channel: 'desired' })
      case 'keys':
        return formatTopic(root, { kind: 'fleet', channel: 'keys' })
    }
  }

  /** Whom something on this topic is for. */
  addresseeOf(name: string): Addressee | undefined {
    const topic = parseTopic(this.#options.root, name)
    if (topic?.kind === 'fleet') return { kind: topic.channel === 'keys' ? 'keys' : 'fleet', name: '' }
    if (topic?.kind === 'group') return { kind: 'group', name: topic.group }
    return topic?.kind === 'device' && topic.channel === 'desired' ? { kind: 'device', name: topic.device } : undefined
  }

  messageFor(target: TargetRow): Buffer {
    const { db, instance, signing } = this.#options
    if (target.kind === 'keys') return signing.chain()
    const manifest = manifestOf(readDesired(db, target), instance, text => Buffer.from(text, 'base64url'))
    return signing.sign(this.topicOf(target), manifestCodec.encode(manifest))
  }

  /** The revision of a message that a broker holds, empty where it holds none; -1 unless this manager has signed it, for this topic, with its present key. */
  revisionOf(topic: string, payload: Uint8Array): number {
    const { instance, signing } = this.#options
    if (this.addresseeOf(topic)?.kind === 'keys') return signing.chain().equals(payload) ? signing.history().length : -1
    const opened = openSigned(payload, topic, signing.keys())
    const manifest = opened.ok ? manifestCodec.decode(opened.value) : opened
    return manifest.ok && instance.equals(manifest.value.instance) ? manifest.value.revision : -1
  }
}
