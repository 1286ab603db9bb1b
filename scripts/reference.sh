#!/usr/bin/env bash
# Measures the contents of results/reference/ again; leave the machine otherwise idle. Without arguments everything
# (about 30 minutes), or else only the parts named. PTB=DIR is the folder with ptb.{train,valid,test}.txt; without it the
# text is synthetic.
#   scripts/reference.sh [bench] [quickstart] [ptb] [questions] [zoo] [profiles] [co-runners] [live]
# live: each workload of the evaluation whose data is there (see scripts/record-reference.sh), live beside its replay.
set -euo pipefail
cd "$(dirname "$0")/.."
bench=build/bin/alert-bench out=results/reference
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. scripts/workloads.sh

measure_bench() { scripts/bench.sh; }

measure_quickstart() {
  "$bench" run scenarios/quickstart.json --out "$work/quickstart" | tee "$work/table"
  scripts/figures.py "$work/quickstart"
  mkdir -p $out/quickstart/figures
  cp "$work/table" $out/quickstart/table.txt
  cp "$work"/quickstart/{manifest,profile,summary}.json $out/quickstart/
  sed -i "s#$work#results#g" $out/quickstart/manifest.json
  cp "$work"/quickstart/figures/*.png $out/quickstart/figures/
}

measure_ptb() {
  mkdir -p $out/ptb
  "$bench" run scenarios/ptb.json ${PTB:+--data "ptb=$PTB"} --out "$work/ptb" | tee $out/ptb/table.txt
}

# Every network x stage x cap of each workload on this machine.
measure_profiles() {
  mkdir -p profiles
  local cpu workload scenario
  cpu=$(awk -F': *' '/^model name/ {print tolower($2); exit}' /proc/cpuinfo | sed 's/(r)//g; s/(tm)//g; s/ processor//' | tr -cs 'a-z0-9' - | sed 's/^-*//; s/-*$//')
  for workload in fashion-mnist:quickstart imagenet:default ptb:ptb squad:squad; do
    scenario=scenarios/${workload#*:}.json
    # The scenario of questions omits a network of 110 million parameters; the others are to have all of theirs.
    "$bench" profile $scenario $([ "$workload" = squad:squad ] || echo --set 'candidates=[]') $([ "$workload" != ptb:ptb ] || echo ${PTB:+--data "ptb=$PTB"}) --overwrite \
      --out "profiles/${workload%:*}.$cpu.json"
  done
}

# How far the slow-down factor spreads with and without the model of an input's size: synthetic questions, no co-runner.
measure_questions() {
  mkdir -p $out/questions
  "$bench" record scenarios/squad.json --set co_runner.kind=none --inputs 40 --out "$work/questions"
  cp "$work/questions/profile.json" $out/questions/
  python3 - "$work/questions/recording/recording.json" >$out/questions/spread.json <<'PY'
import json, sys
with open(sys.argv[1]) as f:
    recording = json.load(f)
print(json.dumps({"inputs": recording["inputs"], "cpu": recording["info"]["host"].get("cpu_model"),
                  "spread_of_the_slowdown_sd_over_mean": {n["network"]: n["spread"] for n in recording["info"]["slowdowns"]["networks"]}},
                 indent=1))
PY
}

measure_zoo() {
  mkdir -p $out/zoo
  "$bench" profile scenarios/default.json --networks networks/imagenet-zoo.json --set 'power.caps_w=[100]' --set record.pace=none \
    --out $out/zoo/profile.json --overwrite
  scripts/figures.py $out/zoo --only error_latency
  rm $out/zoo/figures/{*.pdf,written.json}
}

# How far the co-runners of the ImageNet scenarios slow two networks down, uncapped.
measure_co-runners() {
  for name in compute-1 compute-2 memory-1 memory-2; do
    "$bench" record scenarios/$name.json --out "$work/$name" --set 'candidates=["resnet-50","nested-resnet-50"]' \
      --set 'power.caps_w=[100]'
  done
  python3 - "$work" >$out/co-runners.json <<'PY'
import json, sys
result = {}
for name in ("compute-1", "compute-2", "memory-1", "memory-2"):
    with open(f"{sys.argv[1]}/{name}/recording/recording.json") as f:
        recording = json.load(f)
    scenario = recording["info"]["scenario"]
    result[name] = {"asked": scenario["co_runner"]["slowdown"], "came_out": recording["info"]["slowdowns"],
                    "co_runner": recording["info"]["co_runner"], "inputs": scenario["inputs"],
                    "cpu": recording["info"]["host"].get("cpu_model")}
print(json.dumps(result, indent=1))
PY
}

# Whether replay stands for live runs: both of one scenario a workload, under a compute-intensive co-runner.
measure_live() {
  local workload lacks
  mkdir -p $out/live
  for workload in fashion-mnist ptb imagenet squad; do
    lacks=$(missing_variable $workload)
    [ -z "$lacks" ] || { echo "reference: live: $workload is omitted: $lacks is not set" >&2; continue; }
    set_data_options $workload
    "$bench" run scenarios/reference/$workload.json "${data_options[@]}" --inputs 200 --out "$work/live/$workload" \
      --set co_runner.slowdown=1.8 --schedulers alert,price,sys-only,no-coord,app-only,jouleguard | tee $out/live/$workload.txt ||
      [ "${PIPESTATUS[0]}" -eq 4 ]  # a result that is not valid says why, and is kept
    omit_folders $out/live/$workload.txt
  done
  python3 - "$work"/live/*/summary.json >$out/live/live.json <<'PY'
import json, sys
workloads = []
for path in sys.argv[1:]:
    with open(path) as f:
        summary = json.load(f)
    with open(path.replace("summary.json", "profile.json")) as f:
        noise = json.load(f)["noise_verdict"]
    result = {(r["scheduler"], r["setting"], r["mode"]): r for r in summary["results"]}
    pairs = []
    for pair in summary["live_against_replay"]:
        live, replay = (result[pair["scheduler"], pair["setting"], mode] for mode in ("live", "replay"))
        pairs.append({**pair, "mean_latency_ratio": live["latency_s"]["mean"] / replay["latency_s"]["mean"],
                      "stopped_share": live["stopped"] / live["inputs"],  # of the live inputs: networks that were stopped, and how late
                      "overshoot_s": live["overshoot_s"]["mean"] if live["stopped"] else None})
    workloads.append({"workload": summary["workload"], "inputs": summary["results"][0]["inputs"], "noise_verdict": noise, "pairs": pairs})
print(json.dumps({"workloads": workloads}, indent=1))
PY
}

[ $# -gt 0 ] || set -- bench quickstart ptb questions zoo profiles co-runners live
for what in "$@"; do
  declare -F "measure_$what" >/dev/null || { sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }
done
scripts/build.sh release
for what in "$@"; do "measure_$what"; done
