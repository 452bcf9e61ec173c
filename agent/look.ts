// One look at an app: what to ask the Engine about for a wish, and what the planner makes of the answer.
import type { Memory, Wish } from './core/desired.js'
import { imageName, networkName, usedNetworks } from './core/labels.js'
import type { Observed } from './core/observed.js'
import { plan } from './core/plan.js'
import { wantedVolumes } from './core/resources.js'
import type { Step } from './core/step.js'
import type { Engine, ObserveQuery } from './engine.js'

export interface Look {
  readonly observed: Observed
  readonly steps: readonly Step[]
}

export async function look(engine: Engine, wish: Wish, memory: Memory, now: () => number): Promise<Look> {
  const observed = await engine.observe(queryOf(wish))
  return { observed, steps: plan(wish, observed, memory, now()) }
}

export function queryOf(wish: Wish): ObserveQuery {
  const { app } = wish.owner
  if (wish.run !== 'running') return { app, images: wish.run === 'removed' ? (wish.images ?? []) : [], volumes: [], networks: [] }
  const { project } = wish
  const images = Object.entries(project.services).map(([name, service]) => wish.images?.[name] ?? imageName(app, name, service))
  return {
    app,
    images: [...images, ...Object.values(wish.sources ?? {})],
    volumes: wantedVolumes(app, project),
    networks: usedNetworks(project).map(key => networkName(app, key, project.networks[key])),
  }
}
