/** The settings of a throw-away cluster's parts, as text. */

/** The address range of the pods of one cluster and of its services. */
export const ranges = { pods: '10.123.0.0/24', gateway: '10.123.0.1', services: '10.124.0.0/24' } as const

/** One user for everything: a cluster that lives for minutes on the loopback. */
export const kubeconfig = (port: number, token: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server: `https://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'admin', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
  })

/** A kubelet for a small test machine: nothing is evicted because its disk is full of other things. */
export const kubeletConfiguration = (socket: string, directory: string, port: number): string =>
  JSON.stringify({
    kind: 'KubeletConfiguration',
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    address: '127.0.0.1',
    port,
    healthzPort: 0,
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    cgroupDriver: 'cgroupfs',
    failSwapOn: false,
    containerRuntimeEndpoint: `unix://${socket}`,
    evictionHard: { 'nodefs.available': '0%', 'imagefs.available': '0%', 'memory.available': '1Mi' },
    imageGCHighThresholdPercent: 100,
    podLogsDir: `${directory}/logs`,
  })

/** A containerd beside Docker's. The machine may forbid to lower oom_score_adj, without which no sandbox would start. */
export const containerdConfig = (directory: string): string => `version = 2
root = "${directory}/root"
state = "${directory}/state"
[grpc]
  address = "${directory}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${directory}/cni"
`

/** A bridge of its own, without a way out of the machine. */
export const network = (bridge: string): string =>
  JSON.stringify({
    cniVersion: '0.4.0',
    name: 'aim-test',
    plugins: [
      {
        type: 'bridge',
        bridge,
        isGateway: true,
        ipMasq: false,
        ipam: { type: 'host-local', subnet: ranges.pods, routes: [{ dst: '0.0.0.0/0' }] },
      },
    ],
  })
