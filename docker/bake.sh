#!/bin/sh
# Runs the paths that matter once, so that their compiled code lies in the image. Fails when the bundle does not run here.
set -eu
aim() { /opt/aim/bin/node /opt/aim/aim.js "$@"; }
bake=$(mktemp -d)
echo '{"architectures": ["LlamaForCausalLM"]}' > "$bake/config.json"
# What the installed engine takes; a base without one keeps what ours was written for. Building the parser needs no GPU.
if python3 -c 'import importlib.util as find; raise SystemExit(find.find_spec("vllm") is None)' 2> /dev/null; then
  HOME="$bake" python3 /opt/aim/engine-flags.py > /opt/aim/flags/vllm.json
fi
# An engine that asks us for what operators ask, and ends.
cat > "$bake/engine" << 'END'
#!/bin/sh
/opt/aim/bin/node /opt/aim/aim.js status > /dev/null
exec /opt/aim/bin/node -e 'await fetch("http://127.0.0.1:8080/metrics")'
END
chmod +x "$bake/engine"
aim version
aim gpus --format json > /dev/null
AIM_ENGINE=simulator AIM_ENGINE_COMMAND="$bake/engine" AIM_RESTART=never aim serve "$bake" > /dev/null 2>&1 || test $? -eq 1
rm -rf "$bake"
test -n "$(ls /opt/aim/compile-cache)"
chmod -R a+rX /opt/aim
