// Starts the agent from the settings. Imports nothing of the server, so that an agent stays small.
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { type Agent, startAgent } from '../../agent/agent.js'
import type { Settings } from '../../config/settings.js'
import { makeFolder } from '../folder.js'
import { policySource } from '../policy-source.js'
import { brokerAccess } from './access.js'

/** Starts the agent of this machine at the broker with this URL. `signal` ends a start that waits for room on the disk. */
export async function startLocalAgent(settings: Settings, url: string, log: Logger, signal?: AbortSignal): Promise<Agent> {
  const folder = join(settings.data, 'agent')
  await makeFolder(folder)
  await chmod(folder, 0o700)
  return startAgent({
    folder,
    root: settings.root,
    broker: { url, ...(await brokerAccess(settings)) },
    engine: settings.engine,
    policy: policySource(settings),
    ...(settings.name === undefined ? {} : { name: settings.name }),
    intervalS: settings.interval,
    log: log.child({ part: 'agent' }),
    ...(signal === undefined ? {} : { signal }),
  })
}
