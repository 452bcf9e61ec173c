// Fills in the variables of a compose file.
import { type Item, isList, isMap, type Report, type Variables } from './item.js'
import { fillTemplate, type TemplateScope, Unfillable } from './template.js'

/** Fills in the variables of every value of a file, in place; keys and the file's own extensions stay as they are. */
export function interpolate(root: Item, report: Report, environment: Variables): void {
  if (!isMap(root.value)) return
  for (const [key, section] of root.value) if (!key.startsWith('x-')) fill(section, report, environment)
}

function fill(item: Item, report: Report, environment: Variables): void {
  const { value } = item
  if (isMap(value)) for (const entry of value.values()) fill(entry, report, environment)
  else if (isList(value)) for (const entry of value) fill(entry, report, environment)
  else if (typeof value === 'string' && value.includes('$')) item.value = fillText(value, item, report, environment)
}

function fillText(text: string, item: Item, report: Report, environment: Variables): string {
  const scope: TemplateScope = {
    valueOf: name => report.variable(name, environment),
    unset: name => report.warnUnset(item, name),
    take: characters => report.take('characters', characters),
  }
  try {
    return fillTemplate(text, scope)
  } catch (error) {
    if (!(error instanceof Unfillable)) throw error
    report.refuse(item, error.code, error.message)
    return ''
  }
}
