// How benchmarks come in at the HTTP API of the server that they start.

export const benchToken = 'a-token-for-benchmarks'

/** Asks the API at a URL, as an admin. */
export function ask(url: string, init: RequestInit = {}): Promise<Response> {
  return fetch(url, {
    ...init,
    headers: { authorization: `Bearer ${benchToken}`, ...(init.headers as Record<string, string> | undefined) },
  })
}
