// The agent's parts made, each told of those that it works with; what happens between them is said by whoever runs them.
import type { Logger } from 'pino'
import { type Clock, systemClock } from '../protocol/clock.js'
import { leaseMs } from '../protocol/link.js'
import type { Link as Settings } from '../protocol/messages/link.js'
import { clientIdOf } from '../protocol/topics.js'
import { Accountant } from './accountant.js'
import { Acquaintance } from './acquaintance.js'
import type { AgentOptions } from './agent.js'
import { Approach } from './approach.js'
import type { Conductor } from './conductor.js'
import type { Disk } from './disk.js'
import { connectEngine } from './docker.js'
import type { Engine } from './engine.js'
import { Epochs } from './epochs.js'
import { Holdings } from './holdings.js'
import { Inbox } from './inbox.js'
import { Interlock } from './interlock.js'
import { Link } from './link.js'
import { Logins, withLogins } from './logins.js'
import { bootedAtMs, createMeter, readBootId } from './metrics.js'
import type { Permits } from './permits.js'
import { Presence } from './presence.js'
import { Quiet } from './quiet.js'
import { Release } from './release.js'
import { Renewal } from './renewal.js'
import { Reporter } from './reporter.js'
import { Requests } from './requests.js'
import { Steward } from './steward.js'
import { Traffic } from './traffic.js'
import { Voice } from './voice.js'

export class Parts {
  readonly clock: Clock
  readonly log: Logger
  readonly epochs: Epochs
  readonly holdings: Holdings
  readonly interlock: Interlock
  readonly voice: Voice
  readonly accountant: Accountant
  readonly quiet: Quiet
  readonly steward: Steward
  readonly release: Release
  readonly reporter: Reporter
  readonly presence: Presence
  readonly requests: Requests
  readonly inbox: Inbox
  readonly renewal: Renewal | undefined
  readonly link: Link
  readonly #options: AgentOptions
  readonly #disk: Disk
  readonly #permits: Permits
  readonly #conductor: Conductor
  readonly #engine: Engine
  readonly #traffic: Traffic
  readonly #memory: Acquaintance

  constructor(options: AgentOptions, { disk, permits, conductor }: { disk: Disk; permits: Permits; conductor: Conductor }) {
    const { log, clock = systemClock } = options
    this.#options = options
    this.#disk = disk
    this.#permits = permits
    this.#conductor = conductor
    this.clock = clock
    this.log = log
    this.#engine = withLogins(connectEngine(options.engine), new Logins(disk.folder))
    this.#traffic = new Traffic(options.root, clock)
    this.#memory = new Acquaintance({ folder: disk.folder, log, clock, ownNotBeforeMs: () => options.identity?.notBeforeMs })
    this.epochs = new Epochs(disk)
    this.holdings = new Holdings(disk, log.child({ part: 'holdings' }), options.name)
    this.quiet = new Quiet({ clock, hours: () => this.settings().quiet, floorMs: () => this.#memory.floorMs() })
    this.interlock = this.#makeInterlock()
    this.voice = this.#makeVoice()
    this.accountant = this.#makeAccountant()
    this.steward = this.#makeSteward()
    this.release = this.#makeRelease()
    this.reporter = this.#makeReporter()
    this.presence = this.#makePresence()
    this.requests = this.#makeRequests()
    this.inbox = this.#makeInbox()
    this.renewal = this.#makeRenewal()
    this.link = this.#makeLink()
  }

  /** How the link is to be used, now. */
  settings(): Settings {
    return this.holdings.link(this.#options.intervalS)
  }

  #makeInterlock(): Interlock {
    return new Interlock({
      root: this.#options.root,
      device: this.#disk.id,
      // A released device is given permits no more: it would wait for one for ever.
      mode: () => (this.release.begun ? 'optional' : (this.#options.permit ?? 'optional')),
      disk: this.#disk,
      // Who has left its fleet is in none.
      groups: () => (this.release.begun ? [] : this.holdings.groupNames()),
      isManifestHeld: ({ kind, name }) => (kind === 'device' ? this.holdings.device !== undefined : this.holdings.groups.has(name)),
      leaseMs: () => leaseMs(this.settings().intervalS),
      nowS: () => this.#memory.nowS(),
      isForgotten: () => this.release.over,
      clock: this.clock,
      log: this.log.child({ part: 'interlock' }),
      onChange: () => this.#conductor.noteClearance(),
    })
  }

  #makeVoice(): Voice {
    return new Voice({
      root: this.#options.root,
      device: this.#disk.id,
      name: this.#options.name,
      epochs: this.epochs,
      publish: (topic, payload, how) => this.link.publish(topic, payload, how),
    })
  }

  #makeAccountant(): Accountant {
    return new Accountant({
      disk: this.#disk,
      traffic: this.#traffic,
      clock: this.clock,
      link: () => this.settings(),
      quiet: () => this.quiet.forMs() > 0,
      connected: () => this.link.connected,
      instance: () => this.holdings.device?.instance,
      number: () => this.epochs.current,
      publish: payload => this.voice.account(payload),
    })
  }

  #makeSteward(): Steward {
    return new Steward({
      engine: this.#engine,
      disk: this.#disk,
      holdings: this.holdings,
      permits: this.#permits,
      quiet: this.quiet,
      pullsAtOnce: () => this.settings().pulls,
      clearance: () => this.interlock.clearance,
      clock: this.clock,
      random: Math.random,
      log: this.log,
      bootedAtMs: this.#disk.noteBoot(readBootId()) ? this.clock.now() : bootedAtMs(),
      knowsAll: () => this.#conductor.knowsAll(),
      onChange: () => this.#conductor.noteChange(),
      onVerdict: () => this.#conductor.follow(),
      onEngine: version => this.#conductor.noteEngine(version),
    })
  }

  #makeRelease(): Release {
    const { holdings, steward, log } = this
    return new Release({ holdings, steward, identity: this.#options.identity, log, stop: () => this.#conductor.end() })
  }

  #makeReporter(): Reporter {
    return new Reporter({
      clock: this.clock,
      assemble: () => this.#conductor.report(),
      start: () => this.epochs.start,
      link: () => this.settings(),
      connected: () => this.link.connected,
      publish: (channel, payload) => this.voice.report(channel, payload),
    })
  }

  #makePresence(): Presence {
    return new Presence({
      clock: this.clock,
      voice: this.voice,
      measure: createMeter(this.#disk.folder),
      link: () => this.settings(),
      isQuiet: () => this.quiet.forMs() > 0,
      isConnected: () => this.link.connected,
      silentMs: () => this.link.silentMs(),
      revision: () => this.holdings.revision(),
      reported: () => this.reporter.heard,
    })
  }

  #makeRequests(): Requests {
    return new Requests({
      engine: this.#engine,
      clock: this.clock,
      log: this.log.child({ part: 'requests' }),
      link: () => this.settings(),
      epoch: () => this.epochs.current,
      publish: (rid, payload) => this.voice.respond(rid, payload),
      onWorn: () => this.link.reconnect(),
      servicesOf: app => this.steward.servicesOf(app),
      restart: (app, services, signal) => this.steward.restart(app, services, signal),
      reporter: { hasTold: holds => this.reporter.hasTold(holds), retell: () => this.#retell() },
    })
  }

  /** Whoever knows nothing of what runs may not know the device either. */
  #retell(): Promise<void> {
    this.presence.introduce()
    return this.reporter.retell()
  }

  #makeInbox(): Inbox {
    return new Inbox({
      root: this.#options.root,
      device: this.#disk.id,
      holdings: this.holdings,
      keys: this.#options.keys,
      clock: this.clock,
      log: this.log.child({ part: 'inbox' }),
      leaseMs: () => leaseMs(this.settings().intervalS),
      onDesired: () => this.#conductor.follow(),
      onStanding: () => this.#conductor.noteChange(),
      onAskAgain: topics => this.link.askAgain(topics),
      onEpochFloor: floor => this.#conductor.riseAbove(floor),
      onRelease: mode => this.#conductor.leave(mode),
      onRequest: (rid, payload) => this.requests.receive(rid, payload),
    })
  }

  #makeRenewal(): Renewal | undefined {
    const { identity, root, name } = this.#options
    if (identity === undefined) return undefined
    return new Renewal({
      identity,
      root,
      device: this.#disk.id,
      name,
      clock: this.clock,
      log: this.log.child({ part: 'renewal' }),
      publish: (topic, payload, how) => this.link.publish(topic, payload, how),
      onTopics: () => this.#conductor.subscribe(),
    })
  }

  #makeLink(): Link {
    const { broker, identity, retries = { firstMs: 1_000, maxMs: 60_000 } } = this.#options
    const { renewal, clock, log } = this
    const ownTopic = this.voice.topic('desired')
    const approach = new Approach({ broker, identity, renewal, memory: this.#memory, clock, log })
    return new Link({
      reach: () => approach.next(),
      clientId: clientIdOf(this.#disk.id),
      statusTopic: this.voice.topic('status'),
      openSession: () => this.voice.openSession(),
      settings: () => this.settings(),
      retries,
      clock,
      random: Math.random,
      log: log.child({ part: 'link' }),
      traffic: this.#traffic,
      onOpening: publish => this.#conductor.open(publish),
      onConnected: () => this.#conductor.greet(),
      onSubscribed: topic => this.#conductor.noteSubscribed(topic),
      onDenied: topics => {
        for (const topic of topics) this.interlock.noteDenied(topic)
        if (topics.includes(ownTopic) && approach.noteDenied()) this.link.reconnect()
      },
      onLost: () => this.interlock.noteLost(),
      onRefused: ({ again }) => approach.noteRefused(again === 'renew'),
      onMessage: (topic, payload, retained) => this.#conductor.hear(topic, payload, retained),
    })
  }
}
