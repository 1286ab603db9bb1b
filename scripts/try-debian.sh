#!/usr/bin/env bash
# Runs the commands of README's quickstart, word for word, in a fresh Debian, on a clone of the commit that is checked out here. Takes root,
# debootstrap, 8 GB in /var/tmp, and a mirror. Mounts and processes live in namespaces that end with the script, however it ends.
#   scripts/try-debian.sh SUITE [OPTION]...     SUITE: bookworm, trixie, ...
#     --tests            also the last of README's commands: all tests, which is what .ci/run does
#     --evaluation       also evaluates the recordings in the repository, and compares the result with the one there, byte by byte
#     --containerfile    instead of README's commands the steps of the Containerfile, then a small run as its user would start it
#     --mirror URL       default: where this machine's own packages come from
#     --cache FOLDER     keeps packages and compiled files in FOLDER, for the next time
#     --log FILE         what tells of the output
set -euo pipefail
cd "$(dirname "$0")/.."

usage() { sed -n 's/^#   //p' "$0" >&2; exit 2; }

outside() {
  [[ ${1:-} =~ ^[a-z]+$ ]] || usage
  export suite=$1 steps=readme tests='' evaluation='' mirror='' cache=''
  local log=/dev/null
  shift
  while [ $# -gt 0 ]; do
    case $1 in
      --tests) tests=yes ;;
      --evaluation) evaluation=yes ;;
      --containerfile) steps=containerfile ;;
      --mirror) mirror=${2:-}; shift ;;
      --cache) cache=${2:-}; shift ;;
      --log) log=${2:-}; shift ;;
      *) usage ;;
    esac
    shift || usage
  done
  [ "$(id -u)" -eq 0 ] || { echo "try-debian: root is required, for chroot and mounts" >&2; exit 3; }
  command -v debootstrap >/dev/null || { echo "try-debian: apt-get install debootstrap" >&2; exit 3; }
  [ -n "$mirror" ] || mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | head -n 1)
  [ -n "$mirror" ] || { echo "try-debian: apt-get update knows of no Debian mirror; name one with --mirror" >&2; exit 3; }
  [ -z "$cache" ] || { mkdir -p "$cache/apt" "$cache/ccache"; cache=$(realpath "$cache"); }

  export base
  base=$(mktemp -d -p /var/tmp alert-bench-debian-XXXXXX)
  chmod 755 "$base"
  # Lines that say no more than how far it is are of no use in a log.
  local installing='/^(Get:|Selecting |\(Reading|Preparing to |Unpacking |Setting up |Processing )/d'
  unshare --mount --pid --fork --kill-child --propagation private "$PWD/scripts/try-debian.sh" --inside \
    > >(tee >(sed -u -E -e 's/\r+$//' -e 's/.*\r//' -e '/^\[[0-9]+\/[0-9]+\] /d' -e '/^ +Start +[0-9]+:/d' -e "$installing" >"$log")) 2>&1 &
  child=$!  # not local: the trap outlives this function
  trap 'kill -KILL "$child" 2>/dev/null || true; wait "$child" 2>/dev/null || true; rm -rf --one-file-system "$base"' EXIT
  wait "$child"
}

# make_root FOLDER: a Debian in which commands can be run.
make_root() {
  echo "try-debian: $suite from $mirror"
  debootstrap --variant=minbase ${cache:+--cache-dir="$cache/apt"} "$suite" "$1" "$mirror" >"$base/debootstrap.log" 2>&1 ||
    { tail -n 20 "$base/debootstrap.log"; return 1; }
  cp /etc/resolv.conf /etc/hosts "$1/etc/"
  apt-config dump | grep -E '^Acquire::(https?::|Check-)' >"$1/etc/apt/apt.conf.d/99-as-outside" || true
  printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d"  # no services
  chmod 755 "$1/usr/sbin/policy-rc.d"
  mount -t proc proc "$1/proc"
  mount --rbind /sys "$1/sys"
  mount --rbind /dev "$1/dev"
  mount -t tmpfs tmpfs "$1/dev/shm"
  if [ -n "$cache" ]; then
    mkdir "$1/ccache"
    mount --bind "$cache/ccache" "$1/ccache"
    mount --bind "$cache/apt" "$1/var/cache/apt/archives"
  fi
}

# in_root FOLDER COMMAND...: nothing of this machine's environment gets in.
in_root() {
  local folder=$1 launcher=()
  shift
  [ -z "$cache" ] || launcher=(CCACHE_DIR=/ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache)
  echo "+ $*"
  chroot "$folder" /usr/bin/env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "${launcher[@]}" \
    bash -c "set -e; cd; TIMEFORMAT='= %0R s'; time { $*; }"
}

install_in() { chroot "$1" sh -c "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $2 >/dev/null 2>&1"; }

# The commands of README's quickstart, one a line, without their comments.
readme_commands() { sed -n '/^## Quickstart/,/^## /{/^```sh$/,/^```$/{/^```/d;s/ *#.*//;p}}' README.md | head -n 3; }

try_readme() {
  local clone quickstart test
  { read -r clone; read -r quickstart; read -r test; } < <(readme_commands)
  [[ $clone == "git clone <this repository> "* && -n $quickstart && -n $test ]] ||
    { echo "try-debian: README.md: the quickstart begins with other commands" >&2; return 2; }
  make_root "$base/root"
  git clone --quiet --bare . "$base/root/alert-bench.git"
  install_in "$base/root" "git ca-certificates${cache:+ ccache}"  # what README takes for granted
  in_root "$base/root" "${clone/<this repository>//alert-bench.git}; $quickstart"
  [ -z "$evaluation" ] || in_root "$base/root" "cd alert-bench; scripts/reproduce.sh --only evaluation --out /root/again;
    sha256sum {results/reference,/root/again}/evaluation/evaluation.json; cmp {results/reference,/root/again}/evaluation/evaluation.json"
  [ -z "$tests" ] || in_root "$base/root" "cd alert-bench; $test"
  chroot "$base/root" dpkg-query -W -f '${Package} ${Version}\n' g++ cmake libtorch-dev catch2 libfmt-dev libicu-dev libopenblas0-openmp \
    python3-matplotlib slurmd 2>/dev/null || true
}

# Each FROM begins a new Debian; RUN and COPY are done in it.
try_containerfile() {
  local word rest root='' stages=0 workdir=/ from to
  declare -A named=()
  while read -r word rest; do
    case $word in
      FROM)
        root=$base/stage$((stages += 1)) workdir=/
        [[ $rest != *" AS "* ]] || named[${rest##* AS }]=$root
        make_root "$root"
        [ -z "$cache" ] || install_in "$root" ccache ;;
      WORKDIR) workdir=$rest; mkdir -p "$root$rest" ;;
      COPY)
        if [[ $rest == --from=* ]]; then
          read -r from to < <(echo "${rest#--from=* }")
          rest=${rest%% *}
          cp "${named[${rest#--from=}]}"$from "$root$to"  # unquoted: a pattern
        else
          git clone --quiet . "$root$workdir/clone" && mv "$root$workdir/clone"/{*,.[!.]*} "$root$workdir" && rmdir "$root$workdir/clone"
        fi ;;
      RUN) in_root "$root" "cd $workdir; export DEBIAN_FRONTEND=noninteractive; $rest" ;;
    esac
  done < <(grep -vE '^ *(#|$)' Containerfile)
  in_root "$root" "cd $workdir; alert-bench doctor || [ \$? -eq 3 ]; alert-bench run smoke --out smoke; /usr/share/alert-bench/scripts/figures.py smoke"
}

if [ "${1:-}" = --inside ]; then
  git log -1 --format='try-debian: commit %h, %cs'
  "try_$steps"
  echo "try-debian: $suite: all commands ended well"
else
  outside "$@"
fi
