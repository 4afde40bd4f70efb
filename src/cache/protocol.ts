import type { Hub, HubKind } from './types.ts'

type Words = { readonly name: string; readonly endpoint: string }

const words: { readonly [K in HubKind]: Words } = {
  huggingface: { name: 'a Hugging Face Hub', endpoint: 'HF_ENDPOINT' },
  modelscope: { name: 'a ModelScope server', endpoint: 'MODELSCOPE_ENDPOINT' },
  s3: { name: 'an S3 endpoint', endpoint: 'AWS_ENDPOINT_URL_S3' },
}

/** What a hub should be, for messages. */
export const protocolName = ({ kind = 'huggingface' }: Hub): string => words[kind].name

/** The variable that says where it is. */
export const endpointVariable = ({ kind = 'huggingface' }: Hub): string => words[kind].endpoint

/** Headers by which a hub knows who asks. Secrets: only for the hub itself. */
export const credentialsOf = ({ kind, token }: Hub): Readonly<Record<string, string>> => {
  if (token === undefined) return {}
  // ModelScope's file addresses look at the cookie, its other ones at either.
  return { authorization: `Bearer ${token}`, ...(kind === 'modelscope' && { cookie: `m_session_id=${token}` }) }
}
