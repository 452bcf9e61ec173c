// Volumes that a project declares: what their drivers would mount.
import { quote } from '../../protocol/compose/item.js'
import type { Volume } from '../../protocol/compose/project.js'
import type { Refusal } from '../../protocol/errors.js'
import { checkDevice } from './permit-devices.js'
import { at, type Check, type Checks, checkAll, denyEntry, type Place } from './permit-parts.js'
import { boundDevice, checkBind } from './permit-paths.js'
import { checkText } from './permit-rights.js'

export const volumeChecks: Checks<Volume> = {
  name: 'volumes of other apps may be shared: they hold data, not rights',
  external: 'was made by someone else; see name',
  driver: {
    at: 'driver',
    rules: ['volume-drivers'],
    check: (text, place) => checkText('volume-drivers', { text, what: `the volume driver ${quote(text)}` }, place),
  },
  driverOpts: {
    at: 'driver_opts',
    rules: ['paths', 'nested-paths', 'docker', 'agent-data', 'volume-types', 'devices'],
    check: checkOptions,
  },
  labels: 'our own are written over them',
}

export const checkVolume: Check<Volume> = (volume, place) => {
  // The options of another driver mean what it makes of them.
  const isLocal = volume.driver === undefined || volume.driver === 'local'
  return checkAll(volumeChecks, isLocal ? volume : { ...volume, driverOpts: {} }, place)
}

/** The Engine's own driver mounts what it is told to, as root. */
function checkOptions(options: Readonly<Record<string, string>>, place: Place): Refusal[] {
  const { type = 'none', device = '', o } = options
  if (o === undefined && device === '' && options.type === undefined) return []
  const bound = boundDevice(options)
  if (bound !== undefined) return checkBind({ source: bound, readOnly: false }, at(place, '.device'))
  const types = place.policy['volume-types'].includes(type)
    ? []
    : [denyEntry(at(place, '.type'), 'volume-types', `a volume with the file system ${quote(type)} is not allowed`, type)]
  const isDisk = device.startsWith('/') && !/^(tmpfs|nfs4?|cifs)$/.test(type)
  return [...types, ...(isDisk ? checkDevice(device, at(place, '.device')) : [])]
}
