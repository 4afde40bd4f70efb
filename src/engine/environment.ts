/** Who runs the engine, as far as its home matters. */
export type Account = { readonly name?: string; readonly homeWritable: boolean; readonly fallbackHome: string }

/** Names that never reach the engine: ours, Node's, npm's, and the keys to places that it need not enter once the model is there. */
const dropped =
  /^(?:AIM_(?!SIMULATOR_).*|NODE_.*|npm_.*|HF_TOKEN(?:_PATH)?|HUGGING_FACE_HUB_TOKEN|HF_TOKEN_FILE|MODELSCOPE_(?:API_)?TOKEN(?:_FILE)?|AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|CONTAINER_AUTHORIZATION_TOKEN).*|VLLM_KEEP_ALIVE_ON_ENGINE_DEATH|VLLM_SERVER_DEV_MODE)$/

/** What Kubernetes injects for a Service named `vllm` or `vllm-*`; vLLM reads VLLM_PORT as a number and fails. */
const serviceLink = /^VLLM_(?:.*_)?(?:SERVICE_HOST|SERVICE_PORT(?:_.*)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_.*)?)$/

/** `VLLM_PORT` and `VLLM_..._PORT` are also settings of vLLM, so there the value tells: a link is a URI. */
const isServiceLink = (name: string, value: string): boolean =>
  serviceLink.test(name) || (/^VLLM_(?:.*_)?PORT$/.test(name) && /^(?:tcp|udp|sctp):\/\//.test(value))

/** The container's variables that may reach an engine: without ours, Node's, secrets that it need not have, and service links. */
export const passedOn = (parent: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(parent).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !dropped.test(entry[0]) && !isServiceLink(entry[0], entry[1]),
    ),
  )

/**
 * The environment an engine starts with: what is passed on, a home that can be written to for a uid without a passwd entry (Python asks
 * for both), then what the plan set.
 */
export const engineEnvironment = (
  parent: Readonly<Record<string, string | undefined>>,
  account: Account,
  planned: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> => ({ ...passedOn(parent), ...home(parent, account), ...planned })

const home = (parent: Readonly<Record<string, string | undefined>>, account: Account): Readonly<Record<string, string>> => ({
  ...(account.homeWritable ? {} : { HOME: account.fallbackHome }),
  ...(account.homeWritable || parent.XDG_CACHE_HOME !== undefined ? {} : { XDG_CACHE_HOME: `${account.fallbackHome}/.cache` }),
  ...(account.name === undefined && parent.USER === undefined ? { USER: 'aim', LOGNAME: 'aim' } : {}),
})
