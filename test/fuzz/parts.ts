// Everything that is fuzzed.

import { agent } from './agent.js'
import { api } from './api.js'
import { manager } from './manager.js'
import type { Part } from './run.js'
import { streams } from './streams.js'

export const parts: readonly Part[] = [streams, manager, agent, api]
