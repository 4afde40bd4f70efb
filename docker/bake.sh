#!/bin/sh
# Runs the paths that matter once, so that their compiled code lies in the image. Fails when the bundle does not run here.
set -eu
node=/opt/aim/bin/node
"$node" /opt/aim/aim.js version
"$node" /opt/aim/aim.js gpus --format json > /dev/null
AIM_ENGINE=simulator "$node" /opt/aim/aim.js serve / > /dev/null 2>&1 || true
chmod -R a+rX /opt/aim
