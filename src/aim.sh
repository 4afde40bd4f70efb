#!/bin/sh
# Runs `aim` from a checkout on the Node that npm installed beside it, whatever Node the machine has.
self=$0
while [ -L "$self" ]; do
  link=$(readlink "$self")
  case $link in /*) self=$link ;; *) self=$(dirname "$self")/$link ;; esac
done
root=$(cd "$(dirname "$self")/.." && pwd)
for node in "$root"/node_modules/.bin/node "$root"/../.bin/node; do
  [ -x "$node" ] && exec "$node" "$root/src/main.ts" "$@"
done
exec node "$root/src/main.ts" "$@"
