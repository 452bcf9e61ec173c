// Which images a device runs, and whether it builds any.
import { quote } from '../../protocol/compose/item.js'
import type { Build } from '../../protocol/compose/parts.js'
import type { Mount } from '../../protocol/compose/project.js'
import { imageName, matchesImage } from '../../protocol/images.js'
import { matchesText } from './glob.js'
import { hostPath } from './mounts.js'
import { at, type Check, type Checks, checkAll, denyEntry, denyFlag } from './permit-parts.js'
import { checkOwn } from './permit-paths.js'
import { checkNamespace } from './permit-sharing.js'

/** An id says nothing of where an image is from: it passes only where everything does. */
export const checkImage: Check<string> = (reference, place) => {
  const { images, registries } = place.policy
  const { full, registry } = imageName(reference)
  const isListed = images.some(pattern => matchesImage(pattern, reference)) || images.includes('**')
  const isKnown = registries.some(pattern => matchesText(pattern, registry))
  const from = registry === '' ? 'no known registry' : registry
  return [
    ...(isListed ? [] : [denyEntry(place, 'images', `the image ${quote(full)} is not allowed`, registry === '' ? '**' : full)]),
    ...(isKnown
      ? []
      : [denyEntry(place, 'registries', `the image ${quote(full)} comes from ${from}, which is not allowed`, registry || '*')]),
  ]
}

export const checkImageMounts: Check<readonly Mount[]> = (mounts, place) =>
  mounts.flatMap(mount => (mount.type === 'image' ? checkImage(mount.source, place) : []))

const building = 'concerns the inside of the image alone'

/** A build runs what its file says, in containers without further rights. */
export const buildChecks: Checks<Build> = {
  context: { at: 'context', rules: ['paths', 'nested-paths', 'docker', 'agent-data'], check: checkOwn },
  dockerfile: 'is looked at with its context',
  dockerfileInline: building,
  args: building,
  target: building,
  labels: 'our own are written over them',
  network: { at: 'network', rules: ['host-namespaces', 'containers'], check: checkNamespace('network') },
  extraHosts: building,
  cacheFrom: 'only what is on the device already is used',
  tags: { at: 'tags', rules: ['images', 'registries'], check: (tags, place) => tags.flatMap(tag => checkImage(tag, place)) },
  noCache: building,
  pull: building,
  platform: building,
  shmSizeBytes: building,
}

export const checkBuild: Check<Build> = (build, place) => [
  ...denyFlag(place, 'builds', 'nothing is built on this device'),
  ...checkAll(buildChecks, build, place),
  ...checkDockerfile(build, place),
]

const checkDockerfile: Check<Build> = ({ context, dockerfile }, place) => {
  if (dockerfile === undefined) return []
  return checkOwn(hostPath(dockerfile, hostPath(context, place.premises.folder)), at(place, '.dockerfile'))
}
