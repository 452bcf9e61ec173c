// Removing images at the Engine: only names that we gave, and the image itself only if nobody else needs it.
import type Docker from 'dockerode'
import { familiarName } from './docker-shapes.js'
import { engineError, statusOf } from './engine-errors.js'

/** Takes `references` away from the image, and the image with the last of its names. False if a container needs it. */
export async function removeImage(docker: Docker, id: string, references: readonly string[]): Promise<boolean> {
  try {
    const info = await docker.getImage(id).inspect()
    const own = new Set(references.map(familiarName))
    const tags = info.RepoTags ?? []
    const ours = tags.filter(tag => own.has(familiarName(tag)))
    const names = ours.length === tags.length && tags.length <= 1 ? [id] : ours
    for (const name of names) await docker.getImage(name).remove()
    return true
  } catch (error) {
    if (statusOf(error) === 404) return true
    if (statusOf(error) === 409) return false
    throw engineError(error)
  }
}
