#!/usr/bin/env bash
# Trains networks again, two at a time on two cores. A training that was killed continues from its last checkpoint.
#   scripts/train.sh              the Fashion-MNIST networks, as the shipped ones were trained (about an hour)
#   scripts/train.sh ptb FOLDER   the language models, on your own Penn Treebank (ptb.train.txt, ptb.valid.txt; about 2 hours)
set -euo pipefail
usage() { sed -n '2,4s/^# \{0,1\}//p' "$0" >&2; exit 2; }
what=${1:-fashion-mnist}
if [ "$what" = ptb ]; then
  data=$(cd "${2:?give the folder of ptb.train.txt}" && pwd)
elif [ "$what" != fashion-mnist ] || [ $# -gt 1 ]; then
  usage
fi
cd "$(dirname "$0")/.."
scripts/setup.sh
scripts/build.sh release
train() { for network in "${@:2}"; do build/bin/alert-train "$1" --network "$network" --seed 1; done; }
if [ "$what" = ptb ]; then
  for network in lstm-w50 lstm-w100 lstm-small; do
    build/bin/alert-train networks/ptb.json --network $network --data "$data" --seed 1 --epochs 9 --stop-after 7
  done &
  first=$!
  build/bin/alert-train networks/ptb.json --network nested-lstm --data "$data" --seed 1 --lr 0.25 --max-norm 20 --epochs 9 --stop-after 3
  build/bin/alert-train networks/ptb.json --network nested-lstm --data "$data" --seed 2 --method balanced --epochs 5 \
    --decay-after 2 --stop-after 4 --init networks/ptb/nested-lstm.pt
  build/bin/alert-train networks/ptb.json --network nested-lstm --data "$data" --seed 3 --method balanced --epochs 2 \
    --lr 0.5 --lr-decay 0.3 --decay-after 1 --dropout 0.3 --init networks/ptb/nested-lstm.pt
else
  train networks/fashion-mnist.json resnet-w48 resnet-w8 resnet-w16 &
  first=$!
  build/bin/alert-train networks/fashion-mnist.json --network nested-w32 --seed 1 --method orthogonalized
  train networks/fashion-mnist.json resnet-w32
fi
wait "$first"
