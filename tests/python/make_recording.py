"""A small synthetic recording folder that alert-bench replays: seeded, with all that a recording can hold.

    /usr/bin/python3 tests/python/make_recording.py FOLDER [--groups] [--sizes] [--words] [--inputs N] [--seed N]
"""

import argparse
import hashlib
import json
import math
import os

import numpy as np

CAPS = [35.0, 50.0, 65.0, 80.0, 100.0]
POWER = {"name": "assumed", "static_w": 25.0, "dynamic_w": 75.0, "idle_w": 20.0}
# Not in the order of their names; two anytime networks; the second one's last stage is the most accurate.
NETWORKS = [("wide", [11.0], [0.93], 0.6), ("nested-b", [3.1, 5.9, 9.4, 13.3], [0.84, 0.89, 0.91, 0.925], 0.5),
            ("narrow", [2.2], [0.86], 0.4), ("nested-a", [4.0, 7.5], [0.85, 0.9], 0.5)]


def profile_json(workload, sizes, words, random_weights):
    models = []
    for name, ms, accuracy, growth in NETWORKS:
        stages = []
        for one in ms:
            mean = [1e-3 * one / min(1.0, ((c - 25) / 75) ** (1 / 3)) for c in CAPS]
            stages.append({"mean_s": mean, "median_s": mean, "p95_s": [1.05 * m for m in mean], "p99_s": [1.1 * m for m in mean],
                           "cv": [0.02] * len(CAPS)})
        models.append({"name": name, "random_weights": name in random_weights, "accuracy": accuracy, "accuracy_source": "assumed",
                       "accuracy_on": "", **({"size_growth": growth} if sizes else {}), "active_power_w": CAPS, "stages": stages})
    sized = {"size_unit": "tokens", "mean_size": 20.0, "accuracy_unit": "f1"} if sizes else {"accuracy_unit": "language_quality"} if words else {}
    return {"schema_version": "1.0", "workload": workload, **sized, "host": "synthetic", "threads": 1, "repetitions": 20,
            "noise_verdict": "quiet", "latency_source": "measured", "energy_source": "model", "power_backend": "emulated",
            "power_model": {**POWER, "formula": "power(speed) = static_w + dynamic_w * speed^3"}, "idle_power_w": POWER["idle_w"],
            "fail_accuracy": 0.0 if words else 0.1, "caps_w": CAPS, "models": models}


def groups_of(rng, inputs):
    """members_left: groups of 1 to 6; the last one may be cut off, as a recording that was stopped has it."""
    left = []
    while len(left) < inputs:
        left += list(range(int(rng.integers(1, 7)), 0, -1))
    return np.array(left[:inputs], dtype=np.int64)


def scenario_json(name, workload, inputs, warmup, kind, groups):
    return {"schema_version": "1.0", "name": name, "description": "synthetic", "workload": {"name": workload},
            "networks": "networks.json", "inputs": inputs, "warmup_inputs": warmup,
            "power": {"backend": "emulated", "caps_w": CAPS, "model": POWER},
            "goals": [{"name": "energy", "task": "min_energy", "deadline_x": 1.2, "accuracy": 0.87}],
            "co_runner": {"kind": kind, "slowdown": 1.8, "schedule": {"kind": "random", "mean_on_inputs": 20, "mean_off_inputs": 20}},
            "seeds": {"inputs": 1, "schedule": 2, "co_runner": 3, "bootstrap": 4}}


def make(folder, seed=1, inputs=130, warmup=7, groups=False, sizes=False, words=False, slowdown=1.8, name="synthetic", noise=0.04, own=0.01,
         random_weights=("wide",)):
    """`words`: told in language quality. `slowdown` 1: no co-runner. `noise` is shared by all networks on an input, `own` is not."""
    rng = np.random.default_rng(seed)
    os.makedirs(folder, exist_ok=True)
    workload = "ptb" if words else "fashion-mnist"
    profile = profile_json(workload, sizes, words, random_weights)
    on, left = [], 0
    while len(on) < inputs:
        on += [bool(left % 2) and slowdown > 1] * int(rng.integers(15, 30))
        left += 1
    on = np.array(on[:inputs], dtype=np.uint8)
    size = rng.uniform(5, 40, inputs) if sizes else np.ones(inputs)
    rows = [(m, s) for m in range(len(NETWORKS)) for s in range(len(NETWORKS[m][1]))]
    end = np.empty((inputs, len(rows), len(CAPS)))
    for n in range(inputs):
        shared = math.exp(rng.normal(0, noise)) * (slowdown * math.exp(rng.normal(0, 0.06)) if on[n] else 1.0)
        for m, (_, _, _, growth) in enumerate(NETWORKS):
            grown = max(0.05, 1 + growth * (size[n] / 20.0 - 1)) if sizes else 1.0
            for c in range(len(CAPS)):
                luck = shared * math.exp(rng.normal(0, own)) * grown
                for r, (model, s) in enumerate(rows):
                    if model == m:
                        end[n, r, c] = profile["models"][m]["stages"][s]["mean_s"][c] * luck
    arrays = {"stage_end_s": end, "co_runner_on": on}
    accuracy = np.array([NETWORKS[m][2][s] for m, s in rows])
    arrays["top1"] = (rng.random((inputs, len(rows))) < accuracy).astype(np.uint8)
    if sizes:
        arrays["f1"] = np.where(arrays["top1"], 1.0, rng.uniform(0, 0.9, arrays["top1"].shape))
    arrays["missed_top1"] = (rng.random(inputs) < 0.1).astype(np.uint8)
    if words:
        arrays["missed_nll"] = rng.uniform(2, 9, inputs)
        arrays["nll"] = arrays["missed_nll"][:, None] * (1 - accuracy) * rng.uniform(0.5, 1.5, arrays["top1"].shape)
    if sizes:
        arrays["size"] = size
    if groups:
        arrays["members_left"] = groups_of(rng, inputs)

    def write(file, data):
        with open(os.path.join(folder, file), "wb") as f:
            f.write(data)

    def digest(file):
        with open(os.path.join(folder, file), "rb") as f:
            return hashlib.sha256(f.read()).hexdigest()

    write("profile.json", json.dumps(profile, indent=1).encode())
    listed = {}
    for key, values in arrays.items():
        np.save(os.path.join(folder, f"{key}.npy"), values)
        listed[key] = {"file": f"{key}.npy", "dtype": str(values.dtype), "shape": list(values.shape), "sha256": digest(f"{key}.npy"),
                       "unit": "", "meaning": ""}
    info = {"scenario": scenario_json(name, workload, inputs, warmup, "compute" if slowdown > 1 else "none", groups),
            "scenario_path": "scenarios/synthetic.json", "energy_source": "model", "accuracy_source": "profile"}
    write("recording.json", json.dumps(
        {"schema_version": "1.0", "status": "complete", "workload": workload, "planned_inputs": inputs, "inputs": inputs,
         "rows": [{"model": NETWORKS[m][0], "stage": s + 1} for m, s in rows], "caps_w": CAPS,
         "profile": {"file": "profile.json", "sha256": digest("profile.json")}, "arrays": listed, "info": info,
         "input_ids": [f"input-{n}" for n in range(inputs)]}, indent=1).encode())
    return folder


if __name__ == "__main__":
    p = argparse.ArgumentParser(description="Writes a synthetic recording.")
    p.add_argument("folder")
    p.add_argument("--groups", action="store_true", help="inputs that share deadlines")
    p.add_argument("--sizes", action="store_true", help="inputs of different sizes, questions with F1")
    p.add_argument("--words", action="store_true", help="words, told in language quality")
    p.add_argument("--inputs", type=int, default=130)
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    print(make(a.folder, seed=a.seed, inputs=a.inputs, groups=a.groups, sizes=a.sizes, words=a.words))
