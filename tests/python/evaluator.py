#!/usr/bin/env python3
"""An evaluator of its own: recomputes what evaluation.json says of oracle, oracle-static and app-only from the raw arrays of the
recording, whether a setting is feasible, what its ideals are, and every verdict, ratio and total from the figures that they
are made of. Holds the bound of oracle-mean against the exact linear programme (needs scipy; says so where that is missing).

    /usr/bin/python3 tests/python/evaluator.py RECORDING EVALUATION      exit codes: 0 they agree, 1 they don't, 2 wrong usage

Written from the definitions (lib/evaluation/evaluation.h, lib/core/goal_judge.h, pacing.h and delivery.h, the headers of the
oracles), not from the program. Closed arrivals only; no intervals.
"""

import hashlib
import json
import math
import os
import sys

import numpy as np

try:
    import scipy.optimize
    import scipy.sparse
except ImportError:
    scipy = None

RELATIVE = 1e-9
BOUND_RELATIVE = 1e-7  # of the bound of oracle-mean to the optimum of the linear programme
# A figure this close to its goal may fall on either side by rounding: an anytime network that stops at its deadline under a
# cap equal to the power limit uses its budget exactly.
KNIFE_EDGE = 1e-9
LIMIT = 0.1  # a setting is violated above this share of groups (late) or inputs (strict)
RECOMPUTED = ("oracle", "oracle-static", "app-only")
ORACLES = ("oracle", "oracle-mean", "oracle-static", "oracle-causal")
RATIOS = (("normalised", "oracle-static"), ("over_oracle", "oracle"), ("over_oracle_mean", "oracle-mean"),
          ("over_oracle_causal", "oracle-causal"))
TASKS = ("min_energy", "min_error")
DOMAINS = {"vision": ("fashion-mnist", "imagenet", "synthetic-imagenet"), "nlp": ("ptb", "squad")}  # of files that do not say


def objective_of(task):
    return "mean_energy_j" if task == "min_energy" else "mean_error"


def exact_mean(values):
    return math.fsum(values) / len(values)


class Recording:
    def __init__(self, folder):
        def read(name):
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                return json.load(f)

        def array(name):
            path = os.path.join(folder, f"{name}.npy")
            return np.load(path) if os.path.exists(path) else None

        with open(os.path.join(folder, "recording.json"), "rb") as f:
            self.sha256 = hashlib.sha256(f.read()).hexdigest()
        scenario = read("recording.json")["info"]["scenario"]
        if scenario.get("arrivals", "closed") != "closed":
            raise SystemExit(f"evaluator: {folder}: arrivals \"{scenario['arrivals']}\" are not known here, only \"closed\"")
        profile = read("profile.json")
        self.caps_w, self.models = profile["caps_w"], profile["models"]
        self.idle_w, self.fail = profile["idle_power_w"], profile["fail_accuracy"]
        self.end_s = array("stage_end_s")
        inputs = len(self.end_s)
        left = array("members_left")
        self.left = np.ones(inputs, dtype=int) if left is None else left
        self.opens = np.array([n == 0 or self.left[n - 1] <= 1 or self.left[n] != self.left[n - 1] - 1 for n in range(inputs)])
        # What is judged begins with the first group that has no member among the warm-up inputs.
        later = np.flatnonzero(self.opens[scenario.get("warmup_inputs", 5):])
        self.first_judged = scenario.get("warmup_inputs", 5) + later[0] if len(later) else inputs
        self.groups = np.flatnonzero(self.opens[self.first_judged:])  # where they begin, counted from the first judged input
        self.grouped = bool((self.left != 1).any())
        # Measured: what was lost, of what could be, by stage and for a miss (stage 0).
        unit = profile.get("accuracy_unit", "f1" if profile["workload"] == "squad" else "top1")
        if unit == "language_quality":
            right, missed, worst = array("nll"), array("missed_nll"), array("missed_nll")
        else:
            right = array("top1" if unit == "top1" else "f1")
            right = None if right is None else 1.0 - right
            missed, worst = array("missed_top1") if unit == "top1" else None, np.ones(inputs)
            missed = np.ones(inputs) if missed is None else 1.0 - missed
        known = right is not None and missed is not None
        self.worst = worst
        # By name, stage, cap: the order that decides between equals.
        self.lanes, row = [], 0
        for m in self.models:
            self.lanes += [(m["name"], s, c, m, row) for s in range(len(m["stages"])) for c in range(len(self.caps_w))]
            row += len(m["stages"])
        self.lanes.sort(key=lambda lane: lane[:3])
        count, deepest = len(self.lanes), max(len(m["stages"]) for m in self.models)
        self.end = np.full((inputs, count, deepest), np.inf)    # inf beyond the target
        self.quality = np.full((count, deepest + 1), self.fail)  # of the n-th stage; 0: nothing
        self.lost = np.full((inputs, count, deepest + 1), np.nan)
        self.anytime, self.active_w, self.target = np.zeros(count, bool), np.zeros(count), np.zeros(count, int)
        for k, (_, s, c, m, first) in enumerate(self.lanes):
            self.end[:, k, :s + 1] = self.end_s[:, first:first + s + 1, c]
            self.quality[k, 1:s + 2] = m["accuracy"][:s + 1]
            if known and not m.get("random_weights"):
                self.lost[:, k, 1:s + 2] = right[:, first:first + s + 1]
                self.lost[:, k, 0] = missed
            self.anytime[k], self.active_w[k], self.target[k] = len(m["stages"]) > 1, m["active_power_w"][c], s + 1

    def reference_s(self):
        def last(m):
            return m["stages"][-1]["mean_s"][-1]
        return max([last(m) for m in self.models if len(m["stages"]) > 1] or [last(m) for m in self.models])

    def best_of(self, anytime):
        """Name of the most accurate network of that kind; None where there is none."""
        kind = [m for m in self.models if (len(m["stages"]) > 1) == anytime]
        return min(kind, key=lambda m: (-m["accuracy"][-1], m["stages"][-1]["mean_s"][-1], m["name"]))["name"] if kind else None

    def app_only(self):
        """Index of the lane."""
        return max(k for k, lane in enumerate(self.lanes) if lane[0] == self.best_of(anytime=True) and lane[2] + 1 == len(self.caps_w))

    def levels(self):
        """Lanes that each level has to itself."""
        highest = np.array([lane[2] + 1 == len(self.caps_w) for lane in self.lanes])
        return {"application": highest, "combined": np.ones(len(self.lanes), bool)}

    def networks(self):
        """Lanes of each network, by name."""
        return {name: np.array([lane[0] == name for lane in self.lanes]) for name in sorted({lane[0] for lane in self.lanes})}


class Clock:
    """The time of a group, for `lanes` runs side by side: by when its members are due, and what idling they are charged with."""

    def __init__(self, T, lanes):
        self.T, self.lanes, self.left = T, lanes, 0

    def next(self, left):
        """(share, due): when an anytime network stops, and by when what is finished is delivered; from the start of the work."""
        if self.left <= 1 or left != self.left - 1:
            self.members, self.work, self.idled = left, np.zeros(self.lanes), np.zeros(self.lanes)
        self.left = left
        if self.members == 1:
            return np.full(self.lanes, self.T), np.full(self.lanes, self.T)
        due = np.maximum(0, self.members * self.T - self.work)
        return due / left, due

    def idle(self, busy):
        """Seconds of idling that come on top, if this member works for so long."""
        periods = self.members - self.left + 1
        return np.maximum(0, periods * self.T - self.work - busy) - self.idled

    def ran(self, busy):
        self.idled = self.idled + self.idle(busy)
        self.work = self.work + busy


class Outcomes:
    """Of one input under every lane. `share` and `due` are one a lane; `idle` turns busy times into seconds of idling."""

    def __init__(self, rec, n, share, due, idle):
        end, lanes = rec.end[n], np.arange(len(rec.lanes))
        by = np.where(rec.anytime, share, np.maximum(share, due))
        completed = end[lanes, rec.target - 1]
        self.stage = (end <= by[:, None]).sum(axis=1)
        self.busy = np.where(rec.anytime, np.minimum(completed, share), completed)
        self.accuracy = rec.quality[lanes, self.stage]
        self.energy = rec.active_w * self.busy + rec.idle_w * idle(self.busy)
        self.late = self.stage == 0


def oracle_choice(o, task, goals, slack):
    """Index of the best lane on this input; lexsort keeps the first of equals."""
    error = 1 - o.accuracy
    keeps = ~o.late & (o.accuracy >= goals["accuracy"] - slack if task == "min_energy" else o.energy <= goals["energy_j"] * (1 + slack))

    def first(among, *keys):
        return int(np.flatnonzero(among)[np.lexsort([k[among] for k in reversed(keys)])[0]])
    if keeps.any():
        return first(keeps, o.energy) if task == "min_energy" else first(keeps, error, o.energy)
    if not o.late.all():
        return first(~o.late, error, o.energy)
    return first(o.late, o.busy, o.energy)  # where nothing was delivered, the latency is what it took


def judge_means(task, goals, late_share, mean_error, mean_energy_j, slack=0.0):
    """The reading of means: with the tolerance of the goals, and exactly."""
    def beyond(tolerance):
        if task == "min_energy":
            return 1 - mean_error < goals["accuracy"] - tolerance["accuracy"] - slack
        return mean_energy_j > goals["energy_j"] * (1 + tolerance["energy"] + slack)
    late = late_share > LIMIT
    return {"violated": bool(late or beyond(goals["tolerance"])), "violated_exact": bool(late or beyond({"accuracy": 0, "energy": 0})),
            "shortfall": {"late": max(0.0, late_share - LIMIT),
                          "accuracy": max(0.0, goals["accuracy"] - 1 + mean_error) if task == "min_energy" else None,
                          "energy": max(0.0, mean_energy_j / goals["energy_j"] - 1) if task == "min_error" else None}}


def judge_run(rec, task, goals, run, slack=0.0):
    """Figures of a scheduler whose inputs, judged ones only, came to run["late"], ["accuracy"], ["energy"]."""
    low = run["accuracy"] < goals["accuracy"] - slack if task == "min_energy" else None
    over = run["energy"] > goals["energy_j"] * (1 + slack) if task == "min_error" else None
    broke = run["late"] | (low if over is None else over)
    inputs, share_broken = len(broke), float(broke.sum() / len(broke))
    late_share = float(np.logical_or.reduceat(run["late"], rec.groups).sum() / len(rec.groups))
    energy, error = exact_mean(run["energy"]), exact_mean(1 - run["accuracy"])
    means = judge_means(task, goals, late_share, error, energy, slack)
    strict = {"violated": bool(share_broken > LIMIT or late_share > LIMIT), "satisfaction": 1 - share_broken,
              "violations_deadline": float(run["late"].sum() / inputs),
              "violations_accuracy": None if low is None else float(low.sum() / inputs),
              "violations_energy": None if over is None else float(over.sum() / inputs)}
    return {"inputs": inputs, "groups": len(rec.groups), "violated": (means if goals["judge"] == "mean" else strict)["violated"],
            "late_share": late_share, "mean_error": error, "mean_energy_j": energy, "mean": means, "strict": strict}


def measured_error(rec, lanes, stages):
    """Of the judged inputs, all of them or none; `lanes`, `stages`: what was delivered, one an input."""
    lost = rec.lost[np.arange(rec.first_judged, len(rec.end)), lanes, stages]
    if np.isnan(lost).any():
        return None
    return math.fsum(lost) / math.fsum(rec.worst[rec.first_judged:])


class Replay:
    """Every single configuration over the whole recording, under one deadline; columns are [judged input, lane]."""

    def __init__(self, rec, T):
        self.rec, self.T, clock = rec, T, Clock(T, len(rec.lanes))
        seen = []
        for n, left in enumerate(rec.left):
            o = Outcomes(rec, n, *clock.next(int(left)), clock.idle)
            clock.ran(o.busy)
            seen.append(o)
        self.columns = {key: np.array([getattr(o, key) for o in seen[rec.first_judged:]]) for key in ("late", "accuracy", "energy", "stage")}

    def lane(self, k):
        return {key: column[:, k] for key, column in self.columns.items()}

    def oracle(self, task, goals, slack):
        """Its run, and the lane it took on each judged input."""
        clock, run, lanes = Clock(self.T, 1), [], []
        for n, left in enumerate(self.rec.left):
            share, due = clock.next(int(left))
            wide = len(self.rec.lanes)
            share, due = np.repeat(share, wide), np.repeat(due, wide)
            # It holds a member to its share; what is then delivered counts by the group's deadline.
            k = oracle_choice(Outcomes(self.rec, n, share, share, clock.idle), task, goals, slack)
            o = Outcomes(self.rec, n, share, due, clock.idle)
            clock.ran(o.busy[k])
            if n >= self.rec.first_judged:
                run.append([o.late[k], o.accuracy[k], o.energy[k], o.stage[k]])
                lanes.append(k)
        late, accuracy, energy, stage = zip(*run)
        return {"late": np.array(late), "accuracy": np.array(accuracy), "energy": np.array(energy), "stage": np.array(stage)}, lanes


def best_static(verdicts, task):
    """Index of the best of the lanes that keep the goals; where none does, of those whose means are least beyond them. And whether
    one does."""
    objective = objective_of(task)

    def rank(k):
        v = verdicts[k]
        beyond = v["mean"]["shortfall"]
        beyond = (beyond["late"], beyond["accuracy"] if task == "min_energy" else beyond["energy"])
        return ((0, 0) if keeping else beyond) + (v[objective], v["mean_energy_j"])
    keeping = [k for k, v in enumerate(verdicts) if not v["violated"]]
    return min(keeping or range(len(verdicts)), key=rank), bool(keeping)


def evaluate(replay, task, goals, slack=0.0):
    """(facts of the setting, {scheduler: its figures}). `slack`: by how much a figure may miss its goal and still meet it."""
    rec, lanes = replay.rec, range(len(replay.rec.lanes))
    verdicts = [judge_run(rec, task, goals, replay.lane(k), slack) for k in lanes]
    static, feasible = best_static(verdicts, task)
    setting = {"feasible": feasible, "feasible_mean": not all(v["mean"]["violated"] for v in verdicts),
               "feasible_exact": not all(v["mean"]["violated_exact"] for v in verdicts),
               "feasible_strict": not all(v["strict"]["violated"] for v in verdicts)}
    def ideal(own):
        return min((verdicts[k][objective_of(task)] for k in lanes if own[k] and not verdicts[k]["violated"]), default=None)
    setting["ideals"] = {level: ideal(own) for level, own in rec.levels().items()}
    setting["of_network"] = {name: ideal(own) for name, own in rec.networks().items()}
    run, picked = replay.oracle(task, goals, slack)
    results = {"oracle": judge_run(rec, task, goals, run, slack)}
    results["oracle"]["measured_error"] = measured_error(rec, picked, run["stage"])
    for name, k in (("oracle-static", static), ("app-only", rec.app_only())):
        results[name] = {**verdicts[k], "measured_error": measured_error(rec, k, replay.lane(k)["stage"])}
    return setting, results


def linear_optimum(replay, task, goals):
    """Least mean objective over all mixtures of lanes, input by input, that keep the goals read as means, tolerance included;
    None where none does. Only for inputs that share no deadline: they do not touch each other."""
    column = {key: replay.columns[key].astype(float) for key in ("late", "accuracy", "energy")}
    inputs, lanes = column["late"].shape
    accuracy, energy = column["accuracy"].ravel(), column["energy"].ravel()
    scale = energy.mean()  # numbers near 1 for the solver
    if task == "min_energy":
        unit, cost, used, allowed = scale, energy, -accuracy, goals["tolerance"]["accuracy"] - goals["accuracy"]
    else:
        unit, cost, used, allowed = 1.0, 1 - accuracy, energy / scale, goals["energy_j"] * (1 + goals["tolerance"]["energy"]) / scale
    rows = scipy.sparse.csr_matrix(np.vstack([column["late"].ravel(), used]) / inputs)
    one_each = scipy.sparse.kron(scipy.sparse.identity(inputs), np.ones((1, lanes)), format="csr")
    solved = scipy.optimize.linprog(cost / unit / inputs, A_ub=rows, b_ub=[LIMIT, allowed], A_eq=one_each, b_eq=np.ones(inputs),
                                    method="highs", options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10})
    if solved.status not in (0, 2):
        raise SystemExit(f"evaluator: the linear programme was not solved: {solved.message}")
    return solved.fun * unit if solved.status == 0 else None


def add_ratios(results, task, feasible):
    """Writes the ratios of every scheduler."""
    key = objective_of(task)

    def ratio(r, reference):
        base = results.get(reference)
        return r[key] / base[key] if feasible and base is not None and not base["violated"] and base[key] else None
    for r in results.values():
        r["over_static"] = ratio(r, "oracle-static")
        for name, reference in RATIOS:
            r[name] = None if r["violated"] else ratio(r, reference)


def joined(cells, pick, harmonic):
    """Over the settings of each cell the mean, over cells the harmonic mean or the mean, and the settings behind it; None of none."""
    known = [[v for v in map(pick, c["settings"]) if v is not None] for c in cells]
    means = [exact_mean(values) for values in known if values]
    if not means:
        return None
    return {"value": len(means) / math.fsum(1 / m for m in means) if harmonic else exact_mean(means), "settings": sum(map(len, known))}


def total(cells, scheduler):
    """Totals over cells, without intervals."""
    def of(s):
        return s["results"][scheduler]

    def where_feasible(pick):
        return joined(cells, lambda s: float(pick(of(s))) if s["feasible"] else None, False)

    settings = [s for c in cells for s in c["settings"]]
    feasible = [s for s in settings if s["feasible"]]

    def reading(key, violated):
        own = [s for s in settings if s[key]]
        return {"feasible_settings": len(own), "violated_settings": sum(violated(of(s)) for s in own)}

    def shortfall(goal):
        short = [of(s)["mean"]["shortfall"][goal] for s in feasible if of(s)["violated"]]
        short = [v for v in short if v]
        return {"settings": len(short), "median": float(np.median(short)), "worst": max(short)} if short else None
    return {**reading("feasible", lambda r: r["violated"]),
            "exact": reading("feasible_exact", lambda r: r["mean"]["violated_exact"]),
            "strict": reading("feasible_strict", lambda r: r["strict"]["violated"]),
            "violation_rate": where_feasible(lambda r: r["violated"]), "in_time": where_feasible(lambda r: 1 - r["late_share"]),
            "satisfaction": where_feasible(lambda r: r["strict"]["satisfaction"]),
            "shortfall": {goal: shortfall(goal) for goal in ("late", "accuracy", "energy")},
            **{name: joined(cells, lambda s: of(s)[name], True) for name in ("over_static", *(name for name, _ in RATIOS))}}


def saving(cells, scheduler, rival):
    """Of `scheduler` against `rival`, three readings, without intervals."""
    def reading(name, both):
        """Where `both`, over the settings that both ratios are known for; else each over its own, and no one number of them."""
        def known(s):
            x, y = s["results"][scheduler][name], s["results"][rival][name]
            return (None, None) if both and None in (x, y) else (x, y)
        x, y = (joined(cells, lambda s: known(s)[i], True) for i in (0, 1))
        if not x or not y:
            return None
        return {"value": 1 - x["value"] / y["value"], **({"settings": x["settings"]} if both else {})}
    feasible = [s["results"] for c in cells for s in c["settings"] if s["feasible"]]
    return {"scheduler": scheduler, "rival": rival, "own_settings": reading("normalised", False),
            "both_keep": reading("normalised", True), "all_feasible": reading("over_static", True), "feasible_settings": len(feasible),
            "violated_settings": sum(r[scheduler]["violated"] for r in feasible),
            "rival_violated_settings": sum(r[rival]["violated"] for r in feasible)}


def default_goals(rec, task):
    """[(deadline_x, accuracy or power limit)] of 36 settings, deadlines slowest."""
    accuracies = [a for m in rec.models for a in m["accuracy"]]
    low, high = (min(accuracies), max(accuracies)) if task == "min_energy" else (rec.caps_w[0], rec.caps_w[-1])
    return [(x, low + (high - low) * (i + 0.5) / 6) for x in np.linspace(0.4, 2.0, 6) for i in range(6)]


class Comparison:
    def __init__(self):
        self.differences, self.rounding, self.compared, self.programmes = [], [], 0, 0

    def check(self, holds, text):
        self.compared += 1
        if not holds:
            self.differences.append(text)

    def values(self, where, found, expected, relative=RELATIVE):
        """`found` may know more keys (intervals)."""
        if isinstance(expected, dict) and isinstance(found, dict):
            for key, value in expected.items():
                if key in found:
                    self.values(f"{where}.{key}", found[key], value, relative)
                else:
                    self.differences.append(f"{where}.{key}: is missing")
            return

        def number(v):
            return isinstance(v, (int, float, np.floating, np.integer)) and not isinstance(v, bool)
        if number(found) and number(expected):
            # Differences of shares and means near 0 (shortfalls, violated shares) are as good as what they are made of.
            same = abs(found - expected) <= relative * max(abs(found), abs(expected)) or abs(found - expected) < 1e-12
        else:
            same = found == expected and type(found) is type(expected)
        self.check(same, f"{where}: the file has {found!r}, recomputed {expected!r}")

    def verdicts(self, where, found, expected):
        """`expected(slack)`: as values, with what misses its goal by no more than `slack` as met. Where what is as good as its goal
        makes the difference, the setting rests on rounding: it is listed, and either verdict counts."""
        trials = []
        for slack in (0.0, KNIFE_EDGE, -KNIFE_EDGE):
            trials.append(Comparison())
            trials[-1].values(where, found, expected(slack))
            if not trials[-1].differences:
                break
        if not trials[-1].differences:
            self.compared += trials[-1].compared
            self.rounding += trials[0].differences
        elif expected(KNIFE_EDGE) != expected(-KNIFE_EDGE):
            self.between(where, found, expected(KNIFE_EDGE), expected(-KNIFE_EDGE))
        else:
            self.compared += trials[0].compared
            self.differences += trials[0].differences

    def between(self, where, found, met, broken):
        """Some inputs on a knife edge fell on one side, some on the other: every figure lies between the two."""
        if isinstance(met, dict) and isinstance(found, dict):
            for key in met:
                self.between(f"{where}.{key}", found.get(key), met[key], broken[key])
        elif met == broken or None in (met, broken):
            self.values(where, found, met)
        else:
            low, high = sorted((met, broken))
            self.check(found is not None and low - 1e-12 <= found <= high + 1e-12,
                       f"{where}: the file has {found!r}, between {met!r} and {broken!r} by rounding")
            self.rounding.append(f"{where}: the file has {found!r}, between {met!r} and {broken!r}")


def compare_own_figures(c, at, setting, task, goals, schedulers):
    """Verdicts and ratios from the file's own figures, so that those of the other schedulers are checked too."""
    results = setting["results"]
    again = {name: dict(results[name]) for name in schedulers}
    add_ratios(again, task, setting["feasible"])
    for name in schedulers:
        r, where = results[name], f"{at}.{name}"
        c.values(where, r, {k: again[name][k] for k in ("over_static", *(k for k, _ in RATIOS))})
        c.values(where, r, {k: results["oracle"][k] for k in ("inputs", "groups")})
        c.verdicts(f"{where}.mean", r["mean"],
                   lambda slack: judge_means(task, goals, r["late_share"], r["mean_error"], r["mean_energy_j"], slack))
        c.values(f"{where}.strict.violated", r["strict"]["violated"],
                 1 - r["strict"]["satisfaction"] > LIMIT + 1e-12 or r["late_share"] > LIMIT)
        c.values(f"{where}.violated", r["violated"], r[goals["judge"]]["violated"])
        c.check(r["bound"] is None or name == "oracle-mean", f"{where}.bound: {r['bound']!r}, only oracle-mean knows one")


def compare_bound(c, at, results, task, replay, goals):
    """What the file has as bound: the optimum of the linear programme for inputs alone, below whatever keeps the goals always."""
    key, own = objective_of(task), results["oracle-mean"]
    bound = own["bound"]
    if not replay.rec.grouped and scipy is not None and goals["judge"] == "mean":
        optimum = linear_optimum(replay, task, goals)
        c.values(f"{at}.oracle-mean.bound.objective", None if bound is None else bound["objective"], optimum, BOUND_RELATIVE)
        c.programmes += 1
    if bound is None:
        return
    c.check(bound["gap"] >= -1e-12, f"{at}.oracle-mean.bound.gap: {bound['gap']!r} is below 0")
    c.values(f"{at}.oracle-mean: bound + gap", bound["objective"] + bound["gap"], own[key])
    for name, r in results.items():
        c.check(r["violated"] or r[key] >= bound["objective"] * (1 - RELATIVE),
                f"{at}.{name}.{key}: {r[key]!r} keeps the goals and is below the bound of oracle-mean, {bound['objective']!r}")


def compare_cell(c, rec, cell, schedulers, grid):
    task, where = cell["task"], cell["id"]
    c.values(f"{where}.inputs", cell["inputs"], len(rec.end_s))
    c.values(f"{where}.configurations", cell["configurations"], len(rec.lanes))
    if grid:
        expected = default_goals(rec, task)
        c.values(f"{where}: settings", len(cell["settings"]), len(expected))
        for s, (x, level) in zip(cell["settings"], expected):
            c.values(f"{where}.{s['name']}.deadline_x", s["deadline_x"], float(x))
            c.values(f"{where}.{s['name']}: level", s["accuracy"] if task == "min_energy" else s["power_limit_w"], float(level))
    replay, systems = None, []
    for s in cell["settings"]:
        at = f"{where}.{s['name']}"
        if s["deadline_x"] is not None:
            c.values(f"{at}.deadline_s", s["deadline_s"], s["deadline_x"] * rec.reference_s())
        if s["power_limit_w"] is not None:
            c.values(f"{at}.energy_j", s["energy_j"], s["power_limit_w"] * s["deadline_s"])
        goals = {"accuracy": s["accuracy"], "energy_j": s["energy_j"], "judge": cell["judge"], "tolerance": cell["goal_tolerance"]}
        if replay is None or replay.T != s["deadline_s"]:
            replay = Replay(rec, s["deadline_s"])
        found = {name: s["results"][name] for name in RECOMPUTED if name in schedulers}
        again = {}  # by slack

        def expected_of(slack):
            if slack not in again:
                setting, results = evaluate(replay, task, goals, slack)
                again[slack] = {**setting, **{name: results[name] for name in found}}
            return again[slack]
        for key in ("feasible", "feasible_mean", "feasible_exact", "feasible_strict", "ideals"):
            c.verdicts(f"{at}.{key}", s[key], lambda slack: expected_of(slack)[key])
        systems.append((f"{at}.ideals.system", s["ideals"]["system"], expected_of(0.0)["of_network"]))
        for name, figures in found.items():
            # How far a configuration is beyond goals that are read input by input is not defined (lib/schedulers/oracle_static.h).
            if name == "oracle-static" and cell["judge"] == "strict" and not s["feasible"]:
                continue
            c.verdicts(f"{at}.{name}", figures, lambda slack: expected_of(slack)[name])
        compare_own_figures(c, at, s, task, goals, schedulers)
        if "oracle-mean" in schedulers:
            compare_bound(c, at, s["results"], task, replay, goals)
    # The network whose caps are adapted is the one that keeps the goals of the most settings.
    system = max(sorted(rec.networks()), key=lambda name: sum(of[name] is not None for _, _, of in systems))
    for at, found, of in systems:
        c.values(at, found, of[system])
    for name in schedulers:
        c.values(f"{where}.schedulers.{name}", cell["schedulers"][name], total([cell], name))


def compare_overall(c, evaluation):
    schedulers, cells = evaluation["schedulers"], [cell for cell in evaluation["cells"] if not cell["failed"]]
    domains = {"all": cells}
    said = {domain: of["workloads"] for domain, of in evaluation["overall"].items() if "workloads" in of} or DOMAINS
    own = {domain: [cell for cell in cells if cell["workload"] in workloads] for domain, workloads in said.items()}
    if all(own.values()):
        domains.update(own)
    if said is not DOMAINS:
        c.values("overall: workloads", sorted(w for workloads in said.values() for w in workloads), sorted({cell["workload"] for cell in cells}))
    c.values("overall: domains", sorted(evaluation["overall"]), sorted(domains))
    rivals = [name for name in schedulers if name not in (*ORACLES, "alert")] if "alert" in schedulers else []
    for domain, cells in domains.items():
        for task in TASKS:
            of_task = [cell for cell in cells if cell["task"] == task]
            found, where = evaluation["overall"][domain][task], f"overall.{domain}.{task}"
            c.values(f"{where}: schedulers", sorted(found["schedulers"]), sorted(schedulers) if of_task else [])
            c.values(f"{where}: rivals", [s["rival"] for s in found["savings"]], rivals if of_task else [])
            for name in found["schedulers"]:
                c.values(f"{where}.{name}", found["schedulers"][name], total(of_task, name))
            for s in found["savings"]:
                c.values(f"{where}.savings.{s['rival']}", s, saving(of_task, "alert", s["rival"]))
    if evaluation["schema_version"] != "2.0":  # which had no groups
        compare_groups(c, evaluation)


def compare_groups(c, evaluation):
    """Groups of several cells that "overall" does not have: of a workload, of a scenario, and of both."""
    cells, domains = [cell for cell in evaluation["cells"] if not cell["failed"]], evaluation["overall"].values()
    alone = {of["workloads"][0] for of in domains if len(of.get("workloads", [])) == 1}
    if len({cell["workload"] for cell in cells}) == 1:
        alone = {cell["workload"] for cell in cells}
    expected = {}
    several = len({cell["workload"] for cell in cells}) > 1
    for cell in cells:
        of_cell = [(cell["workload"], cell["scenario"])]
        of_cell += [] if cell["workload"] in alone else [(cell["workload"], None)]
        of_cell += [(None, cell["scenario"])] if several else []
        for key in of_cell:
            expected.setdefault(key, {task: [] for task in TASKS})[cell["task"]].append(cell)
    expected = {key: of for key, of in expected.items() if any(len(of_task) > 1 for of_task in of.values())}
    found = {(g["workload"], g["scenario"]): g for g in evaluation.get("groups", [])}
    c.values("groups", sorted(map(str, found)), sorted(map(str, expected)))
    for key in found.keys() & expected.keys():
        for task in TASKS:
            several = expected[key][task] if len(expected[key][task]) > 1 else []
            c.values(f"groups.{key}.{task}", sorted(found[key][task]), sorted(evaluation["schedulers"]) if several else [])
            for name in found[key][task]:
                c.values(f"groups.{key}.{task}.{name}", found[key][task][name], total(several, name))


def compare(folder, evaluation, grid=True):
    """Comparison of all cells that are of the recording in `folder`. `grid`: the goals are those of the default grid."""
    rec, c = Recording(folder), Comparison()
    c.values("schema_version", evaluation["schema_version"].split(".")[0], "2")
    own = [cell for cell in evaluation["cells"] if cell["recording_sha256"] == rec.sha256]
    if not own:
        c.differences.append(f"no cell is of {folder} (its recording.json has SHA-256 {rec.sha256})")
    for cell in own:
        compare_cell(c, rec, cell, evaluation["schedulers"], grid)
    compare_overall(c, evaluation)
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
          + (f"; {len(c.rounding)} more rest on the rounding of a figure that equals its goal" if c.rounding else ""))
    print(f"{c.programmes} bounds of oracle-mean held against the linear programme"
          + (" (none: needs scipy, Debian's python3-scipy)" if scipy is None else ""))
    return 1 if c.differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
