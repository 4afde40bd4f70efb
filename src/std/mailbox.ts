/**
 * A queue with one reader: everybody may `post`, and `handle` is called for one message at a time, in order, never re-entered.
 * A message posted while another is handled waits its turn.
 */
export type Mailbox<T> = { readonly post: (message: T) => void }

/** Makes a mailbox whose messages go to `handle`. */
export const createMailbox = <T>(handle: (message: T) => void): Mailbox<T> => {
  const queue: T[] = []
  let busy = false
  const drain = (): void => {
    busy = true
    try {
      for (let message = queue.shift(); message !== undefined; message = queue.shift()) handle(message)
    } finally {
      busy = false
    }
  }
  return {
    post: (message) => {
      queue.push(message)
      if (!busy) drain()
    },
  }
}
