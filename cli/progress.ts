// Progress of an apply on this machine: one line a step, and for pulls one line each tenth.
import { describeStep } from '../agent/core/step.js'
import type { Progress } from '../agent/standalone.js'

/** Says what is begun and what failed; keeps how far each pull is, so that no line comes twice. */
export function createProgress(say: (line: string) => void): (progress: Progress) => void {
  const tenths = new Map<string, number>()
  return progress => {
    if ('pull' in progress) {
      const { image, currentBytes, totalBytes } = progress.pull
      const tenth = totalBytes === 0 ? 0 : Math.floor((10 * currentBytes) / totalBytes)
      if (tenth > (tenths.get(image) ?? 0)) say(`pull image ${image}: ${tenth * 10} %`)
      tenths.set(image, Math.max(tenth, tenths.get(image) ?? 0))
    } else if (progress.phase === 'begun') {
      say(describeStep(progress.step))
    }
  }
}
