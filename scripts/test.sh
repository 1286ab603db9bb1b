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
ctest --preset release
echo "4/4 sanitizers and checks"
scripts/build.sh sanitize alert-unit-tests alert-fuzz-smoke
# The checks need one core, the tests another.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
scripts/check.sh >"$log" 2>&1 &
checks=$!
status=0
ctest --preset sanitize || status=$?
wait "$checks" || status=1
cat "$log"
exit $status
