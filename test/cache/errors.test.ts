import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, type Asked, explainAnswer } from '../../src/cache/errors.ts'
import { exitCodes } from '../../src/std/exit-codes.ts'

const endpoint = 'https://hub.example'
const token = 'hf_secret'
const anonymous: Asked = { hub: { endpoint }, repo: 'org/m', revision: 'v9' }
const known: Asked = { hub: { endpoint, token }, repo: 'org/m', revision: 'v9' }
const onHub = new URL(`${endpoint}/org/m/resolve/v9/config.json`)
const onCdn = new URL('https://cdn.example/org/m?Signature=sealed')
const answer = (status: number, headers: Answer['headers'] = {}, body = '', url = onHub): Answer => ({ status, headers, body, url })

const cases: readonly { name: string; answer: Answer; asked?: Asked; exitCode: number; transient?: boolean; says: RegExp; fix: RegExp }[] =
  [
    {
      name: 'gated, anonymous',
      answer: answer(401, { 'x-error-code': 'GatedRepo' }),
      exitCode: exitCodes.permission,
      says: /gated: its terms/,
      fix: /accept the terms on https:\/\/hub\.example\/org\/m and set HF_TOKEN/,
    },
    {
      name: 'gated, with a token',
      answer: answer(403, { 'x-error-code': 'GatedRepo' }),
      asked: known,
      exitCode: exitCodes.permission,
      says: /gated/,
      fix: /the account that HF_TOKEN belongs to/,
    },
    {
      name: 'bad token',
      answer: answer(401, { 'x-error-message': 'Invalid credentials in Authorization header' }),
      asked: known,
      exitCode: exitCodes.permission,
      says: /does not know the token/,
      fix: /settings\/tokens/,
    },
    {
      name: 'missing, anonymous, by code',
      answer: answer(401, { 'x-error-code': 'RepoNotFound' }),
      exitCode: exitCodes.config,
      says: /does not exist, or it is private and no token was given/,
      fix: /spelling.*set HF_TOKEN to your token/,
    },
    {
      name: 'missing, anonymous, without code',
      answer: answer(401),
      exitCode: exitCodes.config,
      says: /does not exist, or it is private/,
      fix: /spelling/,
    },
    {
      name: 'missing, with a token',
      answer: answer(404, { 'x-error-code': 'RepoNotFound' }),
      asked: known,
      exitCode: exitCodes.config,
      says: /the token has no access/,
      fix: /a token that may read it/,
    },
    {
      name: 'no such revision',
      answer: answer(404, { 'x-error-code': 'RevisionNotFound' }),
      exitCode: exitCodes.config,
      says: /no revision 'v9'/,
      fix: /org\/m\/tree\/main/,
    },
    {
      name: 'no such file',
      answer: answer(404, { 'x-error-code': 'EntryNotFound' }),
      asked: { ...known, path: 'config.json' },
      exitCode: exitCodes.config,
      says: /'config\.json' of 'org\/m'.*holds no such file/,
      fix: /choose a revision/,
    },
    {
      name: 'disabled',
      answer: answer(403, { 'x-error-message': 'Access to this resource is disabled.' }),
      exitCode: exitCodes.permission,
      says: /has disabled the repository/,
      fix: /choose another model/,
    },
    {
      name: 'token without the right',
      answer: answer(403),
      asked: known,
      exitCode: exitCodes.permission,
      says: /does not permit/,
      fix: /HF_TOKEN the right/,
    },
    {
      name: 'rate limit, anonymous',
      answer: answer(429),
      exitCode: exitCodes.temporary,
      transient: true,
      says: /rate limit/,
      fix: /set HF_TOKEN/,
    },
    {
      name: 'rate limit, with a token',
      answer: answer(429),
      asked: known,
      exitCode: exitCodes.temporary,
      transient: true,
      says: /rate limit/,
      fix: /some minutes/,
    },
    {
      name: 'down',
      answer: answer(503, {}, '<html>'),
      exitCode: exitCodes.temporary,
      transient: true,
      says: /not available now/,
      fix: /try again/,
    },
    {
      name: 'gateway timeout',
      answer: answer(504),
      exitCode: exitCodes.temporary,
      transient: true,
      says: /not available now/,
      fix: /try again/,
    },
    {
      name: 'request timeout',
      answer: answer(408),
      exitCode: exitCodes.temporary,
      transient: true,
      says: /not available now/,
      fix: /try again/,
    },
    { name: 'not a hub', answer: answer(404), exitCode: exitCodes.config, says: /no such page/, fix: /HF_ENDPOINT/ },
    { name: 'anything else', answer: answer(418), exitCode: exitCodes.temporary, says: /not expected/, fix: /HF_ENDPOINT/ },
    {
      name: 'signature run out',
      answer: answer(403, {}, '', onCdn),
      exitCode: exitCodes.temporary,
      transient: true,
      says: /storage host/,
      fix: /proxy or firewall/,
    },
    {
      name: 'range refused',
      answer: answer(416, {}, '', onCdn),
      exitCode: exitCodes.temporary,
      transient: true,
      says: /storage host/,
      fix: /try again/,
    },
    { name: 'object gone', answer: answer(404, {}, '', onCdn), exitCode: exitCodes.temporary, says: /storage host/, fix: /try again/ },
  ]

for (const { name, answer: given, asked = anonymous, exitCode, transient = false, says, fix } of cases) {
  test(`explainAnswer(): ${name} ends with ${exitCode}${transient ? ' after more tries' : ''}`, () => {
    const trouble = explainAnswer(given, asked)
    assert.equal(trouble.failure.exitCode, exitCode)
    assert.equal(trouble.transient, transient)
    assert.match(trouble.failure.message, says)
    assert.match(trouble.failure.fix ?? '', fix)
  })
}

test('explainAnswer() quotes the server and the request id, in one printable line', () => {
  const headers = { 'x-error-code': 'RepoNotFound', 'x-request-id': 'Root=1-2', 'x-amz-cf-id': 'no' }
  const { failure } = explainAnswer(answer(404, headers, JSON.stringify({ error: 'gone\u001b[31m\nfor good' })), known)
  assert.match(failure.message, /\(hub\.example answered 404, RepoNotFound, "gone \[31m for good", request Root=1-2\)$/)
})

test('explainAnswer() reads the form of several errors, and cuts long words', () => {
  const body = JSON.stringify({ errors: [{ message: 'one' }, { message: 'x'.repeat(1000) }] })
  const { failure } = explainAnswer(answer(500, {}, body), known)
  assert.match(failure.message, /"one; x{195}"/)
})

test('explainAnswer() shows neither the token nor the signature of an address', () => {
  for (const { answer: given } of cases) {
    const { failure } = explainAnswer(given, known)
    assert.doesNotMatch(`${failure.message} ${failure.fix}`, /hf_secret|sealed/)
  }
})

test('explainAnswer() passes on how long to wait, for answers that pass', () => {
  assert.equal(explainAnswer(answer(429, { ratelimit: '"api";r=0;t=4' }), known).toldMs, 5000)
  assert.equal(explainAnswer(answer(503, { 'retry-after': '3' }), known).toldMs, 3000)
  assert.equal(explainAnswer(answer(403, { 'retry-after': '3' }), known).toldMs, undefined)
})
