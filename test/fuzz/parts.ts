// Everything that is fuzzed.
import type { Part } from './run.js'
import { agent } from './agent.js'
import { streams } from './streams.js'

export const parts: readonly Part[] = [streams, agent]
