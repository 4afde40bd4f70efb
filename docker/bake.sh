#!/bin/sh
# Runs what matters once, so that its compiled code lies beside the bundle: `bake.sh DIRECTORY NODE`. Fails when the bundle does not run here.
# A whole life on two GPUs comes first: a file's code is kept as its first run left it, and `aim version` would compile next to nothing.
set -eu
directory=$(cd "$1" && pwd)
node=$2
aim() { "$node" "$directory/aim.js" "$@"; }
bake=$(mktemp -d)
trap 'rm -rf "$bake"' EXIT
export TMPDIR="$bake" AIM_OPS_PORT=0
# What the installed engine takes; a base without one keeps what ours was written for. Building the parser needs no GPU.
if [ -f "$directory/engine-flags.py" ] && python3 -c 'import importlib.util as find; raise SystemExit(find.find_spec("vllm") is None)' 2> /dev/null; then
  HOME="$bake" python3 "$directory/engine-flags.py" > "$bake/flags.json"
  mv "$bake/flags.json" "$directory/flags/vllm.json"
fi
AIM_PORT=$("$node" - "$bake" << 'END'
const { mkdirSync, writeFileSync } = require('node:fs')
const write = (path, text) => {
  const file = `${process.argv[2]}/${path}`
  mkdirSync(file.slice(0, file.lastIndexOf('/')), { recursive: true })
  writeFileSync(file, text)
}
const lines = (record) => Object.entries(record).map(([key, value]) => `${key} ${value}\n`).join('')
const node = 'machine/sys/class/kfd/kfd/topology/nodes'
write('machine/proc/meminfo', 'MemTotal: 268435456 kB\nMemAvailable: 201326592 kB\n')
write(`${node}/0/gpu_id`, '0\n')
write(`${node}/0/properties`, lines({ cpu_cores_count: 96, simd_count: 0, drm_render_minor: 0 }))
for (const at of [1, 2]) {
  const minor = 127 + at
  write(`${node}/${at}/gpu_id`, `${1000 + at}\n`)
  write(`${node}/${at}/properties`, lines({
    ...{ cpu_cores_count: 0, simd_count: 1216, simd_per_cu: 4, mem_banks_count: 1, gfx_target_version: 90402, vendor_id: 4098 },
    ...{ device_id: 29857, location_id: 0x1100 + 0x800 * at, domain: 0, drm_render_minor: minor, hive_id: 7, unique_id: at, num_xcc: 8 },
  }))
  write(`${node}/${at}/mem_banks/0/properties`, lines({ heap_type: 1, size_in_bytes: 206141652992, width: 8192, mem_clk_max: 1300 }))
  const device = `machine/sys/class/drm/renderD${minor}/device`
  const files = { vendor: '0x1002', device: '0x74a1', revision: '0x00', numa_node: '0', mem_info_vram_total: '206141652992' }
  const modes = { mem_info_vram_used: '314572800', current_compute_partition: 'SPX', current_memory_partition: 'NPS1' }
  for (const [name, value] of Object.entries({ ...files, ...modes })) write(`${device}/${name}`, `${value}\n`)
  write(`machine/dev/dri/renderD${minor}`, '')
}
write('machine/dev/kfd', '')
const shape = { hidden_size: 64, intermediate_size: 128, num_hidden_layers: 2, num_attention_heads: 4, num_key_value_heads: 2, vocab_size: 256 }
const config = { architectures: ['LlamaForCausalLM'], ...shape, max_position_embeddings: 8192, torch_dtype: 'bfloat16' }
write('model/config.json', JSON.stringify(config))
const header = JSON.stringify({ 'model.norm.weight': { dtype: 'BF16', shape: [64], data_offsets: [0, 128] } })
const length = Buffer.alloc(8)
length.writeBigUInt64LE(BigInt(header.length))
write('model/model.safetensors', Buffer.concat([length, Buffer.from(header), Buffer.alloc(128)]))
const server = require('node:net').createServer().listen(0, () => {
  console.log(server.address().port)
  server.close()
})
END
)
export AIM_PORT
AIM_ENGINE=simulator AIM_SIMULATOR_SPEED=100 AIM_RESTART=never AIM_SYSFS_ROOT="$bake/machine" AIM_CACHE_PATH="$bake/cache" \
  "$node" "$directory/aim.js" serve "$bake/model" > "$bake/log" 2>&1 &
serving=$!
# Before anything else of ours runs, which would leave its own code first.
tries=0
until "$node" -e 'fetch(`http://127.0.0.1:${process.argv[1]}/readyz`).then(({ status }) => process.exit(status === 200 ? 0 : 1), () => process.exit(1))' \
  "$(cat "$bake/aim-ops-port-$(id -u)" 2> /dev/null)"; do
  tries=$((tries + 1))
  if [ $tries -gt 200 ] || ! kill -0 $serving 2> /dev/null; then
    cat "$bake/log" >&2
    exit 1
  fi
  sleep 0.2
done
"$node" -e 'fetch(`http://127.0.0.1:${process.argv[1]}/metrics`).then((answer) => answer.text())' "$(cat "$bake/aim-ops-port-$(id -u)")"
kill -TERM $serving
wait $serving
aim version > /dev/null
aim gpus --format json > /dev/null
aim healthcheck > /dev/null 2>&1 || true
test -n "$(ls "$directory/compile-cache")"
