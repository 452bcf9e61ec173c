// Where the policy of this machine's agent stands.
import { join } from 'node:path'
import type { PolicySource } from '../agent/permits.js'
import type { Settings } from '../config/settings.js'

/** Nothing of the data folder is for apps: it holds keys, and the policy itself. */
export function policySource({ policy, data }: Settings): PolicySource {
  return { file: policy ?? join(data, 'policy.yaml'), isNamed: policy !== undefined, protect: [data] }
}
