import { exitCodes } from '../std/exit-codes.ts'
import type { Rule, Seen } from './errors.ts'
import { headerOf, isTransient } from './retry.ts'
import { elementOf } from './xml.ts'

const isSigned = ({ url }: Seen): boolean => url.searchParams.has('X-Amz-Signature')

const regionOf = ({ headers, body }: Seen): string | undefined => headerOf(headers, 'x-amz-bucket-region') ?? elementOf(body, 'Region')

/** Statuses and codes of S3 to meanings, first match wins; the codes of its API reference, "Error responses". A HEAD has no code. */
export const bucketRules: readonly Rule[] = [
  {
    when: ({ code }) => code === 'NoSuchBucket',
    exitCode: exitCodes.config,
    because: () => 'there is no such bucket there',
    fix: () => 'check the spelling, and that AWS_ENDPOINT_URL_S3 names the store that has it',
  },
  {
    when: ({ status }) => status === 412,
    exitCode: exitCodes.temporary,
    because: () => 'it was changed after it was listed',
    fix: () => 'try again when nobody writes there: all is listed anew, and what did not change is not fetched again',
  },
  {
    when: ({ code }) => code === 'RequestTimeTooSkewed',
    exitCode: exitCodes.config,
    because: () => "this machine's clock is off by more than a quarter of an hour",
    fix: () => 'set the clock',
  },
  {
    when: ({ code, status }) => status === 301 || code === 'PermanentRedirect' || code === 'AuthorizationHeaderMalformed',
    exitCode: exitCodes.config,
    because: () => 'the bucket is in another region',
    fix: (_, seen) => `set AWS_REGION${regionOf(seen) === undefined ? " to the bucket's" : `=${regionOf(seen)}`}`,
  },
  {
    // The signature of an address has an end, and so have credentials; a new address is signed with those of then.
    when: ({ code, message }) => code === 'ExpiredToken' || /request has expired/i.test(message),
    exitCode: exitCodes.permission,
    transient: true,
    because: () => 'the credentials have expired',
    fix: () => 'get new ones, or let the pod have a role',
  },
  {
    when: ({ code }) => code === 'InvalidAccessKeyId' || code === 'InvalidToken',
    exitCode: exitCodes.permission,
    because: () => 'the store does not know the access key',
    fix: () => 'check AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN, or AWS_PROFILE, and that AWS_ENDPOINT_URL_S3 names the store they are for',
  },
  {
    when: ({ code }) => code === 'SignatureDoesNotMatch',
    exitCode: exitCodes.permission,
    because: () => 'the secret key is not the one of the access key',
    fix: () => 'check AWS_SECRET_ACCESS_KEY; behind a proxy, that it changes neither host nor path',
  },
  {
    when: ({ code }) => code === 'InvalidObjectState',
    exitCode: exitCodes.config,
    because: () => 'it is archived (a Glacier storage class)',
    fix: () => 'restore it first, or keep models in a class that can be read at once',
  },
  {
    when: ({ status }) => status === 401 || status === 403,
    exitCode: exitCodes.permission,
    because: (_, seen) =>
      isSigned(seen)
        ? 'the credentials that were found do not permit it'
        : 'no AWS credentials were found, and the bucket is not open to everybody',
    fix: (_, seen) =>
      isSigned(seen)
        ? 'allow s3:ListBucket on the bucket and s3:GetObject on what is below the prefix; for KMS keys kms:Decrypt too'
        : 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, mount a profile, or give the service account a role (IRSA, EKS Pod Identity)',
  },
  {
    when: ({ status }) => isTransient(status),
    exitCode: exitCodes.temporary,
    because: () => 'the store is not available now, or wants fewer requests',
    fix: () => 'try again',
  },
  {
    when: ({ status }) => status === 404,
    exitCode: exitCodes.temporary,
    because: () => 'it is not there (any more)',
    fix: () => 'check the bucket and the prefix, and try again when nobody deletes there',
  },
]
