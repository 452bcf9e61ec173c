// A compose file's text to its canonical project, or every reason why not.
import type { Refusal, Result } from '../errors.js'
import { refuse } from '../errors.js'
import type { Project } from './project.js'

export interface ParsedCompose {
  readonly project: Project
  /** What is harmless but has no effect here, by name. */
  readonly warnings: readonly Refusal[]
}

/** Pure, bounded in time and memory for any text. Refuses with `compose.*` codes and the path of each fault. */
export function parseCompose(_text: string): Result<ParsedCompose> {
  return refuse('compose.yaml', 'not yet')
}
