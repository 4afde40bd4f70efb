import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'

/** A Kubernetes object as far as the tests look into one. */
export type KubeObject = {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly [key: string]: unknown }
  readonly data?: Readonly<Record<string, string>>
  readonly spec?: { readonly template?: { readonly spec: PodSpec }; readonly [key: string]: unknown }
  readonly [key: string]: unknown
}

/** A pod's specification; the first container is ours. */
export type PodSpec = {
  readonly containers: readonly { readonly image: string; readonly [key: string]: unknown }[]
  readonly [key: string]: unknown
}

/** Where the shipped manifest lies. */
export const manifestPath = join(import.meta.dirname, '../../docker/kubernetes/aim.yaml')

/** The shipped manifest's objects as they are. */
export const shipped = (): readonly KubeObject[] =>
  parseAllDocuments(readFileSync(manifestPath, 'utf8')).map((document) => document.toJS() as KubeObject)

/** What has to be another on a machine without an image registry and without a hub: the image, and the configuration. */
export type Changes = { readonly image: string; readonly data: Readonly<Record<string, string>> }

/** The shipped pod with our image, which cannot be pulled. */
export const podSpec = (spec: PodSpec, image: string): PodSpec => {
  const [own, ...others] = spec.containers
  return { ...spec, containers: [{ ...own, image, imagePullPolicy: 'Never' }, ...others] }
}

/** The shipped objects with these changes and no other. */
export const transformed = ({ image, data }: Changes): readonly KubeObject[] =>
  shipped().map((object) => {
    const { spec } = object
    if (object.kind === 'ConfigMap') return { ...object, data: { ...object.data, ...data } }
    if (spec?.template === undefined) return object
    return { ...object, spec: { ...spec, template: { ...spec.template, spec: podSpec(spec.template.spec, image) } } }
  })

/** The shipped Deployment's pod alone, with variables of its own, never restarted: for ends that a Deployment would begin anew. */
export const lonePod = (name: string, image: string, environment: Readonly<Record<string, string>>): KubeObject => {
  const spec = shipped().find(({ kind }) => kind === 'Deployment')?.spec?.template?.spec
  if (spec === undefined) throw new Error(`no Deployment in ${manifestPath}`)
  const { containers, ...rest } = podSpec(spec, image)
  const [own, ...others] = containers
  const env = Object.entries(environment).map(([key, value]) => ({ name: key, value }))
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { ...rest, restartPolicy: 'Never', containers: [{ ...own, env, resources: {} }, ...others] },
  }
}
