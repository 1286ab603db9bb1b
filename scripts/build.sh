#!/usr/bin/env bash
# Configures and builds a CMake preset (default: release) with as many jobs as memory allows: everything, or the targets named.
#   scripts/build.sh [PRESET] [TARGET]...
# LibTorch's headers take up to 1.2 GB of memory per compiler.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-release}
[ $# -eq 0 ] || shift
targets=()
[ $# -eq 0 ] || targets=(--target "$@")
cores=$(nproc)
by_memory=$(awk '/MemAvailable/ {n = int($2 / 1500000); print n < 1 ? 1 : n}' /proc/meminfo)
jobs=$((cores < by_memory ? cores : by_memory))
folder=build
[ "$preset" = release ] || folder=build-$preset
# Debian 12's clang compiles with sanitizers in half of g++'s time. Later versions have other warnings, and have not been tried.
if [ "$preset" = sanitize ] && [ ! -e "$folder/CMakeCache.txt" ] && clang++ --version 2>/dev/null | grep -q 'version 14\.' &&
  echo 'int main() {}' | clang++ -fsanitize=address,undefined -x c++ - -o /dev/null 2>/dev/null; then
  export CC=clang CXX=clang++
fi
cmake --preset "$preset" >"/tmp/alert-bench-configure.$$" 2>&1 || { cat "/tmp/alert-bench-configure.$$"; rm -f "/tmp/alert-bench-configure.$$"; exit 1; }
rm -f "/tmp/alert-bench-configure.$$"
echo "build: $preset with $jobs jobs"
cmake --build "$folder" -j "$jobs" "${targets[@]}"
