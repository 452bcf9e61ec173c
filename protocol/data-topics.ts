// Topics for the values of programs: whatever they tell each other about a device or a group. Skerry keeps them and acts on none.

const word = 'data'

/** Of one value. */
export const maxDataBytes = 64 * 1024

/** The filter that matches every value. */
export function everyData(root: string): string {
  return `${root}/${word}/#`
}

export function isDataTopic(root: string, name: string): boolean {
  return name.startsWith(`${root}/${word}/`)
}

/** Whether it is a value's, and larger than one may be. */
export function isTooLargeData(root: string, name: string, payload: { readonly length: number }): boolean {
  return payload.length > maxDataBytes && isDataTopic(root, name)
}
