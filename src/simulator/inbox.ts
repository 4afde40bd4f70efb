import type { EngineSettings, ToCore } from './protocol.ts'

/** What has come in while a step ran, and a way to wait for it: the core looks at it between steps only, as the real one does. */
export type Inbox = { readonly take: () => readonly ToCore[]; readonly arrived: () => Promise<void>; readonly wake: () => void }

/** Collects what the API server sends. Edge: the channel to the parent process. */
export const openInbox = (): Inbox => {
  let messages: ToCore[] = []
  let notify = (): void => undefined
  process.on('message', (message) => {
    messages.push(message as ToCore)
    notify()
  })
  return {
    take: () => {
      const taken = messages
      messages = []
      return taken
    },
    arrived: () =>
      new Promise((resolve) => {
        notify = resolve
        if (messages.length > 0) resolve()
      }),
    wake: () => notify(),
  }
}

/** The settings, which are the first message. */
export const startSettings = async (inbox: Inbox): Promise<EngineSettings> => {
  await inbox.arrived()
  const start = inbox.take().find((message) => message.type === 'start')
  if (start === undefined) throw new Error('the first message to the core was not start')
  return start.settings
}
