#!/usr/bin/env python3
"""A scheduler in Python: alert-bench replay RECORDING --scheduler "cmd:examples/scheduler/greedy.py" --allow-commands"""
import json
import sys

hello = json.loads(sys.stdin.readline())
profile, goals = hello["profile"], hello["goals"]
choices = [(n["accuracy"][s], n["active_power_w"][c] * n["stages"][s]["mean_s"][c], n["stages"][s]["mean_s"][c], n["name"], s + 1, c)
           for n in profile["models"] for s in range(len(n["stages"])) for c in range(len(profile["caps_w"]))]
print(json.dumps({"protocol": 1}), flush=True)
slowdown = 1.0
for line in sys.stdin:
    m = json.loads(line)
    if m["type"] == "observe":
        profiled = next(t for *_, t, name, s, c in choices if (name, s, c) == (m["model"], max(1, m["stages_finished"]), m["cap"]))
        slowdown += 0.5 * ((m["last_stage_end_s"] or m["busy_s"]) / profiled - slowdown)
        continue
    in_time = [c for c in choices if 1.3 * slowdown * c[2] <= m["deadline_from_start_s"]] or [min(choices, key=lambda c: c[2])]
    good = [c for c in in_time if c[0] >= (goals["accuracy"] or 0) and slowdown * c[1] <= (goals["energy_j"] or 1e9)] or in_time
    best = min(good, key=lambda c: c[1] if goals["task"] == "min_energy" else -c[0])
    print(json.dumps({"input": m["input"], "model": best[3], "stage": best[4], "cap": best[5]}), flush=True)
