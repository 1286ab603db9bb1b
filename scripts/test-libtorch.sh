#!/usr/bin/env bash
# Builds with the LibTorch of a Python wheel in build-libtorch-VERSION, runs the tests of the networks with it, and compares scores and latencies
# with those of the release build (scripts/build.sh). Says that it is skipped where the wheel cannot be had.
#   scripts/test-libtorch.sh [VERSION] [NAME=COMMAND]...     default: 2.13.0; more builds to compare with, see compare_libtorch.py
# TORCH_VENV names a virtual environment that has the wheel already.
set -euo pipefail
cd "$(dirname "$0")/.."
version=2.13.0
if [ $# -gt 0 ] && [[ $1 != *=* ]]; then version=$1; shift; fi
build=build-libtorch-$version
venv=${TORCH_VENV:-$build/venv}
if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -c 'import torch' 2>/dev/null; then
  if ! { /usr/bin/python3 -m venv "$venv" && "$venv/bin/pip" install --quiet "torch==$version" numpy; } >"/tmp/test-libtorch.$$" 2>&1; then
    echo "test-libtorch: SKIPPED: no wheel of torch $version: $(tail -n 1 "/tmp/test-libtorch.$$")"
    rm -f "/tmp/test-libtorch.$$"
    exit 0
  fi
  rm -f "/tmp/test-libtorch.$$"
fi
CMAKE_PREFIX_PATH=$("$venv/bin/python" -c 'import torch; print(torch.utils.cmake_prefix_path)')
export CMAKE_PREFIX_PATH
found=$("$venv/bin/python" -c 'import torch; print(torch.__version__.split("+")[0])')
[ "$found" = "$version" ] || { echo "test-libtorch: $venv has torch $found, not $version" >&2; exit 2; }

tests=(alert-network-tests alert-layer-tests alert-bert-tests alert-device-tests)
cmake --preset release -B "$build" >/dev/null
cmake --build "$build" -j "$(nproc)" --target alert-bench alert-co-runner alert-torch bench-libtorch "${tests[@]}"
for test in "${tests[@]}"; do
  echo "test-libtorch: $test"
  "$build/bin/$test" >"$build/$test.log" 2>&1 || { cat "$build/$test.log"; echo "test-libtorch: $test failed with LibTorch $version" >&2; exit 1; }
done
"$build/bin/alert-bench" run smoke --out "$build/smoke" --overwrite --quiet >"$build/smoke.log" || { cat "$build/smoke.log"; exit 1; }
(unset CMAKE_PREFIX_PATH && scripts/build.sh release alert-torch bench-libtorch)
scripts/compare_libtorch.py "Debian's=build/bin/bench-libtorch" "$version=$build/bin/bench-libtorch" "$@"
