import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endpointOf, fileUrl, nextPage, revisionUrl, treeUrl } from '../../src/cache/addresses.ts'
import { exitCodes } from '../../src/std/exit-codes.ts'

const commit = '0'.repeat(40)
const hub = { endpoint: 'https://artifacts.example/api/hf/' }

test('addresses keep the path of a mirror and escape what came from elsewhere', () => {
  const base = 'https://artifacts.example/api/hf'
  assert.equal(revisionUrl(hub, 'org/m', 'refs/pr/1'), `${base}/api/models/org/m/revision/refs%2Fpr%2F1`)
  assert.equal(treeUrl(hub, 'org/m', commit), `${base}/api/models/org/m/tree/${commit}?recursive=true&expand=false`)
  assert.equal(fileUrl(hub, { repo: 'org/m', commit, files: [] }, 'a b/c#d?.json'), `${base}/org/m/resolve/${commit}/a%20b/c%23d%3F.json`)
})

test('nextPage() stays on the endpoint whatever host the link names', () => {
  const cases = [
    { link: undefined, endpoint: 'https://hub.example', next: undefined },
    { link: '<https://hub.example/x?c=1>; rel="prev"', endpoint: 'https://hub.example', next: undefined },
    {
      link: '<https://hub.example/api/t?a=1&cursor=2>; rel="next"',
      endpoint: 'https://hub.example',
      next: 'https://hub.example/api/t?a=1&cursor=2',
    },
    { link: '<https://huggingface.co/api/t?cursor=2>; rel="next"', endpoint: 'http://mirror:81', next: 'http://mirror:81/api/t?cursor=2' },
    {
      link: '<https://huggingface.co/api/t?cursor=2>; rel="next"',
      endpoint: 'https://m.example/hf/',
      next: 'https://m.example/hf/api/t?cursor=2',
    },
    {
      link: '<https://m.example/hf/api/t?cursor=2>; rel="next"',
      endpoint: 'https://m.example/hf',
      next: 'https://m.example/hf/api/t?cursor=2',
    },
    {
      link: '</a?b>; rel="first", </api/t?cursor=2>; rel=next',
      endpoint: 'https://hub.example',
      next: 'https://hub.example/api/t?cursor=2',
    },
  ]
  for (const { link, endpoint, next } of cases) assert.equal(nextPage(link, endpoint), next, `${link}`)
})

test('endpointOf() refuses what is no http address, and shows no password', () => {
  const config = { name: 'Failure', exitCode: exitCodes.config }
  for (const endpoint of ['', 'huggingface.co', 'ftp://x', 'file:///etc']) assert.throws(() => endpointOf({ endpoint }), config, endpoint)
  assert.throws(
    () => endpointOf({ endpoint: 'https://me:hunter2@hub.example' }),
    (error: Error) => !error.message.includes('hunter2'),
  )
})
