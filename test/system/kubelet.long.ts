import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { goVersion } from '../cluster/install.ts'
import { lonePod, manifestPath, transformed } from '../cluster/manifest.ts'
import { apply, type Pod, processOf, readPod, readyPod, terminated, watchExitCodes } from '../cluster/pods.ts'
import { type Cluster, openCluster } from '../cluster/start.ts'
import { follows, watchProbes } from '../faults/probes.ts'
import { buildModel } from '../hub/model.ts'
import { startHub, type TestHub } from '../hub/server.ts'
import { chat, stream } from '../stage/chat.ts'
import { buildImage, image } from '../stage/docker.ts'
import { until } from '../stage/until.ts'

const go = await goVersion()
const skip = go === undefined ? 'no Go 1.24 or later on this machine, from whose modules Kubernetes is built' : false

const repo = 'aim-demo/tiny-llama'
const gated = 'aim-demo/gated'

describe('a real kubelet, and the manifest that we ship', { skip, concurrency: 3 }, () => {
  let cluster: Cluster
  let hub: TestHub
  let directory: string
  let variables: Readonly<Record<string, string>>
  before(async () => {
    await buildImage()
    directory = await mkdtemp(join(tmpdir(), 'aim-kubelet-'))
    const model = join(directory, 'model')
    await buildModel(model, { megabytes: 2, shards: 2 })
    hub = await startHub({ repos: { [repo]: { directory: model }, [gated]: { directory: model, gated: true } }, listen: '0.0.0.0' })
    cluster = await openCluster()
    await cluster.load(image)
    await mkdir(join(directory, 'volume'))
    await apply(cluster, [
      {
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { name: 'models' },
        spec: { capacity: { storage: '200Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: join(directory, 'volume') } },
      },
    ])
    // Everything but the Deployment: what pods of their own need, too. They name all that the test of the Deployment changes in its ConfigMap.
    await apply(
      cluster,
      transformed({ image, data: {} }).filter(({ kind }) => kind !== 'Deployment'),
    )
    variables = {
      AIM_ENGINE: 'simulator',
      AIM_MODEL_ID: repo,
      HF_ENDPOINT: `http://${cluster.host}:${new URL(hub.url).port}`,
      AIM_SIMULATOR_SPEED: '20',
    }
  })
  after(async () => {
    await cluster?.[Symbol.asyncDispose]()
    await hub?.close()
    await rm(directory, { recursive: true, force: true })
  })

  test('the shipped manifest is accepted as it is, strictly and without a warning', async () => {
    const said = await cluster.kubectl(['apply', '--dry-run=server', '--validate=strict', '--warnings-as-errors', '-f', manifestPath])
    assert.match(said, /deployment\.apps\/aim \w+ \(server dry run\)/)
  })

  const ends: readonly [name: string, variables: Readonly<Record<string, string>>, exitCode: number, message: RegExp][] = [
    ['bad-argument', { AIM_ENGINE_EXTRA_ARGS: '--no-such-flag 1' }, 78, /no-such-flag[\s\S]*\nfix: /],
    ['bad-environment', { AIM_PRECISION: 'fp12', AIM_RESTART: 'maybe' }, 78, /AIM_PRECISION[\s\S]*AIM_RESTART/],
    ['not-cached', { HF_HUB_OFFLINE: '1', HF_HUB_CACHE: '/tmp/empty' }, 78, /HF_HUB_OFFLINE/],
    ['gated', { AIM_MODEL_ID: gated }, 77, /HF_TOKEN/],
    ['hub-down', { HF_ENDPOINT: 'http://127.0.0.1:9', HF_HUB_CACHE: '/tmp/empty' }, 75, /127\.0\.0\.1:9/],
    ['core-dies', { AIM_RESTART: 'never', AIM_SIMULATOR_FAULT: 'core-dies' }, 1, /engine core died/],
    ['own-code', { AIM_RESTART: 'never', AIM_SIMULATOR_FAULT: 'exit-after-ready', AIM_SIMULATOR_EXIT_CODE: '7' }, 7, /\(the engine's\)/],
  ]
  test('exit codes and termination messages arrive in the status of the pod', async () => {
    await apply(
      cluster,
      ends.map(([name, more]) => lonePod(name, image, { ...variables, ...more })),
    )
    const seen = await Promise.all(ends.map(([name]) => terminated(cluster, name)))
    assert.deepEqual(
      seen.map(({ exitCode }, at) => [ends[at]?.[0], exitCode]),
      ends.map(([name, , exitCode]) => [name, exitCode]),
      seen.map(({ exitCode, message }) => `${exitCode}: ${message}`).join('\n'),
    )
    for (const [at, [, , , message]] of ends.entries()) assert.match(seen[at]?.message ?? '', message)
  })

  test('a slow load is not killed, a hang is restarted by us and not by the kubelet, deletion finishes an open stream', async () => {
    await cluster.kubectl(['patch', 'node', cluster.node, '--subresource=status', '--type=merge', '-p', gpu])
    // 50 s of load: longer than a liveness probe would wait (three times 10 s).
    const data = { ...variables, AIM_SIMULATOR_SPEED: '1.2', AIM_SIMULATOR_TOKEN_MS: '50', AIM_STALL_TIMEOUT: '5s' }
    await apply(cluster, transformed({ image, data }))
    const { metadata } = await until('a pod', async () => ((await cluster.read('get', 'pods', '-l', label)) as { items: Pod[] }).items[0])
    const address = await until('its address', async () => (await readPod(cluster, metadata.name)).status.podIP)
    const watch = watchProbes(`http://${address}:8080`)
    try {
      const pod = await readyPod(cluster, metadata.name)
      assert.equal(pod.status.containerStatuses?.[0]?.restartCount, 0)
      await until('its endpoint', async () => (await endpoints(cluster)).includes(true) || undefined)

      process.kill(await processOf(pod, 'VLLM::Engine'), 'SIGSTOP')
      const hung = chat(`http://${address}:8000`, repo).catch(() => undefined)
      await until('no endpoint', async () => !(await endpoints(cluster)).includes(true) || undefined, 120_000)
      await until(
        'a new engine, ready',
        async () => (watch.seen.restarts === 1 && watch.seen.answers.at(-1) === 'ready') || undefined,
        240_000,
      )
      await hung
      await until('its endpoint again', async () => (await endpoints(cluster)).includes(true) || undefined)
      assert.equal((await readPod(cluster, metadata.name)).status.containerStatuses?.[0]?.restartCount, 0)

      const codes = watchExitCodes(cluster, label)
      const streamed = await stream(
        `http://${address}:8000`,
        repo,
        200,
        () => void cluster.kubectl(['scale', 'deployment/aim', '--replicas=0']),
      )
      assert.deepEqual([streamed.tokens, streamed.done], [200, true])
      await watch.stop()
      await until(
        'the pod gone',
        async () => ((await cluster.read('get', 'pods', '-l', label)) as { items: Pod[] }).items.length === 0 || undefined,
        120_000,
      )
      assert.deepEqual(codes.stop(), ['0'])
    } finally {
      await watch.stop()
    }
    assert.ok(follows(watch.seen.answers, 'loading ready down ready down'), watch.seen.answers.join(' '))
  })

  test('where policy says only to report, a hang fails the liveness probe and the kubelet begins the container anew', async () => {
    const more = { AIM_STALL_ACTION: 'report', AIM_STALL_TIMEOUT: '2s', AIM_DRAIN_TIMEOUT: '1s', AIM_STOP_TIMEOUT: '1s' }
    const pod = lonePod('reports', image, { ...variables, ...more })
    await apply(cluster, [{ ...pod, spec: { ...pod.spec, restartPolicy: 'Always' } }])
    const ready = await readyPod(cluster, 'reports')
    process.kill(await processOf(ready, 'VLLM::Engine'), 'SIGSTOP')
    void chat(`http://${ready.status.podIP}:8000`, repo).catch(() => undefined)
    const again = await until(
      'a second container, ready',
      async () => {
        const status = (await readPod(cluster, 'reports')).status.containerStatuses?.[0]
        return status?.restartCount === 1 && status.ready ? status : undefined
      },
      240_000,
    )
    assert.equal(again.lastState.terminated?.exitCode, 0)
  })
})

const label = 'app.kubernetes.io/name=aim'

/** One GPU that nobody has: what the manifest asks for. */
const gpu = JSON.stringify({ status: { capacity: { 'amd.com/gpu': '1' }, allocatable: { 'amd.com/gpu': '1' } } })

/** Whether each endpoint of the Service takes traffic. */
const endpoints = async (cluster: Cluster): Promise<readonly boolean[]> => {
  const { items } = (await cluster.read('get', 'endpointslices', '-l', 'kubernetes.io/service-name=aim')) as {
    items: readonly { endpoints?: readonly { conditions: { ready?: boolean } }[] | null }[]
  }
  return items.flatMap((slice) => (slice.endpoints ?? []).map(({ conditions }) => conditions.ready === true))
}
