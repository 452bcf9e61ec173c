// Starts the agent from the settings, and lets it join. Imports nothing of the server, so that an agent stays small.
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { type Agent, startAgent } from '../../agent/agent.js'
import { Identity, type Membership } from '../../agent/identity/identity.js'
import { type JoinEvent, type Joined, joinFleet } from '../../agent/join.js'
import type { Settings } from '../../config/settings.js'
import { SkerryError } from '../../protocol/errors.js'
import type { JoinToken } from '../../protocol/join-token.js'
import { makeFolder } from '../folder.js'
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
  const url = settings.server ?? identity.membership.server
  return startAgent({
    folder,
    root: settings.root,
    broker: { url, ...(await brokerAccess(settings)) },
    identity,
    keys: identity,
    engine: settings.engine,
    ...(settings.name === undefined ? {} : { name: settings.name }),
    intervalS: settings.interval,
    log: log.child({ part: 'agent' }),
    signal,
  })
}

/** What this machine has of the fleet that it has joined. */
export async function readMembership(settings: Settings, log: Logger): Promise<Membership | undefined> {
  return new Identity(await openFolder(settings), log).membership
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

async function openFolder({ data }: Settings): Promise<string> {
  const folder = join(data, 'agent')
  await makeFolder(folder)
  await chmod(folder, 0o700)
  return folder
}
