#!/usr/bin/env bash
# Installs what alert-bench is built from (Debian or Ubuntu packages), and nothing where all of it is there already.
# Sourced or called by quickstart.sh and test.sh; needs root or sudo only where something is missing.
set -euo pipefail

packages=(g++ cmake ninja-build git libcli11-dev nlohmann-json3-dev libfmt-dev catch2 zlib1g-dev libssl-dev
  libjpeg62-turbo-dev libicu-dev dataset-fashion-mnist libopenblas0-openmp python3 python3-numpy python3-matplotlib
  python3-jsonschema)
# An own LibTorch (2.x archive, Ubuntu) comes in through CMAKE_PREFIX_PATH.
[ -n "${CMAKE_PREFIX_PATH:-}" ] || packages+=(libtorch-dev)

missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "setup: all ${#packages[@]} packages are installed"
  exit 0
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "setup: missing ${missing[*]}; run this as root, or install sudo" >&2; exit 3; }
  as_root=(sudo)
fi
echo "setup: installing ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
echo "setup: done"
