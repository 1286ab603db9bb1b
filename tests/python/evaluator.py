#!/usr/bin/env python3
"""An evaluator of its own: recomputes what evaluation.json says of oracle, oracle-static and app-only from the raw arrays of the
recording, and every ratio and total from the figures that they are made of.

    /usr/bin/python3 tests/python/evaluator.py RECORDING EVALUATION      exit codes: 0 they agree, 1 they don't, 2 wrong usage

Written from the definitions (lib/evaluation/evaluation.h, lib/core/pacing.h, the headers of the oracles), not from the program.
Closed arrivals only.
"""

import hashlib
import json
import math
import os
import sys

import numpy as np

RELATIVE = 1e-9
# An anytime network that stops at its deadline under a cap equal to the power limit uses its budget exactly. In a group the
# deadline is a share of what is left, and which side of the budget that falls on is a matter of rounding.
KNIFE_EDGE = 1e-9
LIMIT = 0.1  # a setting is violated above this share of inputs
RECOMPUTED = ("oracle", "oracle-static", "app-only")
RATIOS = (("normalised", "oracle-static"), ("over_oracle", "oracle"), ("over_oracle_causal", "oracle-causal"))


class Recording:
    def __init__(self, folder):
        def read(name):
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                return json.load(f)

        array = lambda name: np.load(os.path.join(folder, f"{name}.npy")) if os.path.exists(os.path.join(folder, f"{name}.npy")) else None
        with open(os.path.join(folder, "recording.json"), "rb") as f:
            self.sha256 = hashlib.sha256(f.read()).hexdigest()
        scenario = read("recording.json")["info"]["scenario"]
        if scenario.get("arrivals", "closed") != "closed":
            raise SystemExit(f"evaluator: {folder}: arrivals \"{scenario['arrivals']}\" are not known here, only \"closed\"")
        self.warmup = scenario.get("warmup_inputs", 5)
        profile = read("profile.json")
        self.caps_w, self.models = profile["caps_w"], profile["models"]
        self.idle_w, self.fail = profile["idle_power_w"], profile["fail_accuracy"]
        self.end_s = array("stage_end_s")
        left = array("members_left")
        self.left = np.ones(len(self.end_s), dtype=int) if left is None else left
        right = array("f1") if array("f1") is not None else array("top1")
        missed = array("missed_top1") if array("f1") is None else None
        # By name, stage, cap: the order that decides between equals.
        self.lanes, row = [], 0
        for m in self.models:
            self.lanes += [(m["name"], s, c, m, row) for s in range(len(m["stages"])) for c in range(len(self.caps_w))]
            row += len(m["stages"])
        self.lanes.sort(key=lambda lane: lane[:3])
        count, deepest = len(self.lanes), max(len(m["stages"]) for m in self.models)
        self.end = np.full((len(self.end_s), count, deepest), np.inf)    # inf beyond the target
        self.quality = np.full((count, deepest + 1), self.fail)          # of the n-th stage; 0: nothing
        self.measured = np.full((len(self.end_s), count, deepest + 1), np.nan)
        self.anytime, self.active_w, self.target = np.zeros(count, bool), np.zeros(count), np.zeros(count, int)
        for k, (_, s, c, m, first) in enumerate(self.lanes):
            self.end[:, k, :s + 1] = self.end_s[:, first:first + s + 1, c]
            self.quality[k, 1:s + 2] = m["accuracy"][:s + 1]
            if right is not None and not m.get("random_weights"):
                self.measured[:, k, 1:s + 2] = right[:, first:first + s + 1]
                self.measured[:, k, 0] = 0 if missed is None else missed
            self.anytime[k], self.active_w[k], self.target[k] = len(m["stages"]) > 1, m["active_power_w"][c], s + 1

    def reference_s(self):
        last = lambda m: m["stages"][-1]["mean_s"][-1]
        return max([last(m) for m in self.models if len(m["stages"]) > 1] or [last(m) for m in self.models])

    def app_only(self):
        """Index of the lane."""
        best = min((m for m in self.models if len(m["stages"]) > 1), key=lambda m: (-m["accuracy"][-1], m["stages"][-1]["mean_s"][-1], m["name"]))
        return next(k for k, (name, s, c, m, _) in enumerate(self.lanes)
                    if name == best["name"] and s + 1 == len(best["stages"]) and c + 1 == len(self.caps_w))


class Outcomes:
    """Of one input under every lane. `due` and `period` are one for all lanes, or one each."""

    def __init__(self, rec, n, due, period, goals, slack=0.0):
        end, lanes = rec.end[n], np.arange(len(rec.lanes))
        completed = end[lanes, rec.target - 1]
        delivered = (end <= np.broadcast_to(due, len(lanes))[:, None]).sum(axis=1)
        self.busy = np.where(rec.anytime, np.minimum(completed, due), completed)
        self.accuracy = rec.quality[lanes, delivered]
        self.measured = rec.measured[n, lanes, delivered]
        self.energy = rec.active_w * self.busy + rec.idle_w * np.maximum(0, period - self.busy)
        self.nothing = delivered == 0
        self.latency = self.busy  # asked for only where nothing was delivered
        self.low = self.accuracy < goals["accuracy"] if goals["accuracy"] is not None else np.zeros(len(lanes), bool)
        self.over = self.energy > goals["energy_j"] * (1 + slack) if goals["energy_j"] is not None else np.zeros(len(lanes), bool)
        self.broke = self.nothing | self.low | self.over


class Clock:
    """When the members of a group are due, and over which time their energy counts; `lanes` of them side by side."""

    def __init__(self, T, lanes):
        self.T, self.used, self.charged, self.members, self.before = T, np.zeros(lanes), np.zeros(lanes), 0, 0

    def next(self, left):
        if self.before <= 1 or left != self.before - 1:
            self.members, self.used, self.charged = left, self.used * 0, self.charged * 0
        self.before = left
        slot_end = (self.members - left + 1) * self.T
        due = np.maximum(0, (self.members * self.T - self.used) / left) if self.members > 1 else self.T + self.used
        self.period = np.maximum(0, slot_end - self.charged)
        return due, self.period

    def ran(self, busy):
        self.used = self.used + busy
        self.charged = self.charged + np.maximum(self.period, busy)


def exact_mean(values):
    return math.fsum(values) / len(values)


def oracle_choice(o, task):
    """Index of the best lane on this input; lexsort and argmin keep the first of equals."""
    error = 1 - o.accuracy
    first = lambda keep, *keys: int(np.flatnonzero(keep)[np.lexsort([k[keep] for k in reversed(keys)])[0]])
    if (~o.broke).any():
        return first(~o.broke, o.energy) if task == "min_energy" else first(~o.broke, error, o.energy)
    if (~o.nothing).any():
        return first(~o.nothing, error, o.energy)
    return first(o.nothing, o.latency, o.energy)


def summarise(rec, picked, goals):
    """`picked`: per input (busy ... ) columns of the lane in force."""
    p = {k: np.array([getattr(o, k)[lane] for o, lane in picked[rec.warmup:]]) for k in
         ("broke", "nothing", "low", "over", "energy", "accuracy", "measured")}
    n = len(p["broke"])
    known = p["measured"][~np.isnan(p["measured"])]
    return {"inputs": n, "violated": bool(p["broke"].sum() / n > LIMIT), "satisfaction": 1 - p["broke"].sum() / n,
            "violations_deadline": p["nothing"].sum() / n,
            "violations_accuracy": p["low"].sum() / n if goals["accuracy"] is not None else None,
            "violations_energy": p["over"].sum() / n if goals["energy_j"] is not None else None,
            "mean_energy_j": exact_mean(p["energy"]), "mean_error": exact_mean(1 - p["accuracy"]),
            "measured_error": 1 - exact_mean(known) if len(known) == n else None}  # of all inputs or none


def evaluate(rec, task, goals, slack=0.0):
    """{scheduler: its figures} under one setting. `slack`: by which share of the budget an energy may exceed it."""
    count, T = len(rec.lanes), goals["deadline_s"]
    clock, own = Clock(T, count), Clock(T, 1)
    fixed, free = [], []
    for n, left in enumerate(int(v) for v in rec.left):
        due, period = clock.next(left)
        fixed.append(Outcomes(rec, n, due, period, goals, slack))
        clock.ran(fixed[-1].busy)
        due, period = own.next(left)
        o = Outcomes(rec, n, due, period, goals, slack)
        lane = oracle_choice(o, task)
        own.ran(o.busy[lane])
        free.append((o, lane))
    broke = np.sum([o.broke for o in fixed], axis=0) / len(fixed)
    energy = np.array([exact_mean([o.energy[k] for o in fixed]) for k in range(count)])
    error = np.array([exact_mean([1 - o.accuracy[k] for o in fixed]) for k in range(count)])
    objective = energy if task == "min_energy" else error
    allowed = broke <= LIMIT
    if not allowed.any():
        allowed = broke == broke.min()
    static = int(np.flatnonzero(allowed)[np.lexsort([energy[allowed], objective[allowed]])[0]])
    app = rec.app_only()
    return {"oracle": summarise(rec, free, goals), "oracle-static": summarise(rec, [(o, static) for o in fixed], goals),
            "app-only": summarise(rec, [(o, app) for o in fixed], goals)}


def add_ratios(results, task):
    """Writes the ratios of every scheduler; returns whether the setting is feasible."""
    key = "mean_energy_j" if task == "min_energy" else "mean_error"
    feasible = not results["oracle"]["violated"]
    for r in results.values():
        for name, reference in RATIOS:
            base = results.get(reference)
            known = feasible and not r["violated"] and base is not None and not base["violated"] and base[key]
            r[name] = r[key] / base[key] if known else None
    return feasible


def total(cells, scheduler):
    """Totals over cells, without intervals."""
    def joined(pick, harmonic):
        groups = [[v for v in map(pick, c["settings"]) if v is not None] for c in cells]
        means = [exact_mean(g) for g in groups if g]
        if not means:
            return None
        value = len(means) / math.fsum(1 / m for m in means) if harmonic else exact_mean(means)
        return {"value": value, "settings": sum(map(len, groups))}

    feasible = [s for c in cells for s in c["settings"] if s["feasible"]]
    of = lambda s: s["results"][scheduler]
    t = {"feasible_settings": len(feasible), "violated_settings": sum(of(s)["violated"] for s in feasible),
         "violation_rate": joined(lambda s: float(of(s)["violated"]) if s["feasible"] else None, False),
         "satisfaction": joined(lambda s: of(s)["satisfaction"] if s["feasible"] else None, False)}
    return {**t, **{name: joined(lambda s: of(s)[name], True) for name, _ in RATIOS}}


def default_goals(rec, task):
    """[(deadline_x, accuracy or power limit)] of 36 settings, deadlines slowest."""
    accuracies = [a for m in rec.models for a in m["accuracy"]]
    levels = np.linspace(min(accuracies), max(accuracies), 6) if task == "min_energy" else np.linspace(rec.caps_w[0], rec.caps_w[-1], 6)
    return [(x, level) for x in np.linspace(0.4, 2.0, 6) for level in levels]


class Comparison:
    def __init__(self):
        self.differences, self.rounding, self.compared = [], [], 0

    def values(self, where, found, expected):
        """`found` may know more keys (intervals)."""
        if isinstance(expected, dict) and isinstance(found, dict):
            for key, value in expected.items():
                if key in found:
                    self.values(f"{where}.{key}", found[key], value)
                else:
                    self.differences.append(f"{where}.{key}: is missing")
            return
        self.compared += 1
        number = lambda v: isinstance(v, (int, float, np.floating, np.integer)) and not isinstance(v, bool)
        if number(found) and number(expected):
            same = abs(found - expected) <= RELATIVE * max(abs(found), abs(expected)) or abs(found - expected) < 1e-15
        else:
            same = found == expected and type(found) is type(expected)
        if not same:
            self.differences.append(f"{where}: the file has {found!r}, recomputed {expected!r}")


def judge(c, where, found, verdicts, fixed):
    """`verdicts`: with what uses its budget exactly as met, and (error task) as broken. Where they differ the setting rests on
    rounding: any verdict between them counts, and is listed. `fixed`: the scheduler runs the same whatever the verdict."""
    trial = Comparison()
    trial.values(where, found, verdicts[0])
    if not trial.differences or verdicts[-1] == verdicts[0]:
        c.compared += trial.compared
        c.differences += trial.differences
        return
    c.rounding += trial.differences
    met, broken = verdicts
    judged = ("violated", "satisfaction", "violations_energy")
    if fixed:
        c.values(where, found, {k: v for k, v in met.items() if k not in judged})
        if not broken["satisfaction"] - 1e-12 <= found["satisfaction"] <= met["satisfaction"] + 1e-12:
            c.differences.append(f"{where}.satisfaction: the file has {found['satisfaction']}, between {broken['satisfaction']} and "
                                 f"{met['satisfaction']} by rounding")


def compare(folder, evaluation, grid=True):
    """Comparison of all cells that are of the recording in `folder`. `grid`: the goals are those of the default grid."""
    rec, c = Recording(folder), Comparison()
    schedulers = evaluation["schedulers"]
    own = [cell for cell in evaluation["cells"] if cell["recording_sha256"] == rec.sha256]
    if not own:
        c.differences.append(f"no cell is of {folder} (its recording.json has SHA-256 {rec.sha256})")
    for cell in own:
        task, where = cell["task"], cell["id"]
        c.values(f"{where}.inputs + warmup", cell["inputs"], len(rec.end_s))
        c.values(f"{where}.configurations", cell["configurations"], len(rec.lanes))
        if grid:
            expected = default_goals(rec, task)
            c.values(f"{where}: settings", len(cell["settings"]), len(expected))
            for s, (x, level) in zip(cell["settings"], expected):
                c.values(f"{where}.{s['name']}.deadline_x", s["deadline_x"], float(x))
                c.values(f"{where}.{s['name']}: level", s["accuracy"] if task == "min_energy" else s["power_limit_w"], float(level))
        for s in cell["settings"]:
            at = f"{where}.{s['name']}"
            if s["deadline_x"] is not None:
                c.values(f"{at}.deadline_s", s["deadline_s"], s["deadline_x"] * rec.reference_s())
            if s["power_limit_w"] is not None:
                c.values(f"{at}.energy_j", s["energy_j"], s["power_limit_w"] * s["deadline_s"])
            goals = {**s, "energy_j": s["energy_j"] if task == "min_error" else None,
                     "accuracy": s["accuracy"] if task == "min_energy" else None}
            verdicts = [evaluate(rec, task, goals, slack) for slack in ((KNIFE_EDGE, -KNIFE_EDGE) if task == "min_error" else (0.0,))]
            for name in RECOMPUTED:
                if name in schedulers:
                    judge(c, f"{at}.{name}", s["results"][name], [v[name] for v in verdicts], fixed=name == "app-only")
            # Ratios from the file's own figures, so that those of the other schedulers are checked too.
            again = {name: dict(s["results"][name]) for name in schedulers}
            feasible = add_ratios(again, task)
            c.values(f"{at}.feasible", s["feasible"], feasible)
            for name in schedulers:
                c.values(f"{at}.{name}", s["results"][name], {k: again[name][k] for k, _ in RATIOS})
                r = s["results"][name]
                c.values(f"{at}.{name}.violated", r["violated"], 1 - r["satisfaction"] > LIMIT + 1e-12)
        for name in schedulers:
            c.values(f"{where}.schedulers.{name}", cell["schedulers"][name], total([cell], name))
    for task in ("min_energy", "min_error"):
        cells = [cell for cell in evaluation["cells"] if cell["task"] == task and not cell["failed"]]
        for name in schedulers if cells else []:
            c.values(f"overall.{task}.{name}", evaluation["overall"][task][name], total(cells, name))
    return c


def main(argv):
    if len(argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    path = os.path.join(argv[1], "evaluation.json") if os.path.isdir(argv[1]) else argv[1]
    with open(path, encoding="utf-8") as f:
        evaluation = json.load(f)
    c = compare(argv[0], evaluation, grid=all(len(cell["settings"]) == 36 for cell in evaluation["cells"]))
    for line in c.differences[:50]:
        print(line)
    print(f"{c.compared} values compared, {len(c.differences)} differ"
          + (f"; {len(c.rounding)} more rest on the rounding of an energy that equals its budget" if c.rounding else ""))
    return 1 if c.differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
