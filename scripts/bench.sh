#!/usr/bin/env bash
# Runs the benchmarks and writes their results to results/reference/ (or to the folder given). About 16 minutes; leave the
# machine otherwise idle.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-results/reference}
mkdir -p "$out"
scripts/build.sh release
for bench in decide live networks grid; do
  build/bin/bench-$bench >"$out/bench-$bench.json"
  echo "wrote $out/bench-$bench.json"
done
for threads in 1 2; do
  build/bin/bench-caps $threads >"$out/bench-caps-$threads.json"
  echo "wrote $out/bench-caps-$threads.json"
done
scripts/growth.py "$out/bench-grid.json" --out "$out/growth"

# How long programs take to start that must not load LibTorch, and how long Python takes to read a million lines of traces.
/usr/bin/python3 - >"$out/bench-start.json" <<'PY'
import json, os, statistics, subprocess, tempfile, time

BENCH = "build/bin/alert-bench"

def median_ms(*arguments):
    times = []
    for _ in range(15):
        start = time.perf_counter()
        subprocess.run([BENCH, *arguments], stdout=subprocess.DEVNULL, check=True)
        times.append(1e3 * (time.perf_counter() - start))
    return round(statistics.median(times), 2)

starts = {" ".join(a): median_ms(*a) for a in (["--help"], ["replay", "--help"], ["report", "results/reference/quickstart"])}
with tempfile.TemporaryDirectory() as folder:
    recording = sorted(os.listdir("results/reference/recordings"))[0]
    subprocess.run([BENCH, "replay", f"results/reference/recordings/{recording}", "--out", folder + "/r", "--schedulers", "alert"],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    name = sorted(os.listdir(folder + "/r/traces"))[0]
    with open(f"{folder}/r/traces/{name}") as f:
        lines = [line for line in f if '"record":"input"' in line]
    with open(folder + "/long.jsonl", "w") as f:
        for n in range(1_000_000):
            f.write(lines[n % len(lines)])
    start = time.perf_counter()
    with open(folder + "/long.jsonl") as f:
        count = sum(1 for line in f if json.loads(line)["record"] == "input")
    reading_s = time.perf_counter() - start
print(json.dumps({"start_ms": starts, "trace_lines_read_by_python": {"lines": count, "s": round(reading_s, 2)}}, indent=1))
PY
echo "wrote $out/bench-start.json"
