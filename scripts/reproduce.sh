#!/usr/bin/env bash
# Makes every figure and claim of ARTIFACT.md again, from recordings (about an hour) or from nothing (--from nothing: also builds,
# runs the quickstart and makes the recordings, hours of work; it says first how many, and what will differ; leave the machine otherwise
# idle). Can be run again; its output replaces existing files.
#   scripts/reproduce.sh [--from recordings|nothing] [--only PART] [--out DIR]
# --only: evaluation, statistics, calibration, sensitivity, turnover, price, claims or artifact
# --out: default results/reference, the files in this repository, and then also ARTIFACT.md, which quotes them.
set -euo pipefail
cd "$(dirname "$0")/.."
from=recordings only= out=results/reference seconds=()
usage() { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
while [ $# -gt 0 ]; do
  case $1 in
    --from) from=${2:-}; shift 2 || usage ;;
    --only) only=${2:-}; shift 2 || usage ;;
    --out) out=${2:-}; shift 2 || usage ;;
    *) usage ;;
  esac
done
case $from in recordings | nothing) ;; *) usage ;; esac
parts=(evaluation statistics calibration sensitivity turnover price claims artifact)
case " ${parts[*]} " in *" ${only:-evaluation} "*) ;; *) usage ;; esac
[ -n "$out" ] || usage

# Before hours of work: how long it takes, how much it leaves, and what will differ from the results in the repository.
announce() {
  local workload workloads=() minutes=12 megabytes=400
  for workload in fashion-mnist ptb imagenet squad; do
    [ -z "$(missing_variable $workload)" ] || continue
    workloads+=($workload)
    minutes=$((minutes + 3 * $(minutes_of_a_seed $workload) + 17)) megabytes=$((megabytes + 20))
  done
  cat >&2 <<TEXT
reproduce: builds, runs the quickstart, records ${workloads[*]} (five disturbances, three seeds each) and evaluates the recordings.
reproduce: This takes about $((minutes / 60)) h $((minutes % 60)) min on two processors, and $megabytes MB of disk.
reproduce: Latencies will differ, with them deadlines, energies and the choices of schedulers; what a network answers will not. At the
reproduce: end the conclusions are compared with those in results/reference, claim by claim.
TEXT
}

. scripts/workloads.sh
bench=build/bin/alert-bench
[ "$from" = recordings ] || announce
[ -x "$bench" ] && [ "$from" = recordings ] || scripts/build.sh release
recordings=results/reference/recordings quickstart=results/reference/quickstart
if [ "$from" = nothing ]; then
  recordings=$out/recordings quickstart=$out/quickstart
  scripts/record-reference.sh --out "$recordings"
  "$bench" run scenarios/quickstart.json --out "$quickstart" --overwrite
fi
mkdir -p "$out"

make_evaluation() {
  local sweep
  sweep=$(dirname "$recordings")/sweep.json
  printf '{"schema_version": "1.0", "kind": "sweep", "name": "reference", "recordings": ["recordings/*"]}\n' >"$sweep"
  "$bench" sweep "$sweep" --out "$out/evaluation" --overwrite
  rm -rf "$out/evaluation/cells" "$out/evaluation/traces" "$out/evaluation/recording"
  scripts/figures.py "$out/evaluation"
  # Of the cells, one where networks take long and goals are far apart.
  [ ! -e "$recordings/imagenet-compute-1-seed1" ] || scripts/figures.py "$out/evaluation" --only goals_energy --cell imagenet/compute-1
  "$bench" report "$out/evaluation" --format markdown --out "$out/evaluation/report.md"
}
make_statistics() {
  rm -f "$out"/statistics/*.png
  scripts/input_statistics.py "$recordings"/* --out "$out/statistics"
  find "$out"/statistics -name '*.pdf' -delete -o -name '*-seed*.png' ! -name '*-seed1.png' -delete  # they can be drawn again
}
make_calibration() {
  "$bench" score estimators "$recordings"/* --out "$out/calibration" >/dev/null
  scripts/figures.py "$out/calibration" --only calibration --out "$out/calibration"
  rm "$out/calibration/calibration.pdf"
}
# Constants were chosen on recordings of these workloads, and are shown on all others.
chosen_on() {  # DISTURBANCE...
  local workload disturbance recording
  for workload in fashion-mnist ptb; do
    for disturbance in "$@"; do
      for recording in "$recordings/$workload-$disturbance" "$recordings/$workload-$disturbance-seed1"; do
        [ ! -e "$recording" ] || echo "$recording"
      done
    done
  done
}
shown_on() { comm -13 <(chosen_on "$@" | sort) <(printf '%s\n' "$recordings"/* | sort); }
make_sensitivity() {
  scripts/sensitivity.py --choose $(chosen_on default compute-2) --show $(shown_on default compute-2) --out "$out/sensitivity"
}
make_turnover() {
  scripts/turnover.py "$recordings"/* --out "$out/turnover" >/dev/null
  # Other phases of the co-runner are recorded for one workload and one seed: scripts/record-reference.sh --phases.
  local phases=$recordings-phases length ways=()
  [ -d "$phases" ] || return 0
  for length in $(printf '%s\n' "$phases"/* | sed 's/.*-phases\([0-9]*\)-.*/\1/' | sort -nu); do
    ways+=(--phases "phases of $length" "$recordings/fashion-mnist-default-seed1" "$phases"/fashion-mnist-*-phases"$length"-seed1)
  done
  scripts/turnover.py "$recordings"/fashion-mnist-*-seed1 "${ways[@]}" --only phases --out "$out/turnover/phases" >/dev/null
}
make_price() {
  scripts/ablation.py --choose $(chosen_on compute-1 memory-1) --show $(shown_on compute-1 memory-1) --out "$out/price"
}
make_claims() {
  scripts/claims.py "$out/evaluation" --recordings "$recordings"/* --quickstart "$quickstart" \
    --statistics "$out/statistics/input_statistics.json" --out "$out/claims/claims"
  [ "$in_place" = yes ] || "$bench" compare results/reference "$out" || [ $? -eq 5 ]
}
make_artifact() {
  scripts/story.py "$out"
  if [ "$in_place" = yes ]; then scripts/artifact.py; else echo "reproduce: ARTIFACT.md quotes results/reference, and stays as it is" >&2; fi
}

in_place=no
[ "$(realpath "$out")" != "$(realpath results/reference)" ] || in_place=yes
for part in "${parts[@]}"; do
  [ -z "$only" ] || [ "$only" = "$part" ] || continue
  SECONDS=0
  make_$part
  [ -n "$only" ] || [ $part = artifact ] || seconds+=("$part=$SECONDS")
  # Before ARTIFACT.md, which says how long each part took.
  [ -n "$only" ] || [ $part != claims ] || python3 - "$(nproc)" "${seconds[@]}" >"$out/times.json" <<'PY'
import json, sys
print(json.dumps({"processors": int(sys.argv[1]), "seconds": {p: int(s) for p, s in (a.split("=") for a in sys.argv[2:])}}, indent=1))
PY
done
