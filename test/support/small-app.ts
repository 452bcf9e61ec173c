// Apps of one service, as compose files.
import { ensureTestImage } from './busybox.js'

interface Saying {
  readonly image?: string
  readonly network?: 'none' | 'host'
}

/** Says a word and stays. */
export function sayingApp(word: string, { image = ensureTestImage(), network = 'none' }: Saying = {}): string {
  return `services:
  main:
    image: ${image}
    command: ["sh", "-c", "echo ${word}; exec sleep 100000"]
    stop_signal: SIGKILL
    network_mode: ${network}
`
}

export function sleepingApp(seconds: number): string {
  return `services:
  main:
    image: ${ensureTestImage()}
    command: sleep ${seconds}
    stop_grace_period: 0s
    network_mode: none
`
}
