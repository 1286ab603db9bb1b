#!/usr/bin/env bash
# Runs the benchmarks and writes their results to results/reference/ (or to the folder given). About 4 minutes; leave the
# machine alone meanwhile.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-results/reference}
mkdir -p "$out"
scripts/build.sh release
build/bin/bench-decide >"$out/bench-decide.json"
build/bin/bench-live >"$out/bench-live.json"
build/bin/bench-networks >"$out/bench-networks.json"
echo "wrote $out/bench-decide.json, $out/bench-live.json and $out/bench-networks.json"
