// Everything that is fuzzed.

import { agent } from './agent.js'
import type { Part } from './run.js'
import { streams } from './streams.js'

export const parts: readonly Part[] = [streams, agent]
