// What the report says of a step that failed: where in the compose file its cause is.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { composeLabels } from '../../agent/core/labels.js'
import type { Step } from '../../agent/core/step.js'
import type { Engine } from '../../agent/engine.js'
import { createExecutors, executeSteps } from '../../agent/execute.js'
import { SkerryError } from '../../protocol/errors.js'

const overlap = async () => {
  throw new SkerryError('network.overlap', 'Pool overlaps with other one on this address space')
}
const execution = suite('execution')

execution('a network that cannot be made is named as in the compose file', async () => {
  const body = { Name: 'web_n', Labels: { [composeLabels.network]: 'n' } }
  const steps = [{ kind: 'createNetwork', name: 'web_n', body }] as unknown as Step[]
  const executors = createExecutors({ createNetwork: overlap } as unknown as Engine, () => {})
  try {
    await executeSteps(steps, executors, { signal: new AbortController().signal, onStep: () => {} })
    assert.unreachable()
  } catch (error) {
    assert.instance(error, SkerryError)
    assert.is((error as SkerryError).path, 'networks.n')
  }
})

execution.run()
