#!/usr/bin/env bash
# Makes every figure and claim of ARTIFACT.md again, from recordings (about ten minutes) or from nothing (--from nothing:
# also builds, runs the quickstart and makes the recordings, about 40 minutes; leave the machine otherwise idle). Can be
# run again; its output replaces existing files.
#   scripts/reproduce.sh [--from recordings|nothing] [--only evaluation|statistics|calibration|sensitivity|price|claims] [--out DIR]
# --out: default results/reference, the files in this repository.
set -euo pipefail
cd "$(dirname "$0")/.."
from=recordings only= out=results/reference
usage() { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
while [ $# -gt 0 ]; do
  case $1 in
    --from) from=${2:-}; shift 2 || usage ;;
    --only) only=${2:-}; shift 2 || usage ;;
    --out) out=${2:-}; shift 2 || usage ;;
    *) usage ;;
  esac
done
case $from in recordings | nothing) ;; *) usage ;; esac
case $only in '' | evaluation | statistics | calibration | sensitivity | price | claims) ;; *) usage ;; esac
[ -n "$out" ] || usage

bench=build/bin/alert-bench
[ -x "$bench" ] && [ "$from" = recordings ] || scripts/build.sh release
recordings=results/reference/recordings quickstart=results/reference/quickstart
if [ "$from" = nothing ]; then
  recordings=$out/recordings quickstart=$out/quickstart
  scripts/record-reference.sh "$recordings"
  "$bench" run scenarios/quickstart.json --out "$quickstart" --overwrite
fi
wanted() { [ -z "$only" ] || [ "$only" = "$1" ]; }
mkdir -p "$out"

if wanted evaluation; then
  sweep=$(dirname "$recordings")/sweep.json
  printf '{"schema_version": "1.0", "kind": "sweep", "name": "reference", "recordings": ["recordings/*"]}\n' >"$sweep"
  "$bench" sweep "$sweep" --out "$out/evaluation" --overwrite
  rm -rf "$out/evaluation/cells" "$out/evaluation/traces" "$out/evaluation/recording"
  scripts/figures.py "$out/evaluation"
  "$bench" report "$out/evaluation" --format markdown --out "$out/evaluation/report.md"
fi
if wanted statistics; then
  scripts/input_statistics.py "$recordings"/* --out "$out/statistics"
fi
if wanted calibration; then
  "$bench" score estimators "$recordings"/* --out "$out/calibration" >/dev/null
  scripts/figures.py "$out/calibration" --only calibration --out "$out/calibration"
  rm "$out/calibration/calibration.pdf"
fi
if wanted sensitivity; then
  scripts/sensitivity.py --choose "$recordings"/*-{default,compute-2} --show "$recordings"/*-{compute-1,memory-1,memory-2} \
    --out "$out/sensitivity"
fi
if wanted price; then
  scripts/ablation.py --choose "$recordings"/*-{compute-1,memory-1} --show "$recordings"/*-{default,compute-2,memory-2} \
    --out "$out/price"
fi
if wanted claims; then
  scripts/claims.py "$out/evaluation" --recordings "$recordings"/* --quickstart "$quickstart" \
    --statistics "$out/statistics/input_statistics.json" --out "$out/claims/claims"
  [ "$(realpath "$out")" = "$(realpath results/reference)" ] || "$bench" compare results/reference "$out" || [ $? -eq 5 ]
fi
