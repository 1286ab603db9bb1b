#!/usr/bin/env bash
# Makes the recordings behind ARTIFACT.md: up to four workloads, each under the five disturbances of the evaluation (default,
# compute-1, compute-2, memory-1, memory-2), three seeds each. Leave the machine otherwise idle. One seed takes about 10 minutes for
# fashion-mnist, 30 for ptb, 25 for squad and 45 for imagenet. An existing recording is kept unchanged, so that the command can be
# repeated after an interruption. Before each recording the networks are profiled, up to three times if the machine is noisy
# (profile.json: noise_verdict); the quietest of the profiles is recorded with, and the description says so.
#   scripts/record-reference.sh [--out DIR] [--seeds "1 2 3"] [--inputs N] [WORKLOAD]...
#     --out DIR     default: results/reference/recordings
#     --inputs N    fewer inputs, to try it
#     --phases N    on and off phases of the co-runner of N inputs on average, without the scenario default; recordings get -phasesN
#     WORKLOAD      fashion-mnist, ptb, imagenet, squad; default: those whose data is there. The others are named.
# Fashion-MNIST's images are a Debian package. What is not redistributable is named by variables:
#   PTB=DIR                     with ptb.{train,valid,test}.txt (without it the text is synthetic)
#   IMAGENET=DIR                with val/ and val.txt
#   IMAGENET_NETWORKS=FILE      of scripts/get-networks.sh --with FILE; docs/networks.md has an example with MobileNets and a cascade
#   SQUAD=DIR, SQUAD_NETWORKS=FILE   with dev-v1.1.json and vocab.txt; BERTs trained on it (docs/networks.md)
set -euo pipefail
usage() { sed -n '7,17s/^# \{0,1\}//p' "$0" >&2; exit 2; }
cd "$(dirname "$0")/.."
out=results/reference/recordings seeds="1 2 3" inputs= phases= workloads=()
while [ $# -gt 0 ]; do
  case $1 in
    --out | --seeds | --inputs | --phases)
      [ $# -ge 2 ] || usage
      declare "${1#--}=$2"
      shift 2
      ;;
    fashion-mnist | ptb | imagenet | squad) workloads+=("$1"); shift ;;
    *) usage ;;
  esac
done
bench=build/bin/alert-bench
[ -x "$bench" ] || { echo "record-reference: $bench is absent; run scripts/build.sh release" >&2; exit 3; }

. scripts/workloads.sh

if [ ${#workloads[@]} = 0 ]; then
  for workload in imagenet fashion-mnist ptb squad; do
    lacks=$(missing_variable $workload)
    if [ -z "$lacks" ]; then workloads+=("$workload"); else echo "record-reference: $workload is omitted: $lacks is not set" >&2; fi
  done
fi
for workload in "${workloads[@]}"; do
  lacks=$(missing_variable "$workload")
  [ -z "$lacks" ] || { echo "record-reference: $workload: $lacks is not set; see the head of this script" >&2; exit 2; }
done

mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

record() {  # WORKLOAD DISTURBANCE KIND SLOWDOWN SEED
  local workload=$1 disturbance=$2 kind=$3 slowdown=$4 seed=$5 name="$1-$2${phases:+-phases$phases}-seed$5" scenario="scenarios/reference/$1.json"
  local attempt spread verdict description
  [ ! -f "$out/$name/recording.json" ] || return 0
  local options=(--seed "$seed" --set "co_runner.kind=$kind" --set "co_runner.slowdown=$slowdown" --set "name=$disturbance")
  [ -z "$phases" ] || options+=(--set "co_runner.schedule.mean_on_inputs=$phases" --set "co_runner.schedule.mean_off_inputs=$phases")
  [ -z "$inputs" ] || options+=(--inputs "$inputs")
  set_data_options "$workload"
  options+=("${data_options[@]}")
  local quietest least=
  for attempt in 1 2 3; do
    "$bench" profile "$scenario" --out "$work/profile-$attempt.json" --overwrite "${options[@]}"
    read -r spread verdict < <(python3 -c 'import json, re, sys
verdict = json.load(open(sys.argv[1]))["noise_verdict"]
print(re.search(r"[0-9.]+", verdict).group(), verdict)' "$work/profile-$attempt.json")
    if [ -z "$least" ] || awk "BEGIN {exit !($spread < $least)}"; then quietest=$attempt least=$spread; fi
    case $verdict in quiet*) break ;; esac
    echo "record-reference: $name, profile $attempt of 3: $verdict" >&2
  done
  description="$workload under the disturbance $disturbance${phases:+ in phases of $phases inputs on average}, seed $seed"
  [ $attempt = 1 ] || description+="; $attempt profiles, the quietest of them used: coefficient of variation $least"
  "$bench" record "$scenario" --out "$work/$name" --profile "$work/profile-$quietest.json" --overwrite "${options[@]}" \
    --set "description=\"$description\""
  omit_folders "$work/$name/recording/recording.json"
  mv "$work/$name/recording" "$out/$name"
}

for seed in $seeds; do
  for workload in "${workloads[@]}"; do
    for row in default:none:1.3 compute-1:compute:1.3 compute-2:compute:1.8 memory-1:memory:1.3 memory-2:memory:1.8; do
      IFS=: read -r disturbance kind slowdown <<<"$row"
      [ -z "$phases" ] || [ $kind != none ] || continue
      record "$workload" "$disturbance" "$kind" "$slowdown" "$seed"
    done
  done
done
