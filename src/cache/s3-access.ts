/** Edge: AWS's credentials and configuration, by its own libraries, which are loaded when a model of S3 is asked for. */
import { Agent } from 'node:https'
import { exitCodes } from '../std/exit-codes.ts'
import { describeError, Failure } from '../std/failure.ts'
import { errorCode } from './connection-errors.ts'
import type { Store } from './s3-address.ts'

/** Signs addresses: as who the environment says, or not at all when it says nothing. */
export type Access = {
  /** An address that gives what `url` would to who has the credentials, for an hour; the headers must be sent as they are here. */
  readonly sign: (url: string, region: string, request?: SignedRequest) => Promise<string>
}

/** What a signature covers beside the address: GET and no headers when left out. */
export type SignedRequest = { readonly method: 'HEAD'; readonly headers: Readonly<Record<string, string>> }

const signatureSeconds = 3600
/** Amazon's own default, and what other stores call theirs. */
const defaultRegion = 'us-east-1'

type Identity = { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }

const cannot = (error: unknown): Failure => {
  const reached = errorCode(error)
  const temporary = reached !== undefined && /^E[A-Z]+$/.test(reached) && reached !== 'ENOENT' && reached !== 'EACCES'
  return new Failure(`cannot get AWS credentials: ${describeError(error).split('\n')[0]}`, {
    exitCode: temporary ? exitCodes.temporary : exitCodes.permission,
    fix: 'check the role and its trust policy, the token file and AWS_PROFILE; `aws sts get-caller-identity` in the pod asks the same way',
    cause: error,
  })
}

const isNobody = (error: unknown): boolean =>
  error instanceof Error &&
  error.name === 'CredentialsProviderError' &&
  /could not load credentials from any providers/i.test(error.message)

/** Credentials for as long as they are good, anew after that; undefined where nobody gives any. */
const identify = async (): Promise<() => Promise<Identity | undefined>> => {
  const { defaultProvider } = await import('@aws-sdk/credential-provider-node')
  // STS is asked through the proxy, as all else is; the machine's own addresses never are.
  const provider = defaultProvider({ clientConfig: { requestHandler: { httpsAgent: new Agent({ proxyEnv: process.env }) } } })
  return () =>
    provider().catch((error: unknown) => {
      if (isNobody(error)) return undefined
      throw cannot(error)
    })
}

/** Where the store is, as the environment and AWS's shared configuration files say it. */
export const configuredStore = async (): Promise<Store> => {
  const [{ loadConfig, NODE_REGION_CONFIG_OPTIONS, NODE_REGION_CONFIG_FILE_OPTIONS }, { getEndpointUrlConfig }] = await Promise.all([
    import('@smithy/core/config'),
    import('./s3-endpoint.ts'),
  ])
  const [region, endpoint] = await Promise.all([
    loadConfig(NODE_REGION_CONFIG_OPTIONS, NODE_REGION_CONFIG_FILE_OPTIONS)().catch(() => undefined),
    loadConfig<string | undefined>(getEndpointUrlConfig)(),
  ])
  return { region: region || process.env.AWS_DEFAULT_REGION || defaultRegion, ...(endpoint && { endpoint }) }
}

/** Finds out who asks. */
export const openAccess = async (): Promise<Access> => {
  const [{ AwsV4Signer }, identity] = await Promise.all([import('aws4fetch'), identify()])
  return {
    sign: async (url, region, request) => {
      const who = await identity()
      if (who === undefined) return url
      const limited = new URL(url)
      limited.searchParams.set('X-Amz-Expires', String(signatureSeconds))
      const { accessKeyId, secretAccessKey, sessionToken } = who
      const keys = { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) }
      const signed = await new AwsV4Signer({ ...request, ...keys, url: limited.href, service: 's3', region, signQuery: true }).sign()
      return signed.url.href
    },
  }
}
