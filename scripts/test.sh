#!/usr/bin/env bash
# Installs what is missing, builds, and passes all tests: the release build with LibTorch, then everything that needs no
# LibTorch once more under the address and undefined-behaviour sanitizers. Can be run again, from any folder.
set -euo pipefail
cd "$(dirname "$0")/.."
echo "1/4 packages"
scripts/setup.sh --tests
echo "2/4 build"
scripts/build.sh release
echo "3/4 tests"
ctest --test-dir build --output-on-failure
echo "4/4 sanitizers"
scripts/build.sh sanitize alert-unit-tests alert-fuzz-smoke
# The unit tests and the readers of files; the programs from outside take minutes this way: scripts/build.sh sanitize, ctest --test-dir build-sanitize.
ctest --test-dir build-sanitize --output-on-failure -R '^(unit|fuzz-smoke)$'
