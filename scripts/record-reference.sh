#!/usr/bin/env bash
# Makes the small recordings behind the figures in this repository: two workloads, each under the five disturbances of
# the evaluation (default, compute-1, compute-2, memory-1, memory-2). About 15 minutes on two idle cores; leave the machine
# otherwise idle. An existing recording is kept unchanged.
#   scripts/record-reference.sh [OUT (default: results/reference/recordings)]
# PTB's data is not redistributable: PTB=DIR names the folder with ptb.{train,valid,test}.txt (default: synthetic text).
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-results/reference/recordings}
bench=build/bin/alert-bench
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

record() {  # WORKLOAD SCENARIO INPUTS [OPTION]...
  local workload=$1 scenario=$2 inputs=$3 name kind slowdown
  shift 3
  for row in default:none:1.3 compute-1:compute:1.3 compute-2:compute:1.8 memory-1:memory:1.3 memory-2:memory:1.8; do
    IFS=: read -r name kind slowdown <<<"$row"
    [ ! -f "$out/$workload-$name/recording.json" ] || continue
    "$bench" record "$scenario" --out "$work/$workload-$name" --inputs "$inputs" --set name=$name --set co_runner.kind=$kind \
      --set co_runner.slowdown=$slowdown --set "description=\"$workload under the disturbance $name\"" "$@"
    mv "$work/$workload-$name/recording" "$out/$workload-$name"
    [ -z "${PTB:-}" ] || sed -i "s#$PTB#ptb#g" "$out/$workload-$name/recording.json"  # recordings are shared: no path of this machine
  done
}

record fashion-mnist scenarios/quickstart.json 600
record ptb scenarios/ptb.json 2000 ${PTB:+--data "ptb=$PTB"}
