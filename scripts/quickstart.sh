#!/usr/bin/env bash
# From a fresh Debian 12 machine to traces and pictures: installs what is missing, builds, runs the quickstart scenario
# (real networks, a real co-runner, power caps) and draws its figures. Can be run again, from any folder.
#   scripts/quickstart.sh [RESULT_FOLDER] [more arguments of `alert-bench run`]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
out=${1:-$root/results/quickstart-$(date +%Y%m%d-%H%M%S)}
[ $# -eq 0 ] || shift
echo "1/4 packages"
"$root/scripts/setup.sh"
echo "2/4 build"
"$root/scripts/build.sh" release alert-bench  # tests and training are not needed here
echo "3/4 run scenarios/quickstart.json"
"$root/build/bin/alert-bench" run "$root/scenarios/quickstart.json" --out "$out" "$@"
echo "4/4 figures"
"$root/scripts/figures.py" "$out"
echo
"$root/build/bin/alert-bench" report "$out" | grep '^In words, .* live)'
echo "Done. Result: $out (manifest.json explains it, figures/ has the pictures)"
