import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explainConnection, explainStorage } from '../../src/cache/connection-errors.ts'
import { exitCodes } from '../../src/std/exit-codes.ts'
import { Failure } from '../../src/std/failure.ts'

const asked = { hub: { endpoint: 'https://hub.example', token: 'hf_secret' }, repo: 'org/m' }
const coded = (code: string, message = 'words', more = {}): Error => Object.assign(new Error(message), { code, ...more })

test('explainConnection() tries again for all but distrust, and says what to look at', () => {
  const cases = [
    { error: coded('ECONNREFUSED'), exitCode: exitCodes.temporary, transient: true, says: /nothing listens there \(ECONNREFUSED\)/ },
    { error: coded('ENOTFOUND'), exitCode: exitCodes.temporary, transient: true, says: /name is not known/ },
    { error: coded('UND_ERR_BODY_TIMEOUT'), exitCode: exitCodes.temporary, transient: true, says: /stopped coming/ },
    { error: coded('HPE_INVALID_CONSTANT', 'Expected HTTP/'), exitCode: exitCodes.temporary, transient: true, says: /Expected HTTP\// },
    { error: new Error('odd'), exitCode: exitCodes.temporary, transient: true, says: /odd/ },
    { error: coded('CERT_HAS_EXPIRED'), exitCode: exitCodes.config, transient: false, says: /certificate is not trusted/ },
    { error: coded('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), exitCode: exitCodes.config, transient: false, says: /certificate/ },
    {
      error: coded('UND_ERR_ABORTED', 'Proxy response (407) !== 200 when HTTP Tunneling'),
      exitCode: exitCodes.permission,
      transient: false,
      says: /proxy wants/,
    },
    {
      error: coded('UND_ERR_INVALID_ARG', 'invalid authorization header'),
      exitCode: exitCodes.config,
      transient: false,
      says: /cannot be made/,
    },
  ]
  for (const { error, exitCode, transient, says } of cases) {
    const trouble = explainConnection(error, 'hub.example', asked)
    assert.deepEqual([trouble.failure.exitCode, trouble.transient], [exitCode, transient], error.message)
    assert.match(trouble.failure.message, says)
    assert.notEqual(trouble.failure.fix, undefined)
  }
})

test('explainStorage() words what a volume refuses, with exit code 74', () => {
  for (const code of ['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'ENOTSUP', 'EIO', 'ESTALE', 'ENOTDIR']) {
    const failure = explainStorage(coded(code, 'words', { syscall: 'write' }), "store 'org/m' in /cache")
    assert.ok(failure instanceof Failure)
    assert.equal(failure.exitCode, exitCodes.storage)
    assert.match(failure.message, new RegExp(`^cannot store 'org/m' in /cache: .*\\(${code}\\)$`))
    assert.notEqual(failure.fix, undefined)
  }
})

test('explainStorage() leaves failures and bugs as they are', () => {
  for (const error of [new Failure('x', { exitCode: exitCodes.temporary }), new TypeError('bug'), 'text'])
    assert.equal(explainStorage(error, 'x'), error)
})
