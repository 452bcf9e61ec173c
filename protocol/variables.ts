// The variables that a device gives to the compose files of its apps. Their names begin with `SKERRY_`, and nobody else may set such.

const prefix = 'SKERRY_'

type Variables = Readonly<Record<string, string>>

export function isReserved(name: string): boolean {
  return name.startsWith(prefix)
}

export interface AppOnDevice {
  readonly app: string
  /** The group that the app comes from; absent if it is the device's own. */
  readonly group?: string | undefined
  readonly device: { readonly id: string; readonly name: string }
  /** From the device's manifest; see {@link manifestVariables}. */
  readonly given: readonly { readonly name: string; readonly value: string }[]
}

/** What a compose file sees on a device. `SKERRY_GROUP` is empty for the device's own apps. */
export function deviceVariables({ app, group = '', device, given }: AppOnDevice): Variables {
  return {
    SKERRY_DEVICE_NAME: device.name,
    ...Object.fromEntries(given.map(({ name, value }) => [`${prefix}${name}`, value])),
    SKERRY_DEVICE_ID: device.id,
    SKERRY_APP: app,
    SKERRY_GROUP: group,
  }
}

/** As many as a manifest may have. */
const maxVariables = 256

/**
 * What a device's manifest says of its name, if a user gave it one, and of its labels; the prefix does not travel.
 * Of labels that come to the same name, the first by name counts.
 */
export function manifestVariables(name: string | null, labels: Variables): readonly { readonly name: string; readonly value: string }[] {
  const variables = new Map(name === null ? [] : [['DEVICE_NAME', name]])
  for (const label of Object.keys(labels).sort()) {
    const key = `LABEL_${label.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`
    if (!variables.has(key)) variables.set(key, labels[label] ?? '')
  }
  return [...variables].slice(0, maxVariables).map(([key, value]) => ({ name: key, value }))
}

const labelNames = /SKERRY_LABEL_[A-Z0-9_]+/g

/** Values that a file can be checked with before any device is known: every label that the texts name is a number. */
export function sampleVariables(app: string, texts: Iterable<string>, device = 'device'): Variables {
  const labels = [...texts].flatMap(text => text.match(labelNames) ?? [])
  const given = [...new Set(labels)].map(name => ({ name: name.slice(prefix.length), value: device === 'device' ? '1' : '2' }))
  return deviceVariables({ app, group: 'group', device: { id: device, name: device }, given })
}
