import { fetchOnce, type Get, type Received } from './http.ts'
import { insist } from './insist.ts'
import { notAHub } from './tree.ts'

/** A small answer, whole. */
export type Small = { readonly body: Buffer; readonly headers: Received['headers'] }

/** All of a small body. */
export const collect = async (chunks: AsyncIterable<Buffer>): Promise<Buffer> => {
  const parts: Buffer[] = []
  for await (const chunk of chunks) parts.push(chunk)
  return Buffer.concat(parts)
}

/** Asks until there is an answer or patience is over. `get` is made anew for each try, since a signed address expires. Throws a Failure or an AbortError. */
export const askInsisting = async (get: Omit<Get, 'url'>, url: () => string | Promise<string>): Promise<Small> => {
  const patience = insist(get.transfer, get.signal)
  for (;;) {
    try {
      const { headers, chunks } = await fetchOnce({ ...get, url: await url() })
      return { body: await collect(chunks), headers }
    } catch (error) {
      await patience.failed(error)
    }
  }
}

/** The value of a JSON answer. Throws a Failure (78) for what is none. */
export const parseAnswer = ({ body }: Small, { hub }: Get['asked']): unknown => {
  try {
    return JSON.parse(body.toString())
  } catch {
    throw notAHub(hub, 'it is no JSON')
  }
}
