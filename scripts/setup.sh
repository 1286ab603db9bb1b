#!/usr/bin/env bash
# Installs the packages needed to build alert-bench (Debian or Ubuntu), and nothing if they are already installed.
# Sourced or called by quickstart.sh and test.sh; needs root or sudo only if something is missing.
#   scripts/setup.sh [--tests]    --tests: also the packages that only tests need; if one is unavailable, its test reports that it is skipped
set -euo pipefail

packages=(g++ cmake ninja-build git libcli11-dev nlohmann-json3-dev libfmt-dev catch2 zlib1g-dev libssl-dev
  libjpeg62-turbo-dev libicu-dev dataset-fashion-mnist python3 python3-numpy python3-matplotlib python3-jinja2 python3-jsonschema)
# Debian's LibTorch, and the BLAS that it takes from the system, unless CMAKE_PREFIX_PATH brings another one (as cmake/libtorch.cmake looks).
brings_libtorch() {
  local prefix IFS=:
  for prefix in ${CMAKE_PREFIX_PATH:-}; do
    if [ -e "$prefix/Torch/TorchConfig.cmake" ] || [ -e "$prefix/share/cmake/Torch/TorchConfig.cmake" ]; then return 0; fi
  done
  [ -z "${CMAKE_PREFIX_PATH:-}" ] || echo "setup: no LibTorch (share/cmake/Torch/TorchConfig.cmake) in CMAKE_PREFIX_PATH: Debian's is used"
  return 1
}
brings_libtorch || packages+=(libtorch-dev libopenblas0-openmp)

# A Slurm for tests/cli/test_slurm.py, which starts its own daemons; stress-ng for the stress-ng co-runners; scipy for the
# linear programmes of tests/python/evaluator.py; clang-format and clang-tidy for scripts/check.sh; clang for the
# sanitizers (scripts/build.sh).
optional=()
[ "${1:-}" != --tests ] || optional=(slurmctld slurmd slurm-client munge stress-ng python3-scipy clang-format clang-tidy clang libclang-rt-dev)

is_missing() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null || true)" != installed ]; }
missing=() optional_missing=()
for package in "${packages[@]}"; do
  if is_missing "$package"; then missing+=("$package"); fi
done
for package in "${optional[@]}"; do
  if is_missing "$package"; then optional_missing+=("$package"); fi
done
if [ ${#missing[@]} -eq 0 ] && [ ${#optional_missing[@]} -eq 0 ]; then
  echo "setup: all $((${#packages[@]} + ${#optional[@]})) packages are installed"
  exit 0
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if command -v sudo >/dev/null; then
    as_root=(sudo)
  elif [ ${#missing[@]} -gt 0 ]; then
    echo "setup: missing ${missing[*]}; run this as root, or install sudo" >&2
    exit 3
  else
    echo "setup: without ${optional_missing[*]} (no root, no sudo): the tests that need them will be skipped"
    exit 0
  fi
fi
install_packages() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}
if [ ${#missing[@]} -gt 0 ]; then
  echo "setup: installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  install_packages "${missing[@]}"
fi
if [ ${#optional_missing[@]} -gt 0 ]; then
  echo "setup: installing ${optional_missing[*]} (for tests)"
  { "${as_root[@]}" apt-get update -qq && install_packages "${optional_missing[@]}"; } ||
    echo "setup: that failed: the tests that need ${optional_missing[*]} will be skipped"
fi
echo "setup: done"
