"""A synthetic result folder: seeded, in the shape that alert-bench writes, numbers of a plausible size. For tests of what is drawn.

    /usr/bin/python3 tests/python/make_result.py FOLDER [--grid N] [--inputs N] [--seed N] [--evaluation WORKLOAD,...]
"""

import argparse
import json
import math
import os

import numpy as np

CAPS = [35.0, 50.0, 65.0, 80.0, 100.0]
SPEED = np.array([min(1.0, ((c - 25) / 75) ** (1 / 3)) for c in CAPS])
IDLE = 20.0
TRADITIONAL = [("resnet-8", 2.1, 0.868), ("resnet-14", 4.0, 0.894), ("resnet-20", 6.9, 0.913), ("resnet-32", 11.0, 0.926)]
NESTED = ("nested", [2.9, 5.4, 8.8, 13.0], [0.861, 0.889, 0.908, 0.920])
FAIL = 0.1
SCHEDULERS = ["alert", "alert-trad", "alert-any", "alert-mean", "sys-only", "app-only", "no-coord", "oracle", "oracle-static"]
TOLERANCE = {"accuracy": 0.005, "energy": 0.02}
SPELLS = {"compute-1": (1.3, 0.05), "compute-2": (1.8, 0.08)}  # slow-down and its spread


class Network:
    def __init__(self, name, ms, accuracy):
        self.name, self.accuracy = name, np.array(accuracy)
        self.mean_s = np.array(ms)[:, None] * 1e-3 / SPEED[None, :]
        self.stages = len(ms)


NETWORKS = [Network(n, [ms], [q]) for n, ms, q in TRADITIONAL] + [Network(*NESTED)]
FIRST = np.cumsum([0] + [n.stages for n in NETWORKS])


def profile_json(random_weights):
    models = []
    for n in NETWORKS:
        stages = [{"mean_s": m.tolist(), "median_s": (m * 0.995).tolist(), "p95_s": (m * 1.05).tolist(),
                   "p99_s": (m * 1.1).tolist(), "cv": [0.02] * len(CAPS)} for m in n.mean_s]
        models.append({"name": n.name, "random_weights": n.name in random_weights, "accuracy": n.accuracy.tolist(),
                       "accuracy_source": "measured", "accuracy_on": "Fashion-MNIST test", "active_power_w": CAPS, "stages": stages})
    return {"schema_version": "1.0", "workload": "Fashion-MNIST", "host": "synthetic, 1 thread", "caps_w": CAPS,
            "fail_accuracy": FAIL, "idle_power_w": IDLE, "energy_source": "model", "latency_source": "measured",
            "power_model": {"name": "assumed", "static_w": 25, "dynamic_w": 75, "idle_w": IDLE,
                            "formula": "power(speed) = static_w + dynamic_w * speed^3"}, "models": models}


def schedule(rng, inputs):
    """Name of the co-runner per input, or None."""
    names, on = [], False
    while len(names) < inputs:
        names += [str(rng.choice(list(SPELLS))) if on else None] * int(rng.integers(18, 42))
        on = not on
    return names[:inputs]


def truth(rng, co_runner):
    """[input][row][cap] finish times."""
    table = np.empty((len(co_runner), FIRST[-1], len(CAPS)))
    for n, name in enumerate(co_runner):
        mean, sd = SPELLS.get(name, (1.0, 0.04))
        for i, net in enumerate(NETWORKS):
            for cap in range(len(CAPS)):  # stages of one execution share its luck
                xi = mean * math.exp(rng.normal(0, sd)) * (1 + (rng.random() < 0.01) * rng.exponential(0.6))
                table[n, FIRST[i]:FIRST[i + 1], cap] = net.mean_s[:, cap] * xi
    return table


def outcome(ends, net, target, cap, deadline):
    """(latency, busy, delivered stage) by the rules of lib/core/delivery.h; `ends` of the stages of `net` under `cap`."""
    in_time = int(np.sum(ends[:target] <= deadline))
    if net.stages == 1:
        return ends[0], ends[0], in_time
    busy = min(ends[target - 1], max(deadline, 0)) if in_time else deadline + 2e-4
    latency = ends[in_time - 1] if in_time else busy
    return latency, busy, in_time


def phi(z):
    return 0.5 * (1 + math.erf(z / math.sqrt(2)))


class Alert:
    """Close enough to ALERT for pictures."""

    def __init__(self, kinds, use_sd, goals):
        self.kinds, self.use_sd, self.goals = kinds, use_sd, goals
        self.mu, self.var, self.gain, self.q, self.y = 1.0, 0.02, 0.5, 0.02, 0.0

    def decide(self, n):
        T = self.goals["deadline_s"]
        sd = math.sqrt(self.var) if self.use_sd else 1e-4
        best = None
        for i, net in enumerate(NETWORKS):
            if (net.stages > 1 and "any" not in self.kinds) or (net.stages == 1 and "trad" not in self.kinds):
                continue
            for target in range(1, net.stages + 1):
                for cap in range(len(CAPS)):
                    t = net.mean_s[:target, cap]
                    p = [phi((T / x - self.mu) / sd) for x in t] + [0]
                    q = (1 - p[0]) * FAIL + sum((p[s] - p[s + 1]) * net.accuracy[s] for s in range(target))
                    busy = min(self.mu * t[-1], T) if net.stages > 1 else self.mu * t[-1]
                    e = CAPS[cap] * busy + IDLE * max(0, T - busy)
                    if self.goals["accuracy"] is not None:
                        key = (q < self.goals["accuracy"], e if q >= self.goals["accuracy"] else -q)
                    else:
                        key = (e > self.goals["energy_j"], -q, e)
                    if best is None or key < best[0]:
                        best = (key, (i, target, cap))
        return best[1]

    def observe(self, ratio):
        self.q = max(0.0008, 0.3 * self.q + 0.7 * (self.gain * self.y) ** 2)
        self.var = (1 - self.gain) * self.var + self.q
        self.gain = self.var / (self.var + 0.001)
        self.y = ratio - self.mu
        self.mu += self.gain * self.y
        return {"observed": ratio, "mean": self.mu, "sd": math.sqrt(self.var)}


class Feedback:
    """sys-only (fastest network), app-only (uncapped), no-coord (both controls on their own)."""

    def __init__(self, name, goals):
        self.name, self.goals, self.xi = name, goals, 1.0

    def decide(self, n):
        model, stage = (0, 1) if self.name == "sys-only" else (4, 4)
        if self.name == "app-only":
            return model, stage, len(CAPS) - 1
        net = NETWORKS[model]
        fits = [c for c in range(len(CAPS)) if net.mean_s[-1, c] * self.xi <= self.goals["deadline_s"] * 0.97]
        return model, stage, fits[0] if fits else len(CAPS) - 1

    def observe(self, ratio):
        self.xi += 0.5 * (ratio - self.xi)
        return None


def all_outcomes(table, goals):
    """Every configuration on every input: {(model, stage, cap): (energy[], accuracy[], violated[], late[])}."""
    found = {}
    for i, net in enumerate(NETWORKS):
        for target in range(1, net.stages + 1):
            for cap in range(len(CAPS)):
                rows = [judge(table[n, FIRST[i]:FIRST[i + 1], cap], net, target, cap, goals) for n in range(len(table))]
                found[i, target, cap] = tuple(np.array(column) for column in
                                              zip(*[(r["e"], r["q"], r["any"], r["violations"]["deadline"]) for r in rows]))
    return found


def judge(ends, net, target, cap, goals):
    T = goals["deadline_s"]
    latency, busy, delivered = outcome(ends, net, target, cap, T)
    e = CAPS[cap] * busy + IDLE * max(0, T - busy)
    q = float(net.accuracy[delivered - 1]) if delivered else FAIL
    v = {"deadline": bool(latency > T), "accuracy": None if goals["accuracy"] is None else bool(q < goals["accuracy"]),
         "energy": None if goals["energy_j"] is None else bool(e > goals["energy_j"])}
    return {"latency": latency, "busy": busy, "delivered": delivered, "e": e, "q": q, "violations": v, "any": any(v.values())}


def verdict(goals, late, q, e):
    """As lib/core/goal_judge.h, of inputs alone, from columns: what is late, accuracy, energy; the goals read as means and strictly."""
    late_share, mean_q, mean_e = float(np.mean(late)), float(np.mean(q)), float(np.mean(e))
    over = lambda slack: bool(late_share > 0.1
                              or (goals["accuracy"] is not None and mean_q < goals["accuracy"] - slack * TOLERANCE["accuracy"])
                              or (goals["energy_j"] is not None and mean_e > goals["energy_j"] * (1 + slack * TOLERANCE["energy"])))
    broke = np.array(late, dtype=bool)
    if goals["accuracy"] is not None:
        broke = broke | (np.array(q) < goals["accuracy"])
    if goals["energy_j"] is not None:
        broke = broke | (np.array(e) > goals["energy_j"])
    return {"inputs": len(broke), "groups": len(broke), "late_share": late_share, "mean_accuracy": mean_q, "mean_energy_j": mean_e,
            "violated_mean": over(1), "violated_exact": over(0), "violated_strict": bool(broke.mean() > 0.1)}


def decisions_of_oracle(name, table, goals):
    cost = all_outcomes(table, goals)
    objective = (lambda c: cost[c][0]) if goals["accuracy"] is not None else (lambda c: 1 - cost[c][1] + 1e-6 * cost[c][0])
    if name == "oracle-static":
        fit = [c for c, (e, q, _, late) in cost.items() if not verdict(goals, late, q, e)["violated_mean"]]
        best = min(fit, key=lambda c: objective(c).mean()) if fit else min(cost, key=lambda c: cost[c][2].mean())
        return [best] * len(table)
    keys = list(cost)
    score = np.array([objective(c) + 1e3 * cost[c][2] for c in keys])
    return [keys[k] for k in score.argmin(axis=0)]


def settings(grid, reference_s):
    found = []
    for k, (time, quality) in enumerate([(1.25, 0.905), (0.6, 0.885), (1.5, 0.918), (2.0, 0.9), (0.8, 0.86), (1.0, 0.88)][:grid], 1):
        found.append((f"energy-{k}", "min_energy", {"deadline_s": time * reference_s, "accuracy": quality, "energy_j": None}))
    for k, (time, power) in enumerate([(1.25, 62), (0.6, 80), (1.5, 45), (2.0, 38), (0.8, 95), (1.0, 55)][:grid], 1):
        T = time * reference_s
        found.append((f"error-{k}", "min_error", {"deadline_s": T, "accuracy": None, "energy_j": power * T}))
    return found


def write_trace(path, scheduler, setting, task, goals, mode, table, co_runner):
    if scheduler.startswith("alert"):
        kinds = {"alert-trad": {"trad"}, "alert-any": {"any"}}.get(scheduler, {"trad", "any"})
        brain = Alert(kinds, scheduler != "alert-mean", goals)
    elif scheduler.startswith("oracle"):
        brain = None
        fixed = decisions_of_oracle(scheduler, table, goals)
    else:
        brain = Feedback(scheduler, goals)
    lines = [{"record": "header", "schema_version": "1.1", "scheduler": scheduler, "setting": setting, "scenario": "compute-mixed",
              "task": task, "goals": {**goals, "judge": "mean", "goal_tolerance": TOLERANCE}, "energy_source": "model", "accuracy_source": "profile", "mode": mode,
              "manifest": "../manifest.json"}]
    arrival = 0.0
    seen = []
    for n in range(len(table)):
        i, target, cap = brain.decide(n) if brain else fixed[n]
        net = NETWORKS[i]
        ends = table[n, FIRST[i]:FIRST[i + 1], cap]
        r = judge(ends, net, target, cap, goals)
        last = max(1, r["delivered"])
        seen.append((r["violations"]["deadline"], r["q"], r["e"]))
        _, mean_q, mean_e = np.mean(seen, axis=0)
        means = {"mean_accuracy": None if goals["accuracy"] is None else bool(mean_q < goals["accuracy"] - TOLERANCE["accuracy"]),
                 "mean_energy": None if goals["energy_j"] is None else bool(mean_e > goals["energy_j"] * (1 + TOLERANCE["energy"]))}
        xi = brain.observe(float(ends[last - 1] / net.mean_s[last - 1, cap])) if brain else None
        lines.append({"record": "input", "input": n, "warmup": False, "arrival_s": arrival, "deadline_s": goals["deadline_s"],
                      "model": net.name, "stage_target": target, "cap_w": CAPS[cap], "stage_delivered": r["delivered"],
                      "stage_end_s": ends[:last].tolist(), "latency_s": float(r["latency"]), "busy_s": float(r["busy"]),
                      "decide_s": 2e-5 if mode == "live" else None, "accuracy": r["q"], "correct": None, "energy_j": float(r["e"]),
                      "active_power_w": CAPS[cap], "idle_power_w": IDLE, "slowdown": xi, "predicted": None,
                      "co_runner": co_runner[n], "violations": {**r["violations"], **means}})
        arrival += max(goals["deadline_s"], r["busy"])
    lines.append({"record": "end", "inputs": len(table), "status": "complete", "reason": None, "verdict": verdict(goals, *zip(*seen))})
    with open(path, "w", encoding="utf-8") as f:
        f.write("".join(json.dumps(line) + "\n" for line in lines))


def summary_entries(folder):
    """As lib/metrics/summary.cpp writes them, recomputed from the traces; intervals are stand-ins of 4 % either way."""
    runs = {}
    for name in sorted(os.listdir(os.path.join(folder, "traces"))):
        with open(os.path.join(folder, "traces", name), encoding="utf-8") as f:
            lines = [json.loads(line) for line in f]
        runs[lines[0]["scheduler"], lines[0]["setting"], lines[0]["mode"]] = (lines[0], [r for r in lines if r["record"] == "input"], lines[-1]["verdict"])
    entries = []
    for (scheduler, setting, mode), (head, rows, judged) in runs.items():
        share = {k: np.mean([bool(r["violations"][k]) for r in rows]) for k in ("deadline", "accuracy", "energy")}
        share["any"] = np.mean([any(r["violations"][k] for k in ("deadline", "accuracy", "energy")) for r in rows])
        mean = lambda rows: float(np.mean([r["energy_j"] if head["task"] == "min_energy" else 1 - r["accuracy"] for r in rows]))
        base = runs.get(("oracle-static", setting, "replay"))
        ratio = mean(rows) / mean(base[1]) if base and not base[2]["violated_mean"] else None
        entries.append({"scheduler": scheduler, "setting": setting, "mode": mode, "task": head["task"], "inputs": len(rows),
                        "groups": len(rows), "judge": "mean", "violated": judged["violated_mean"], "late_share": judged["late_share"],
                        "mean": {"violated": judged["violated_mean"], "violated_exact": judged["violated_exact"]},
                        "strict": {"violated": judged["violated_strict"]}, "satisfaction": float(1 - share["any"]),
                        "violations": {k: float(v) for k, v in share.items()},
                        "mean_energy_j": float(np.mean([r["energy_j"] for r in rows])),
                        "mean_error": float(np.mean([1 - r["accuracy"] for r in rows])), "normalised": ratio,
                        "normalised_interval": ratio and [0.96 * ratio, 1.04 * ratio]})
    return entries


def task_entries(entries):
    """As lib/metrics/summary.cpp writes them; intervals are stand-ins of 3 % either way."""
    infeasible = {e["setting"] for e in entries if e["scheduler"] == "oracle-static" and e["mode"] == "replay" and e["violated"]}
    groups = {}
    for e in entries:
        if e["setting"] not in infeasible:
            groups.setdefault((e["scheduler"], e["mode"], e["task"]), []).append(e)
    tasks = []
    for (scheduler, mode, task), own in groups.items():
        counted = [e["normalised"] for e in own if not e["violated"] and e["normalised"]]
        value = float(np.mean(counted)) if counted else None
        tasks.append({"scheduler": scheduler, "mode": mode, "task": task, "settings": len(own),
                      "violated_settings": sum(e["violated"] for e in own), "counted_settings": len(counted),
                      "normalised": value, "normalised_interval": value and [0.97 * value, 1.03 * value]})
    return tasks


# ---- evaluation.json

EVALUATED = SCHEDULERS + ["oracle-mean", "oracle-causal"]
SCENARIOS = {"default": ("none", None, 1.0), "compute-1": ("compute", 1.3, 1.3), "compute-2": ("compute", 1.8, 1.8),
             "memory-1": ("memory", 1.3, 1.25), "memory-2": ("memory", 1.6, 1.55)}
RATIOS = {"normalised": "oracle-static", "over_static": "oracle-static", "over_oracle": "oracle", "over_oracle_mean": "oracle-mean",
          "over_oracle_causal": "oracle-causal"}
# Its objective over the oracle's, how many more inputs it breaks a goal on, and its spread.
CHARACTER = {"alert": (1.12, 0.01, 0.03), "alert-trad": (1.17, 0.03, 0.04), "alert-any": (1.15, 0.02, 0.03),
             "alert-mean": (1.09, 0.05, 0.03), "sys-only": (1.42, 0.07, 0.10), "app-only": (1.75, 0.02, 0.15),
             "no-coord": (1.35, 0.09, 0.08), "oracle": (1.0, 0.0, 0.0), "oracle-static": (1.18, 0.04, 0.04),
             "oracle-mean": (0.97, 0.0, 0.0), "oracle-causal": (1.06, 0.005, 0.01)}


def estimate(groups, harmonic, rng, resamples=200):
    """As lib/evaluation/evaluation.cpp joins the values of cells, with a bootstrap over cells and settings."""
    groups = [np.array(g) for g in groups if len(g)]
    if not groups:
        return None
    join = lambda means: 1 / np.mean(1 / means, axis=-1) if harmonic else np.mean(means, axis=-1)
    n = sum(len(g) for g in groups)
    low = high = None
    if n > 1:
        shape = (resamples, len(groups))
        means = np.stack([g[rng.integers(0, len(g), (*shape, len(g)))].mean(axis=-1) for g in groups])
        drawn = np.take_along_axis(means, rng.integers(0, len(groups), (1, *shape)), axis=0)[0]
        low, high = (float(v) for v in np.percentile(join(drawn), [2.5, 97.5]))
    return {"value": float(join(np.array([g.mean() for g in groups]))), "low": low, "high": high, "settings": n}


def totals(cells, schedulers, rng):
    found = {}
    for name in schedulers:
        of = lambda pick, harmonic: estimate([[v for v in map(pick, c["settings"]) if v is not None] for c in cells], harmonic, rng)
        feasible = [s for c in cells for s in c["settings"] if s["feasible"]]
        where = lambda pick: of(lambda s: pick(s["results"][name]) if s["feasible"] else None, False)
        strict = [s for c in cells for s in c["settings"] if s["feasible_strict"]]
        found[name] = {"feasible_settings": len(feasible), "violated_settings": sum(s["results"][name]["violated"] for s in feasible),
                       "strict": {"feasible_settings": len(strict),
                                  "violated_settings": sum(s["results"][name]["strict"]["violated"] for s in strict)},
                       "violation_rate": where(lambda r: float(r["violated"])), "in_time": where(lambda r: 1 - r["late_share"]),
                       "satisfaction": where(lambda r: r["strict"]["satisfaction"]),
                       **{key: of(lambda s, key=key: s["results"][name][key], True) for key in RATIOS}}
    return found


def setting(rng, task, schedulers, x, level, slowdown, inputs, reference_s):
    """Invented: hard where the deadline is short for the level asked."""
    T = x * reference_s
    hard = slowdown * (0.45 + 0.55 * level) / x - 0.75
    accuracy = 0.86 + 0.066 * level if task == "min_energy" else None
    power = 35.0 + 65 * (1 - level) if task == "min_error" else None
    best = (T * (22 + 30 * level * min(1.0, 1 / x)) if task == "min_energy" else 0.075 + 0.03 * level + 0.03 * max(0.0, 1 - x))
    results = {}
    for name in schedulers:
        factor, careless, spread = CHARACTER[name]
        share = round(inputs * min(1.0, max(0.0, (careless + 0.02) * slowdown ** 2 * max(0.0, 1 + 4 * hard) + 3 * max(0.0, hard - 0.35)))) / inputs
        value = best * factor * float(np.exp(rng.normal(0, spread)))
        results[name] = {"inputs": inputs, "groups": inputs, "violated": share > 0.1, "late_share": share,
                         "mean": {"violated": share > 0.1, "violated_exact": share > 0.09},
                         "strict": {"violated": share > 0.06, "satisfaction": 1 - share, "violations_deadline": share,
                                    "violations_accuracy": share / 2 if task == "min_energy" else None,
                                    "violations_energy": share / 2 if task == "min_error" else None},
                         "mean_energy_j": value if task == "min_energy" else T * (30 + 10 * level),
                         "mean_error": value if task == "min_error" else 0.1, "measured_error": None}
    feasible = not results["oracle-static"]["violated"]
    objective = "mean_energy_j" if task == "min_energy" else "mean_error"
    for r in results.values():
        for key, other in RATIOS.items():
            base = results.get(other)
            known = feasible and (not r["violated"] or key == "over_static") and base and not base["violated"] and base[objective] > 0
            r[key] = r[objective] / base[objective] if known else None
    combined = results["oracle-static"][objective] if feasible else None
    ideals = {"system": combined * 1.3 if feasible and level > 0.3 else None, "application": combined * 1.6 if feasible and x > 0.8 else None,
              "combined": combined}
    name = f"energy-t{x:.2f}-a{accuracy:.4f}" if task == "min_energy" else f"error-t{x:.2f}-p{power:g}"
    return {"name": name, "deadline_s": T, "deadline_x": x, "accuracy": accuracy, "power_limit_w": power,
            "energy_j": power * T if power else None, "feasible": feasible, "feasible_mean": feasible,
            "feasible_strict": not results["oracle-static"]["strict"]["violated"], "ideals": ideals, "results": results}


def evaluation(seed=1, workloads=("fashion-mnist",), scenarios=tuple(SCENARIOS), schedulers=tuple(EVALUATED), levels=6, inputs=500,
               seeds=(1,), tasks=("min_energy", "min_error"), failed=()):
    """A whole evaluation.json. `failed`: ids of cells that count as failed."""
    rng = np.random.default_rng(seed)
    cells = []
    for workload in workloads:
        for scenario in scenarios:
            for one in seeds:
                for task in tasks:
                    kind, _, slowdown = SCENARIOS[scenario]
                    identity = f"{workload}/{scenario}/{task}/seed-{one}"
                    broke = "recording.json: no such file" if identity in failed else None
                    settings = [] if broke else [setting(rng, task, schedulers, float(x), float(level), slowdown, inputs, 0.013)
                                                 for x in np.linspace(0.4, 2, levels) for level in np.linspace(0, 1, levels)]
                    cells.append({"id": identity, "workload": workload, "scenario": scenario, "task": task, "seed": one,
                                  "failed": broke, "recording_sha256": "0" * 64, "inputs": inputs + 10, "warmup_inputs": 10,
                                  "configurations": 40, "co_runner": kind, "slowdown": None if kind == "none" else slowdown,
                                  "energy_source": "model", "accuracy_source": "profile", "judge": "mean",
                                  "goal_tolerance": TOLERANCE, "schedulers": {}, "settings": settings})
                    if not broke:
                        cells[-1]["schedulers"] = totals(cells[-1:], schedulers, rng)
    cells.sort(key=lambda c: c["id"])
    of = lambda task: [c for c in cells if c["task"] == task and not c["failed"]]
    groups = []
    for w in [None, *sorted({c["workload"] for c in cells})]:
        for s in [None, *sorted({c["scenario"] for c in cells if w in (None, c["workload"])})]:
            own = {t: [c for c in of(t) if w in (None, c["workload"]) and s in (None, c["scenario"])] for t in ("min_energy", "min_error")}
            if any(len(of_task) > 1 for of_task in own.values()):
                groups.append({"workload": w, "scenario": s, **{t: totals(own[t], schedulers, rng) if len(own[t]) > 1 else {} for t in own}})
    return {"schema_version": "2.2", "kind": "evaluation", "schedulers": list(schedulers), "scheduler_settings": {}, "scheduler_info": {}, "groups": groups,
            "bootstrap": {"seed": 4, "resamples": 200, "confidence": 0.95},
            "overall": {"all": {t: {"schedulers": totals(of(t), schedulers, rng) if of(t) else {}, "savings": []}
                                for t in ("min_energy", "min_error")}}, "cells": cells}


def make_evaluation(folder, **keys):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "evaluation.json"), "w", encoding="utf-8") as f:
        json.dump(evaluation(**keys), f, indent=1)
    return folder


def calibration(scenarios=("compute-1", "default"), levels=(0.05, 0.5, 0.95, 0.99)):
    """calibration.json with two estimators: one that keeps its levels, and one whose upper quantiles are too low."""
    def score(loss, coverage):
        return {"pinball": loss, "coverage": coverage, "width": 0.5, "mean": 1.0, "infinite": 0.0}

    def results(extra):
        found = [("gaussian, paper", 0.2, [0.02, 0.5, 0.9, 0.95]), ("regimes", 0.13, list(levels))]
        return [{"estimator": name, "conformal": conformal, "fixed": score(loss + extra, c), "switching": score(loss + 2 * extra, c)}
                for conformal in (False, True) for name, loss, c in found]

    return {"schema_version": "1.0", "kind": "calibration", "levels": list(levels), "skipped_inputs": 30, "seeds": 4, "gamma": 0.02,
            "estimators": [], "all": results(0.005),
            "recordings": [{"name": s, "workload": "fashion-mnist", "scenario": s, "recording_sha256": "", "inputs": 100,
                            "results": results(0.01 * k)} for k, s in enumerate(scenarios)]}


def make(folder, seed=1, inputs=200, grid=1, schedulers=SCHEDULERS, modes=("live", "replay"), random_weights=(), summary=False):
    """`grid`: goal settings per task, at most 6."""
    rng = np.random.default_rng(seed)
    os.makedirs(os.path.join(folder, "traces"), exist_ok=True)
    os.makedirs(os.path.join(folder, "recording"), exist_ok=True)
    profile = profile_json(random_weights)
    co_runner = schedule(rng, inputs)
    recorded = truth(rng, co_runner)
    for where in ("profile.json", os.path.join("recording", "profile.json")):
        with open(os.path.join(folder, where), "w", encoding="utf-8") as f:
            json.dump(profile, f)
    with open(os.path.join(folder, "manifest.json"), "w", encoding="utf-8") as f:
        json.dump({"schema_version": "1.0", "status": "complete", "scenario": {"name": "compute-mixed"}}, f)
    with open(os.path.join(folder, "recording", "recording.json"), "w", encoding="utf-8") as f:
        json.dump({"schema_version": "1.0", "scenario": "compute-mixed", "inputs": inputs, "rows": int(FIRST[-1]),
                   "caps": len(CAPS)}, f)
    np.save(os.path.join(folder, "recording", "stage_end_s.npy"), recorded)
    np.save(os.path.join(folder, "recording", "co_runner_on.npy"), np.array([c is not None for c in co_runner], dtype=np.uint8))
    for mode in modes:
        table = recorded if mode == "replay" else truth(rng, co_runner)
        for name, task, goals in settings(grid, NETWORKS[-1].mean_s[-1, -1]):
            for scheduler in schedulers:
                if mode == "live" and scheduler.startswith("oracle"):
                    continue  # oracles read the recording
                write_trace(os.path.join(folder, "traces", f"{scheduler}.{name}.{mode}.jsonl"), scheduler, name, task, goals, mode,
                            table, co_runner)
    if summary:
        with open(os.path.join(folder, "summary.json"), "w", encoding="utf-8") as f:
            entries = summary_entries(folder)
            json.dump({"schema_version": "2.2", "scheduler_info": {}, "results": entries, "tasks": task_entries(entries)}, f)
    return folder


if __name__ == "__main__":
    p = argparse.ArgumentParser(description="Writes a synthetic result folder.")
    p.add_argument("folder")
    p.add_argument("--grid", type=int, default=1, help="goal settings per task, 1 to 6")
    p.add_argument("--inputs", type=int, default=200)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--evaluation", metavar="WORKLOAD,...", help="write evaluation.json of these workloads instead")
    a = p.parse_args()
    if a.evaluation:
        print(make_evaluation(a.folder, seed=a.seed, workloads=a.evaluation.split(",")))
    else:
        print(make(a.folder, a.seed, a.inputs, a.grid))
