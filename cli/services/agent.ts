// Starts the agent from the settings, and lets it join. Imports nothing of the server, so that an agent stays small.
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { type Agent, startAgent } from '../../agent/agent.js'
import { Identity } from '../../agent/identity/identity.js'
import { type JoinEvent, type Joined, joinFleet } from '../../agent/join.js'
import type { Settings } from '../../config/settings.js'
import { SkerryError, unwrap } from '../../protocol/errors.js'
import { certificateName } from '../../protocol/fingerprint.js'
import { type JoinToken, parseJoinToken } from '../../protocol/join-token.js'
import { longestIntervalS } from '../../protocol/link.js'
import { makeFolder } from '../folder.js'
import { policySource } from '../policy-source.js'
import { brokerAccess } from './access.js'

interface Surroundings {
  readonly log: Logger
  readonly signal: AbortSignal
}

/** Starts the agent of this machine. Throws `identity.missing` where it has joined no fleet. `signal` ends a start that waits for room on the disk. */
export async function startLocalAgent(settings: Settings, { log, signal }: Surroundings): Promise<Agent> {
  const folder = await openFolder(settings)
  const identity = new Identity(folder, log)
  if (identity.membership === undefined) {
    throw new SkerryError(
      'identity.missing',
      'this machine has joined no fleet: run `skerry agent join URL TOKEN` with what `skerry token create` prints on the server',
    )
  }
  if (settings.interval > longestIntervalS) {
    log.warn(
      { interval: settings.interval },
      `heartbeats are ${longestIntervalS} s apart at most: the connection would be given up between longer ones`,
    )
  }
  const url = settings.server ?? identity.membership.server
  return startAgent({
    folder,
    root: settings.root,
    broker: { url, ...(await brokerAccess(settings)) },
    identity,
    keys: identity,
    engine: settings.engine,
    policy: policySource(settings),
    ...(settings.name === undefined ? {} : { name: settings.name }),
    intervalS: settings.interval,
    permit: settings.permit,
    log: log.child({ part: 'agent' }),
    signal,
  })
}

/** As what this machine has joined a fleet. */
export async function readMember(settings: Settings, log: Logger): Promise<Member | undefined> {
  const { membership, device, keyName } = new Identity(await openFolder(settings), log)
  return membership === undefined || device === undefined ? undefined : { ca: certificateName(membership.ca), device, key: keyName }
}

export interface Member {
  /** Fingerprint of the fleet's certificate authority. */
  readonly ca: string
  readonly device: string
  /** The name of its key. */
  readonly key: string
}

export interface JoinWish {
  /** The broker's URL. */
  readonly url: string
  readonly token?: JoinToken | undefined
  /** Whether a server that cannot be reached is tried again. */
  readonly patient: boolean
  readonly onEvent: (event: JoinEvent) => void
}

/** Lets this machine join a fleet. Throws why it may not. */
export async function joinLocalAgent(settings: Settings, { log, signal }: Surroundings, wish: JoinWish): Promise<Joined> {
  const { url, token, patient, onEvent } = wish
  return joinFleet({
    folder: await openFolder(settings),
    root: settings.root,
    broker: { url, ...(await brokerAccess(settings)) },
    ...(token === undefined ? {} : { token }),
    ...(settings.joinKey === undefined ? {} : { fleetKey: settings.joinKey }),
    ...(settings.name === undefined ? {} : { name: settings.name }),
    patient,
    log: log.child({ part: 'agent' }),
    signal,
    onEvent,
  })
}

/** The server of this same process, as far as its own agent needs it. */
export interface OwnServer {
  readonly mqttUrl: string
  readonly pki: { readonly caFingerprint: string }
  invite(name: string): string
  knows(device: string, key: string): boolean
}

/** Makes this machine a device of the server of the same process, unless it is one. */
export async function joinServer(settings: Settings, around: Surroundings, server: OwnServer): Promise<void> {
  const member = await readMember(settings, around.log)
  if (member?.ca === server.pki.caFingerprint && server.knows(member.device, member.key)) return
  const token = unwrap(parseJoinToken(server.invite('this machine')))
  await joinLocalAgent(settings, around, { url: server.mqttUrl, token, patient: true, onEvent: () => {} })
}

async function openFolder({ data }: Settings): Promise<string> {
  const folder = join(data, 'agent')
  await makeFolder(folder)
  await chmod(folder, 0o700)
  return folder
}
