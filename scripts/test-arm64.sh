#!/usr/bin/env bash
# Cross-compiles everything that does not link LibTorch for 64-bit ARM, and runs its unit tests under qemu's user
# emulation. The libraries it links are unpacked into build-arm64/sysroot and do not touch the machine's own packages;
# only the cross compiler and qemu are installed (Debian or Ubuntu; root or sudo only if they are missing).
# Not run: tests that start child programs and look at them in /proc, or kill them at a moment of their life (there they
# are qemu, and slow to start), and those that limit the size of files, which ends qemu itself.
#   scripts/test-arm64.sh [ARGUMENT...]    arguments are for the unit tests, e.g. "[alert]"
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$PWD/build-arm64
sysroot=$folder/sysroot
apt=$folder/apt
tools=(g++-aarch64-linux-gnu qemu-user) # the compiler of crossbuild-essential-arm64, without the tools for making packages
libraries=(libstdc++6 libc6-dev libfmt-dev nlohmann-json3-dev libcli11-dev catch2 zlib1g-dev libssl-dev libjpeg62-turbo-dev libicu-dev)

if ! command -v aarch64-linux-gnu-g++ >/dev/null || ! command -v qemu-aarch64 >/dev/null; then
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  echo "1/4 installing ${tools[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${tools[@]}" >/dev/null
else
  echo "1/4 compiler and qemu are installed"
fi

if [ -e "$sysroot/complete" ]; then
  echo "2/4 libraries for arm64 are unpacked"
else
  echo "2/4 unpacking ${libraries[*]} for arm64"
  rm -rf "$sysroot" "$apt"
  mkdir -p "$sysroot" "$apt/lists/partial" "$apt/archives/partial"
  : >"$apt/status" # nothing is installed there, so everything that the libraries need is downloaded
  options=(-qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$apt" -o Dir::State::status="$apt/status"
    -o Dir::Cache="$apt" -o Debug::NoLocking=1 -o APT::Sandbox::User=)
  apt-get "${options[@]}" update
  apt-get "${options[@]}" install -y --download-only --no-install-recommends "${libraries[@]}"
  for package in "$apt"/archives/*.deb; do
    dpkg -x "$package" "$sysroot"
  done
  touch "$sysroot/complete"
fi

echo "3/4 building"
cmake --preset arm64 >/dev/null
cmake --build "$folder" -j "$(nproc)" --target alert-bench alert-unit-tests

echo "4/4 unit tests under qemu"
file=$folder/bin/alert-unit-tests
[[ $(od -An -t u2 -j 18 -N 2 "$file") -eq 183 ]] || { echo "$file is not a program for arm64" >&2; exit 1; } # e_machine of its ELF header
# The programs that tests start are for arm64 as well: in their places are scripts that start them under qemu.
for program in alert-co-runner alert-cap-guard; do
  if head -c 4 "$folder/bin/$program" | grep -q ELF; then mv "$folder/bin/$program" "$folder/bin/$program.arm64"; fi
  printf '#!/bin/sh\nexec %s -L "%s" "%s" "$@"\n' "$(command -v qemu-aarch64)" "$sysroot" "$folder/bin/$program.arm64" >"$folder/bin/$program"
  chmod +x "$folder/bin/$program"
done
qemu-aarch64 -L "$sysroot" "$folder/bin/alert-bench" --version
[ $# -gt 0 ] || set -- "~[kill]" "~[process]" "~limits: an error that a limit is behind*" "~an atomic write replaces a file*" \
  "~a disk that *"
qemu-aarch64 -L "$sysroot" "$file" "$@"
