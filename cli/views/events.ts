// Events as people read them: one line each, in a list and as they come.
import type { FleetEvent } from '../api/fleet.js'
import { type Colour, type Column, clean, type Paint } from '../table.js'

export const eventColumns: readonly Column<FleetEvent>[] = [
  { title: 'ID', cell: event => String(event.id) },
  { title: 'AT', cell: event => event.at },
  { title: 'TYPE', cell: event => event.type, colour: eventColour },
  { title: 'MESSAGE', cell: event => event.message },
  { title: 'DEVICE', cell: event => event.device ?? '', wide: true },
  { title: 'GROUP', cell: event => event.group ?? '', wide: true },
  { title: 'APP', cell: event => event.app ?? '', wide: true },
]

function eventColour(event: FleetEvent): Colour | undefined {
  if (event.type === 'device.ready') return 'green'
  if (event.type === 'device.not-ready') return 'red'
  if (event.type !== 'app.state') return undefined
  const state = event.data.state
  return state === 'running' ? 'green' : state === 'failed' || state === 'rolled-back' ? 'red' : undefined
}

export function formatEvent(event: FleetEvent, paint: Paint): string {
  const type = event.type.padEnd(16)
  const colour = eventColour(event)
  return `${paint('dim', event.at)}  ${colour === undefined ? type : paint(colour, type)}  ${clean(event.message)}`
}
