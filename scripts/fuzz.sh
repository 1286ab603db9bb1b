#!/usr/bin/env bash
# Runs the file readers under libFuzzer, with sanitizers, each for an equal share of the time; requires clang.
#   scripts/fuzz.sh MINUTES [READER]...       READER as in tests/fuzz/readers.cpp; default: all
# Inputs that reach new code are kept in build-fuzz/corpus/READER, and the next call starts from them. ALERT_FUZZ_PRESET=fuzz-fast uses a
# faster build with fewer checks (no address sanitizer). Exit code 1: there are findings; the last
# column names the input, and `ALERT_FUZZ_READER=READER build-fuzz/bin/alert-fuzz FILE` runs it again.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -ge 1 ] || { sed -n '2,7p' "$0"; exit 2; }
minutes=$1
shift
preset=${ALERT_FUZZ_PRESET:-fuzz}
scripts/build.sh "$preset" alert-fuzz >&2
program=build-$preset/bin/alert-fuzz
if [ $# -gt 0 ]; then readers=("$@"); else mapfile -t readers < <("$program" --list); fi
seconds=$(awk -v m="$minutes" -v n="${#readers[@]}" 'BEGIN { s = int(60 * m / n); print s < 1 ? 1 : s }')
base=/tmp
[ ! -d /dev/shm ] || base=/dev/shm
TMPDIR=$(mktemp -d "$base/alert-fuzz.XXXXXX")
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

statistic() { sed -n "s/^stat::$2: *//p" "$1" | tail -1; }

status=0
printf '%-20s %12s %10s %12s  %s\n' reader inputs inputs/s 'slowest ms' findings
for reader in "${readers[@]}"; do
  folder=build-fuzz/corpus/$reader
  found=build-fuzz/findings/$reader
  log=build-fuzz/$reader.log
  mkdir -p "$folder" "$found"
  touch "$TMPDIR/begin"
  # Larger inputs reach the same code, slower; what only a large one does (nesting, long lines) has unit tests.
  ALERT_FUZZ_READER=$reader "$program" "$folder" "tests/fuzz/seeds/$reader" -dict=tests/fuzz/words.dict -max_total_time="$seconds" \
    -max_len="${ALERT_FUZZ_MAX_LEN:-4096}" -rss_limit_mb=2048 -timeout=10 -artifact_prefix="$found/" -print_final_stats=1 >"$log" 2>&1 || true
  files=$(find "$found" -type f -newer "$TMPDIR/begin" | sort | tr '\n' ' ')
  slowest=$(sed -n 's/^slowest: //; s/ ms$//p' "$log" | tail -1)
  printf '%-20s %12s %10s %12s  %s\n' "$reader" "$(statistic "$log" number_of_executed_units)" "$(statistic "$log" average_exec_per_sec)" \
    "${slowest:-?}" "${files:-none}"
  [ -z "$files" ] || status=1
  grep -q '^stat::number_of_executed_units' "$log" || { echo "$reader: did not run, see $log" >&2; status=1; }
done
exit $status
