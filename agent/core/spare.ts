// Which images may go.
import type { AppRecord } from './record.js'

interface Image {
  readonly id: string
  readonly reference: string
}

/** Ids of the images that apps run, may go back to, or are about to run. */
export function neededImages(apps: ReadonlyMap<string, AppRecord>, wanted: readonly { readonly id: string }[]): ReadonlySet<string> {
  const kept = [...apps.values()].flatMap(({ images = [], good }) => [...images, ...(good?.images ?? [])])
  return new Set([...kept, ...wanted].map(({ id }) => id))
}

/** The others, with the names that they were used by. */
export function spareImages(images: readonly Image[], needed: ReadonlySet<string>): { id: string; references: string[] }[] {
  const spare = new Map<string, Set<string>>()
  for (const { id, reference } of images) {
    if (needed.has(id)) continue
    const names = spare.get(id) ?? new Set()
    spare.set(id, reference === '' ? names : names.add(reference))
  }
  return [...spare].map(([id, names]) => ({ id, references: [...names].sort() }))
}
