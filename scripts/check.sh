#!/usr/bin/env bash
# Checks what no test sees: the format of the C++ code, headers that compile alone, and what linters find. Needs a release build for the
# generated header and the list of sources; a tool that is absent, or of another version, is skipped aloud.
#   scripts/check.sh [format|headers|tidy|python]...      all of them if none is named
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- format headers tidy python
jobs=$(nproc)
flags=(-std=c++17 -I lib -I include -I build/generated)
status=0

skip() { echo "check: $1: SKIPPED: $2"; }
report() {  # NAME STATUS
  if [ "$2" -eq 0 ]; then echo "check: $1: ok"; else echo "check: $1: FAILED"; status=1; fi
}
sources() { git ls-files "$@" | while read -r file; do [ ! -f "$file" ] || echo "$file"; done; }

# Other versions break lines in other places, and warn of other things.
is_version_14() {  # CHECK TOOL
  local version
  version=$({ "$2" --version 2>/dev/null || true; } | sed -n 's/.*version \([0-9]*\).*/\1/p')
  [ "$version" = 14 ] || { skip "$1" "needs $2 14 (Debian 12's), found ${version:-none}"; return 1; }
}

check_format() {
  is_version_14 format clang-format || return 0
  local code=0
  sources '*.cpp' '*.h' | xargs -P "$jobs" -n 40 clang-format --dry-run -Werror || code=1
  report format $code
}

check_headers() {
  local code=0
  sources 'lib/*.h' | grep -v -f <(torch_headers) | xargs -P "$jobs" -I HEADER g++ -fsyntax-only -Wall -Wextra -Werror "${flags[@]}" -include HEADER -x c++ /dev/null ||
    code=1
  report headers $code
}
# What is included only where LibTorch is, which takes each compiler seconds.
torch_headers() { grep -lE '<(torch|ATen|c10)/' lib/*/*.h lib/*/*/*.h; grep -l 'models/\(weights\|compute_device\)\.h"' lib/models/*.h lib/training/*.h; }

check_tidy() {
  is_version_14 tidy clang-tidy || return 0
  local code=0
  # What links no LibTorch, folder by folder as the build compiles it: the headers cost more than the code.
  find build/CMakeFiles/alert-core.dir/Unity build/apps -name 'unity_*.cxx' -not -path '*/alert-train/*' | sort |
    xargs -P "$jobs" -n 1 sh -c 'clang-tidy --quiet "$0" -- '"${flags[*]}"' 2>/dev/null' || code=1
  report tidy $code
}

check_python() {
  command -v ruff >/dev/null || { skip python "needs ruff (pipx install ruff)"; return; }
  local code=0
  ruff check --quiet . || code=1
  report python $code
}

for check in "$@"; do
  case $check in
    format | headers | tidy | python) "check_$check" ;;
    *) echo "check: there is no \"$check\": format, headers, tidy, python" >&2; exit 2 ;;
  esac
done
exit $status
