// Hands each published message to the subscribers that match. It waits for none of them.
import { FilterTree } from './store/filters.js'

type Notify<T> = (message: T, done: () => void) => void
type Callback = (error?: Error) => void

const ignore = (): void => {}

/**
 * Takes the place of mqemitter in Aedes. mqemitter waits for every subscriber before it lets the publisher go on, queues
 * meanwhile, and recurses through that queue until the stack ends. Here a slow subscriber holds up nobody: what waits for
 * it is counted and bounded where it waits, in its own connection.
 */
export class Fanout<T extends { readonly topic: string }> {
  readonly #tree = new FilterTree<Notify<T>>()
  #closed = false

  on(filter: string, notify: Notify<T>, done: Callback = ignore): this {
    this.#tree.add(filter, notify)
    done()
    return this
  }

  removeListener(filter: string, notify: Notify<T>, done: Callback = ignore): this {
    this.#tree.remove(filter, notify)
    done()
    return this
  }

  removeAllListeners(filter: string, done: Callback = ignore): this {
    this.#tree.removeAll(filter)
    done()
    return this
  }

  emit(message: T, done: Callback = ignore): this {
    if (!this.#closed) for (const notify of this.#tree.match(message.topic)) notify(message, ignore)
    done()
    return this
  }

  close(done: Callback = ignore): this {
    this.#closed = true
    setImmediate(done)
    return this
  }
}
