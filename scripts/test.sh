#!/usr/bin/env bash
# Installs what is missing, builds, and runs all tests: the release build with LibTorch, then everything that does not
# need LibTorch again under the address and undefined-behaviour sanitizers, and the checks of scripts/check.sh. Can be run again, from any
# folder.
set -euo pipefail
cd "$(dirname "$0")/.."
echo "1/4 packages"
scripts/setup.sh --tests
echo "2/4 build"
scripts/build.sh release
echo "3/4 tests"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
# Most of these tests wait or use one processor. The build with sanitizers gets what they leave, and only that.
idle=(nice -n 19)
! chrt --idle 0 true 2>/dev/null || idle=(chrt --idle 0)
"${idle[@]}" scripts/build.sh sanitize alert-unit-tests alert-fuzz-smoke >"$log" 2>&1 &
ctest --preset release || status=$?
wait $! || { cat "$log"; exit 1; }
[ $status -eq 0 ] || exit $status
echo "4/4 sanitizers and checks"
# The tests take one processor, the checks what is left.
"${idle[@]}" scripts/check.sh >"$log" 2>&1 &
ctest --preset sanitize || status=$?
wait $! || status=1
cat "$log"
exit $status
