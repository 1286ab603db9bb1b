"""Small made-up recordings, of the shape that alert-bench records, and sweeps over them. For tests.

    /usr/bin/python3 tests/cli/tiny_recording.py FOLDER NAME [SEED] [INPUTS]
"""
import hashlib
import json
import os
import sys

import numpy as np

CAPS = [50.0, 75.0, 100.0]
MODELS = [("plain-small", [2.0], [0.8]), ("plain-large", [6.0], [0.92]), ("nested", [2.5, 5.0, 8.0], [0.78, 0.86, 0.9])]
FAIL, WARMUP = 0.1, 4


def write_json(path, content):
    with open(path, "w") as f:
        json.dump(content, f, indent=1)
        f.write("\n")


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def mean_s():
    """[row][cap]"""
    speed = np.minimum(1.0, ((np.array(CAPS) - 25) / 75) ** (1 / 3))
    return np.array([ms for _, stages, _ in MODELS for ms in stages])[:, None] * 1e-3 / speed[None, :]


def profile():
    rows, models = iter(mean_s()), []
    for name, stages, accuracy in MODELS:
        latency = [{k: next_row.tolist() for k in ("mean_s", "median_s", "p95_s", "p99_s")} | {"cv": [0.02] * len(CAPS)}
                   for next_row in (next(rows) for _ in stages)]
        models.append({"name": name, "random_weights": False, "accuracy": accuracy, "accuracy_source": "assumed",
                       "accuracy_on": "made up", "active_power_w": CAPS, "stages": latency})
    return {"schema_version": "1.0", "workload": "fashion-mnist", "caps_w": CAPS, "fail_accuracy": FAIL, "idle_power_w": 20,
            "energy_source": "model", "latency_source": "measured", "power_backend": "emulated",
            "power_model": {"name": "assumed", "static_w": 25, "dynamic_w": 75, "idle_w": 20}, "repetitions": 20,
            "host": "made up", "threads": 1, "noise_verdict": "quiet", "models": models}


def scenario(name, seed, inputs):
    return {"schema_version": "1.0", "name": name, "workload": {"name": "fashion-mnist"}, "networks": "networks.json",
            "inputs": inputs, "warmup_inputs": WARMUP, "power": {"caps_w": CAPS},
            "goals": [{"name": "energy", "task": "min_energy", "deadline_x": 1.2, "accuracy": 0.85}],
            "co_runner": {"kind": "compute", "slowdown": 1.5},
            "seeds": {"inputs": seed, "schedule": seed, "co_runner": seed, "bootstrap": 4}}


def make(folder, name, seed=1, inputs=60):
    """A recording folder; the same arguments give the same files."""
    os.makedirs(folder)
    random = np.random.default_rng(abs(hash_of(name)) + seed)
    on = (np.arange(inputs) // 12 % 2).astype(np.uint8)
    slow = np.where(on == 1, 1.5, 1.0) * random.lognormal(0, 0.05, inputs)
    end_s = slow[:, None, None] * mean_s()[None]
    rows = end_s.shape[1]
    right = random.random((inputs, rows)) < np.array([q for _, _, accuracy in MODELS for q in accuracy])[None]
    arrays = {"stage_end_s": (end_s, "s"), "co_runner_on": (on, "1"), "top1": (right.astype(np.uint8), "1"),
              "missed_top1": (np.zeros(inputs, np.uint8), "1")}
    write_json(folder + "/profile.json", profile())
    described = {}
    for array, (values, unit) in arrays.items():
        np.save(f"{folder}/{array}.npy", np.ascontiguousarray(values))
        described[array] = {"file": array + ".npy", "dtype": values.dtype.name, "shape": list(values.shape),
                            "sha256": sha256(f"{folder}/{array}.npy"), "unit": unit, "meaning": "made up"}
    write_json(folder + "/recording.json", {
        "schema_version": "1.0", "status": "complete", "workload": "fashion-mnist", "planned_inputs": inputs, "inputs": inputs,
        "rows": [{"model": m, "stage": s + 1} for m, stages, _ in MODELS for s in range(len(stages))], "caps_w": CAPS,
        "profile": {"file": "profile.json", "sha256": sha256(folder + "/profile.json")}, "arrays": described,
        "info": {"scenario": scenario(name, seed, inputs), "scenario_path": "made-up.json", "energy_source": "model",
                 "accuracy_source": "measured", "slowdowns": {"median_ratio_over_networks": 1.5}},
        "input_ids": [f"input {n}" for n in range(inputs)]})


def hash_of(text):
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)


def sweep(**changes):
    content = {"schema_version": "1.0", "kind": "sweep", "name": "tiny", "recordings": ["recordings/*"],
               "grid": {"deadlines": 3, "levels": 2}}
    content.update(changes)
    return content


if __name__ == "__main__":
    make(*sys.argv[1:3], *map(int, sys.argv[3:]))
