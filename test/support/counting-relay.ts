// A relay that keeps what passes: the bytes of each direction, of all connections.
import { connect, createServer, type Socket } from 'node:net'

export interface CountingRelay {
  readonly port: number
  /** Of each connection in turn, what the client sent. */
  readonly sent: Buffer[][]
  passed(): { readonly sent: number; readonly received: number }
  /** Ends what is open, in order: what was sent before arrives. */
  cut(): void
  close(): Promise<void>
}

/** Listens on a free loopback port, and passes on to another. */
export async function startCountingRelay(targetPort: number): Promise<CountingRelay> {
  const sent: Buffer[][] = []
  let received = 0
  const ends = new Set<{ near: Socket; far: Socket }>()
  const server = createServer(near => {
    const chunks: Buffer[] = []
    sent.push(chunks)
    const far = connect({ port: targetPort, host: '127.0.0.1', noDelay: true })
    const pair = { near, far }
    ends.add(pair)
    near.setNoDelay()
    near.on('data', (chunk: Buffer) => chunks.push(chunk))
    far.on('data', (chunk: Buffer) => {
      if (!near.writableEnded) received += chunk.length
    })
    near.pipe(far).pipe(near)
    for (const end of [near, far]) end.on('error', () => {})
    near.on('close', () => far.destroy())
    far.on('close', () => {
      ends.delete(pair)
      // What comes until the client has ended, too, has passed.
      near.resume()
      near.end()
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    sent,
    passed: () => ({ sent: sent.flat().reduce((sum, chunk) => sum + chunk.length, 0), received }),
    cut() {
      for (const { far } of ends) far.destroy()
    },
    close() {
      for (const { near, far } of ends) for (const end of [near, far]) end.destroy()
      return new Promise(resolve => server.close(() => resolve()))
    },
  }
}
