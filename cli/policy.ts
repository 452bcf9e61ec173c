// The options of an app's policy, which stays as it is where nothing is said.
import { type Command, Option } from 'commander'
import { restartPolicies } from '../protocol/messages/manifest.js'
import { parseDuration } from './options.js'

export interface PolicyFlags {
  readonly restart?: string
  /** ms */
  readonly settle?: number
  readonly rollback?: boolean
}

export function addPolicy(command: Command): Command {
  return command
    .addOption(
      new Option('--restart <policy>', 'start services again that end and whose file asks for no restart').choices(restartPolicies),
    )
    .option('--settle <duration>', 'until a new revision counts as good, such as 2m; 0: what its health checks need', parseDuration)
    .option('--rollback', 'bring the last good revision back when a new one fails (the default)')
    .option('--no-rollback', 'leave a revision that fails as it is')
}

/** As the API takes it. */
export function policyQuery({ restart, settle, rollback }: PolicyFlags) {
  return { restart, settleS: settle === undefined ? undefined : Math.round(settle / 1000), rollBack: rollback }
}
