// What `skerry up` says when everything runs, and when it has stopped. Pure.
import type { ExampleState } from '../example/deploy.js'
import { formatFields } from '../table.js'

type CommandLine = (args: string) => string

export interface UpView {
  readonly server: { readonly url: string; readonly mqttUrls: readonly string[] }
  /** Absent if there is no example, or if it does not run. */
  readonly state: ExampleState | undefined
  readonly appUrl: string | undefined
  readonly command: CommandLine
}

export function formatUp({ server, state, appUrl, command }: UpView): string {
  const fields = formatFields({
    Device: state === undefined ? undefined : `${state.device.name} (${state.device.id}) is ${state.device.state}`,
    App:
      state === undefined
        ? undefined
        : `${state.app.name} is ${state.app.state}, revision ${state.app.revision}${appUrl === undefined ? '' : `: ${appUrl}`}`,
    API: `${server.url}/api/v1`,
    MQTT: server.mqttUrls.join(', '),
  })
  const tries = ['get devices', state === undefined ? 'get events' : `describe app ${state.app.name}`, 'watch'].map(
    args => `  ${command(args)}`,
  )
  return `\n${fields}\n\nTry next, in another terminal:\n${tries.join('\n')}\n\nCtrl-C stops Skerry; apps keep running.`
}

/** Said once: nothing but its hash is kept. */
export function formatFirstPassword(password: string): string {
  return `The first user is admin, with the one-time password ${password} (not shown again; the first log-in replaces it)`
}

export interface FarewellView {
  /** The app that keeps running. */
  readonly app: string | undefined
  readonly appUrl: string | undefined
  readonly data: string
  readonly command: CommandLine
}

export function formatFarewell({ app, appUrl, data, command }: FarewellView): string {
  const kept = `Skerry has stopped. What it knows is kept in ${data}.`
  if (app === undefined) return kept
  return `${kept}\nApp ${app} keeps running${appUrl === undefined ? '' : ` at ${appUrl}`}; to remove it: ${command(`agent remove -p ${app}`)}`
}
