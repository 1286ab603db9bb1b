"""Reads a result folder. Everything that depends on the format of a file is here, so that a changed format is handled once.

Missing: the input of a figure does not exist (the figure is skipped, with a note).
Broken:  a file exists but cannot be used; the message names file, key and remedy.
"""

import json
import os
import re

import numpy as np

REPLAY, LIVE = "replay", "live"
ALLOWED_SHARE = 0.10  # of the groups that may be late; read strictly, of the inputs that may break a goal (lib/core/goal_judge.h)
MEAN, STRICT = "mean", "strict"  # judges


class Missing(Exception):
    pass


class Broken(Exception):
    pass


def broken(path, key, what, remedy):
    return Broken(f"{path}: {key + ': ' if key else ''}{what}; {remedy}")


def natural(text):
    """Sort key: energy-2 before energy-10."""
    return [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in re.split(r"(\d+)", str(text)) if p]


def read_json(path, remedy="write it again with 'alert-bench report' or repeat the run"):
    def refuse(word):
        raise ValueError(f"{word} is not valid JSON")

    try:
        with open(path, encoding="utf-8") as f:
            value = json.load(f, parse_constant=refuse)
    except FileNotFoundError:
        raise Missing(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as e:
        raise broken(path, "", f"cannot be read ({e})", "fix its permissions or its encoding (UTF-8)") from None
    except ValueError as e:
        raise broken(path, "", f"damaged, or not valid JSON ({e})", remedy) from None
    if not isinstance(value, dict):
        raise broken(path, "", "is not a JSON object", remedy)
    return value


def number(value):
    """float, NaN where null or absent."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else float("nan")


def whole(value, fallback):
    return value if isinstance(value, int) and not isinstance(value, bool) else fallback


class Model:
    def __init__(self, name, accuracy, source, on, random_weights, mean_s, active_w, size_growth):
        self.name, self.accuracy, self.accuracy_source, self.accuracy_on = name, accuracy, source, on
        self.random_weights = random_weights
        self.size_growth = size_growth
        self.mean_s = mean_s      # [stage][cap]
        self.active_w = active_w  # [cap]

    @property
    def stages(self):
        return len(self.mean_s)

    @property
    def anytime(self):
        return self.stages > 1


ACCURACY_NAMES = {"top1": "top-1", "f1": "F1", "language_quality": "language quality"}  # by unit
MANY_NETWORKS = 12  # more are spoken of by family


def family(name):
    """What stands before the first number that is a part of its own: mobilenet-v2-0.5-160 is of mobilenet-v2."""
    return re.split(r"[-_](?=\d)", name)[0]


class Profile:
    def __init__(self, path):
        self.path = path
        raw = read_json(path)
        self.caps_w = self._numbers(raw, "caps_w", None)
        self.fail_accuracy = number(raw.get("fail_accuracy", 0))
        self.idle_w = number(raw.get("idle_power_w"))
        self.energy_source = str(raw.get("energy_source") or "unknown")
        self.latency_source = str(raw.get("latency_source") or "unknown")
        self.workload = str(raw.get("workload") or "")
        self.accuracy_unit = raw.get("accuracy_unit", "f1" if self.workload == "squad" else "top1")  # as Profile::read
        if self.accuracy_unit not in ACCURACY_NAMES:
            raise broken(path, "accuracy_unit", f"{json.dumps(self.accuracy_unit)} is not one of {', '.join(ACCURACY_NAMES)}",
                         "make the profile again with 'alert-bench profile'")
        self.host = str(raw.get("host") or "")
        self.power_model = raw.get("power_model") if isinstance(raw.get("power_model"), dict) else {}
        self.mean_size = number(raw.get("mean_size", 1))
        if not self.mean_size > 0:
            raise broken(path, "mean_size", f"{json.dumps(raw.get('mean_size'))} is not a number above 0",
                         "make the profile again with 'alert-bench profile'")
        models = raw.get("models")
        if not isinstance(models, list) or not models:
            raise broken(path, "models", "is not a list of networks", "make the profile again with 'alert-bench profile'")
        self.models = [self._model(m, f"models[{i}]") for i, m in enumerate(models)]

    def _numbers(self, raw, key, count, where=""):
        values = raw.get(key) if isinstance(raw, dict) else None
        name = f"{where}.{key}" if where else key
        if (not isinstance(values, list) or not values or any(np.isnan(number(v)) for v in values)
                or (count is not None and len(values) != count)):
            raise broken(self.path, name, f"needs {'one number per cap' if count else 'a list of numbers'}",
                         "make the profile again with 'alert-bench profile'")
        return np.array([number(v) for v in values])

    def _model(self, raw, where):
        if not isinstance(raw, dict) or not isinstance(raw.get("name"), str):
            raise broken(self.path, f"{where}.name", "is missing", "make the profile again with 'alert-bench profile'")
        caps = len(self.caps_w)
        stages = raw.get("stages")
        if not isinstance(stages, list) or not stages:
            raise broken(self.path, f"{where}.stages", "is not a list", "make the profile again with 'alert-bench profile'")
        mean = np.array([self._numbers(s, "mean_s", caps, f"{where}.stages[{i}]") for i, s in enumerate(stages)])
        accuracy = self._numbers(raw, "accuracy", None, where)
        if len(accuracy) != len(stages):
            raise broken(self.path, f"{where}.accuracy", f"has {len(accuracy)} values for {len(stages)} stages",
                         "one accuracy per stage")
        active = self._numbers(raw, "active_power_w", caps, where) if raw.get("active_power_w") is not None else None
        return Model(raw["name"], accuracy, str(raw.get("accuracy_source") or "unknown"), str(raw.get("accuracy_on") or ""),
                     bool(raw.get("random_weights")), mean, active, self._size_growth(raw, where))

    def _size_growth(self, raw, where):
        value = raw.get("size_growth", 0.0)
        if np.isnan(number(value)) or not 0 <= number(value) <= 2:
            raise broken(self.path, f"{where}.size_growth", f"{json.dumps(value)} is not a number from 0 to 2",
                         "make the profile again with 'alert-bench profile'")
        return number(value)

    def size_factor(self, model, size):
        """What inputs of `size` (in the workload's unit) multiply the latencies of the profile by: Profile::size_factor."""
        return np.maximum(0.05, 1 + self.models[model].size_growth * (np.asarray(size, dtype=float) / self.mean_size - 1))

    @property
    def traditional(self):
        return [m for m in self.models if not m.anytime]

    @property
    def anytimes(self):
        return [m for m in self.models if m.anytime]

    def reference_model(self):
        """As Profile::reference_latency_s: the largest anytime network, else the slowest; uncapped."""
        return max(self.anytimes or self.models, key=lambda m: m.mean_s[-1, -1])

    def reference_latency_s(self):
        return self.reference_model().mean_s[-1, -1]

    def index(self, name):
        """Of a network given by name or by index; None where unknown."""
        if isinstance(name, int) and 0 <= name < len(self.models):
            return name
        return next((i for i, m in enumerate(self.models) if m.name == name), None)

    def first_row(self, model):
        return sum(m.stages for m in self.models[:model])

    @property
    def rows(self):
        return self.first_row(len(self.models))

    def energy_source_text(self):
        if self.energy_source == "model" and self.power_model.get("name"):
            return f"model: {self.power_model['name']}"
        return self.energy_source

    def random_weights_text(self):
        names = [m.name for m in self.models if m.random_weights]
        if not names:
            return ""
        return "random weights" + ("" if len(names) == len(self.models) else ": " + ", ".join(names))

    def accuracy_name(self):
        return ACCURACY_NAMES[self.accuracy_unit]

    def accuracy_text(self):
        """What the accuracies are, where that needs saying, and their source; where networks differ, each source with its networks."""
        unit = "language quality (1 − NLL / NLL of guessing), " if self.accuracy_unit == "language_quality" else ""
        return unit + self._accuracy_sources()

    def _accuracy_sources(self):
        groups = {}
        for m in self.models:
            groups.setdefault(m.accuracy_source + (f" on {m.accuracy_on}" if m.accuracy_on else ""), []).append(m.name)
        if len(groups) == 1:
            return next(iter(groups))
        if len(self.models) > MANY_NETWORKS:
            groups = {source: sorted({family(n) for n in names}) for source, names in groups.items()}
        return "; ".join(f"{source} ({', '.join(names)})" for source, names in groups.items())


class Recording:
    def __init__(self, folder, profile):
        self.folder, self.profile = folder, profile
        facts_path = os.path.join(folder, "recording.json")
        self.facts = read_json(facts_path)
        self.stage_end_s = self._array("stage_end_s.npy", 3)
        inputs, rows, caps = self.stage_end_s.shape
        if rows != profile.rows or caps != len(profile.caps_w):
            raise broken(os.path.join(folder, "stage_end_s.npy"), "",
                         f"has {rows} rows and {caps} caps, the profile {profile.path} has {profile.rows} and {len(profile.caps_w)}",
                         "put the profile that the recording was made with next to it, as recording/profile.json")
        on = self._array("co_runner_on.npy", 1)
        if len(on) != inputs:
            raise broken(os.path.join(folder, "co_runner_on.npy"), "", f"has {len(on)} inputs, stage_end_s.npy has {inputs}",
                         "repeat 'alert-bench record'")
        self.co_runner_on = np.asarray(on) != 0

    def scenario(self):
        """The scenario that was recorded, as far as recording.json keeps it: an object, maybe empty."""
        info = self.facts.get("info") if isinstance(self.facts.get("info"), dict) else {}
        for found in (info.get("scenario"), self.facts.get("scenario")):
            if isinstance(found, dict):
                return found
            if isinstance(found, str):
                return {"name": found}
        return {}

    def size(self):
        """Of each input, in the workload's unit; 1 where all are alike."""
        inputs = len(self.stage_end_s)
        if not os.path.exists(os.path.join(self.folder, "size.npy")):
            return np.ones(inputs)
        size = np.asarray(self._array("size.npy", 1), dtype=float)
        if len(size) != inputs or not (np.isfinite(size) & (size > 0)).all():
            raise broken(os.path.join(self.folder, "size.npy"), "", f"is not one size above 0 for each of {inputs} inputs",
                         "repeat 'alert-bench record'")
        return size

    def _array(self, name, dimensions):
        path = os.path.join(self.folder, name)
        try:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        except FileNotFoundError:
            raise Missing(f"{path}: no such file") from None
        except (ValueError, OSError, EOFError) as e:
            raise broken(path, "", f"damaged, or not an .npy array ({e})", "repeat 'alert-bench record'") from None
        if array.ndim != dimensions or array.size == 0:
            raise broken(path, "", f"has shape {array.shape}, needs {dimensions} dimensions, none empty",
                         "repeat 'alert-bench record'")
        return array


class TraceHeader:
    """First line of a trace: cheap to read for all of a large grid."""

    def __init__(self, path):
        self.path = path
        with open(path, encoding="utf-8", errors="replace") as f:
            line = f.readline()
        try:
            raw = json.loads(line) if line.strip() else None
        except ValueError:
            raw = None
        if not isinstance(raw, dict) or raw.get("record") != "header":
            raise broken(path, "record", "the first line is not a trace header", "remove the file or repeat the run")
        self.raw = raw
        stem = os.path.basename(path)[: -len(".jsonl")]
        parts = stem.split(".")  # SCHEDULER[.SETTING][.MODE]
        self.scheduler = str(raw.get("scheduler") or parts[0])
        self.mode = str(raw.get("mode") or (parts[-1] if parts[-1] in (LIVE, REPLAY) else LIVE))
        rest = [p for p in parts[1:] if p not in (LIVE, REPLAY)]
        self.setting = str(raw.get("setting") or ".".join(rest) or "default")
        self.task = str(raw.get("task") or "")
        self.goals = raw.get("goals") if isinstance(raw.get("goals"), dict) else {}
        self.judge = MEAN if self.goals.get("judge") == MEAN else STRICT  # schema 1.0 knew no other
        self.scenario = str(raw.get("scenario") or "")
        self.energy_source = str(raw.get("energy_source") or "unknown")
        self.accuracy_source = str(raw.get("accuracy_source") or "unknown")

    @property
    def key(self):
        return self.scheduler, self.setting, self.mode

    def __str__(self):
        return f"{self.scheduler} {self.setting} {self.mode}"


class Trace:
    """Columns over the inputs (without warm-up). NaN where a value is unknown."""

    def __init__(self, header, profile, notes):
        self.header = header
        records = self._read(header.path, notes)
        if not records:
            raise Missing(f"{header.path}: contains no input")
        need = {k: [] for k in ("input", "latency_s", "deadline_s", "cap_w", "accuracy", "energy_j")}
        for line, r in records:
            for key, column in need.items():
                value = number(r.get(key))
                if np.isnan(value) and key in ("input", "latency_s"):
                    raise broken(header.path, key, f"is missing or not a number in line {line}", "repeat the run")
                column.append(value)
        for key, column in need.items():
            setattr(self, key, np.array(column))
        deadline = number(header.goals.get("deadline_s"))
        self.deadline_s = np.where(np.isnan(self.deadline_s), deadline, self.deadline_s)
        if profile is not None:  # null: uncapped
            self.cap_w = np.where(np.isnan(self.cap_w), profile.caps_w[-1], self.cap_w)
        self.model = [r.get("model") for _, r in records]
        if profile is not None:
            self.model = [profile.models[m].name if isinstance(m, int) and profile.index(m) is not None else m
                          for m in self.model]
        self.stage_target = np.array([whole(r.get("stage_target"), 1) for _, r in records])
        self.stage_delivered = np.array([whole(r.get("stage_delivered"), 0) for _, r in records])
        xi = [r.get("slowdown") if isinstance(r.get("slowdown"), dict) else {} for _, r in records]
        self.xi_observed, self.xi_mean, self.xi_sd = (np.array([number(x.get(k)) for x in xi]) for k in ("observed", "mean", "sd"))
        self.co_runner = [r.get("co_runner") or None for _, r in records]
        broke = [r.get("violations") if isinstance(r.get("violations"), dict) else {} for _, r in records]
        self.violations = {k: np.array([b.get(k) is True for b in broke]) for k in ("deadline", "accuracy", "energy")}
        self.violated_strict = bool(np.mean(self.any_violation) > ALLOWED_SHARE)
        self.late_share = float(np.mean(self.violations["deadline"]))
        self.violated = self.violated_strict
        if self.verdict:
            self.late_share, self.violated = number(self.verdict.get("late_share")), self.verdict.get(f"violated_{header.judge}") is True
            self.violated_strict = self.verdict.get("violated_strict") is True
        elif header.judge == MEAN:  # cut off: what its last input says of the means up to there
            self.violated = self.late_share > ALLOWED_SHARE or any(broke[-1].get(k) is True for k in ("mean_accuracy", "mean_energy"))

    def running_mean(self, column):
        """Of the judged inputs up to each, without those whose value is unknown."""
        values = getattr(self, column)
        known = ~np.isnan(values)
        with np.errstate(invalid="ignore"):
            return np.cumsum(np.where(known, values, 0)) / np.cumsum(known)

    def _read(self, path, notes):
        records = []
        self.verdict = None
        with open(path, encoding="utf-8", errors="replace") as f:
            lines = f.read().split("\n")
        last = max((i for i, text in enumerate(lines) if text.strip()), default=0)
        ended = False
        for i, text in enumerate(lines[1:], 2):
            if not text.strip():
                continue
            try:
                r = json.loads(text)
                if not isinstance(r, dict):
                    raise ValueError("not an object")
            except ValueError as e:
                if i - 1 == last:  # a kill loses the line in progress, by design
                    notes(f"{path}: the last line is truncated (the run was interrupted) and ignored")
                    break
                raise broken(path, "", f"line {i} is damaged ({e})", "remove the line or repeat the run") from None
            if r.get("record") == "input" and not r.get("warmup"):
                records.append((i, r))
            if r.get("record") == "end":
                ended, self.verdict = True, r["verdict"] if isinstance(r.get("verdict"), dict) else None
        self.complete = ended
        return records

    def __len__(self):
        return len(self.input)

    @property
    def any_violation(self):
        return self.violations["deadline"] | self.violations["accuracy"] | self.violations["energy"]

    @property
    def error(self):
        return 1 - self.accuracy

    def spans(self):
        """Contention: list of (first input, last input, name), one per stretch of the same co-runner."""
        found = []
        for n, name in zip(self.input, self.co_runner):
            if name is None:
                continue
            name = name if isinstance(name, str) else "co-runner"
            if found and found[-1][2] == name and n == found[-1][1] + 1:
                found[-1][1] = n
            else:
                found.append([n, n, name])
        return [tuple(s) for s in found]


class Cell:
    """One scheduler on one setting in one mode. `share`: of the inputs that break a goal on their own."""

    def __init__(self, scheduler, setting, mode, task, inputs, share, late_share, energy_j, error, judge, violated, violated_strict,
                 normalised=None):
        self.scheduler, self.setting, self.mode, self.task = scheduler, setting, mode, task
        self.inputs, self.share, self.late_share, self.energy_j, self.error = inputs, share, late_share, energy_j, error
        self.judge, self.violated, self.violated_strict = judge, violated, violated_strict
        self.normalised = normalised  # (value, low, high) or None


EVALUATION_SCHEMA = "2.0"
AGAIN = "write it again with 'alert-bench replay RECORDING --grid --out FOLDER', 'sweep' or 'merge'"


def violated_text(by_means, goal="a goal is missed"):
    """When a setting is violated, for captions."""
    return f"over 10 % are late or, on average, {goal}" if by_means else "over 10 % of the inputs break a goal"


def domain_of(workload, overall):
    """The domain that an evaluation's totals count the workload to. Files of before say no workloads with their totals."""
    for domain, totals in overall.items():
        if isinstance(totals, dict) and isinstance(totals.get("workloads"), list) and workload in totals["workloads"]:
            return domain
    return "nlp" if workload in ("ptb", "squad") else "vision"


class Value:
    """A total with its interval (NaN where unknown) and the number of settings included."""

    def __init__(self, value=np.nan, low=np.nan, high=np.nan, settings=0):
        self.value, self.low, self.high, self.settings = value, low, high, settings

    @property
    def known(self):
        return not np.isnan(self.value)


class Evaluation:
    """evaluation.json: see lib/evaluation/evaluation.h for what its values mean."""

    # How cells are joined.
    METRICS = {"violation_rate": "mean", "in_time": "mean", "satisfaction": "mean", "normalised": "harmonic", "over_static": "harmonic",
               "over_oracle": "harmonic", "over_oracle_mean": "harmonic", "over_oracle_causal": "harmonic"}

    def __init__(self, path):
        self.path = path
        self.raw = read_json(path, AGAIN)
        version = self.raw.get("schema_version")
        if version == "1.0":
            raise broken(path, "schema_version", f"\"1.0\" judges goals input by input; this script reads \"{EVALUATION_SCHEMA}\"",
                         "evaluate the recording again: alert-bench replay RECORDING --grid --out FOLDER")
        if version != EVALUATION_SCHEMA:
            raise broken(path, "schema_version", f"{json.dumps(version)} is not known; this script reads \"{EVALUATION_SCHEMA}\"", AGAIN)
        if self.raw.get("kind") != "evaluation":
            raise broken(path, "kind", f"{json.dumps(self.raw.get('kind'))} is not \"evaluation\"", AGAIN)
        self.schedulers = self.raw.get("schedulers")
        if not isinstance(self.schedulers, list) or not self.schedulers or not all(isinstance(s, str) for s in self.schedulers):
            raise broken(path, "schedulers", "is not a list of names", AGAIN)
        cells = self.raw.get("cells")
        if not isinstance(cells, list):
            raise broken(path, "cells", "is not a list", AGAIN)
        for i, c in enumerate(cells):
            self._check(c, f"cells[{i}]")
        self.cells = [c for c in cells if c["failed"] is None]
        self.failed = [c for c in cells if c["failed"] is not None]
        bootstrap = self.raw.get("bootstrap")
        bootstrap = bootstrap if isinstance(bootstrap, dict) else {}
        self.resamples = whole(bootstrap.get("resamples"), 1000)
        self.confidence = number(bootstrap.get("confidence", 0.95))
        if not 0 < self.confidence < 1:
            raise broken(path, "bootstrap.confidence", f"{json.dumps(bootstrap.get('confidence'))} is not between 0 and 1", AGAIN)

    def _check(self, c, where):
        def need(value, key, kind, name):
            found = value.get(key, 0) if isinstance(value, dict) else 0
            bad = isinstance(found, bool) and kind is not bool
            if not isinstance(found, kind) or bad or not isinstance(value, dict) or key not in value:
                raise broken(self.path, f"{where}.{key}", f"is missing, or not of type {name}", AGAIN)
            return found

        for key in ("id", "workload", "scenario", "energy_source", "accuracy_source"):
            need(c, key, str, "text")
        if need(c, "task", str, "text") not in ("min_energy", "min_error"):
            raise broken(self.path, f"{where}.task", f"{json.dumps(c['task'])} is neither min_energy nor min_error", AGAIN)
        need(c, "failed", (str, type(None)), "text or null")
        need(c, "inputs", int, "whole number")
        if need(c, "judge", str, "text") not in (MEAN, STRICT):
            raise broken(self.path, f"{where}.judge", f"{json.dumps(c['judge'])} is neither {MEAN} nor {STRICT}", AGAIN)
        base = where
        for k, s in enumerate(need(c, "settings", list, "list")):
            where = f"{base}.settings[{k}]"
            need(s, "name", str, "text")
            need(s, "deadline_s", (int, float), "number")
            need(s, "feasible", bool, "true or false")
            need(s, "ideals", dict, "object")
            results = need(s, "results", dict, "object")
            for name in self.schedulers:
                where = f"{base}.settings[{k}].results"
                r = need(results, name, dict, "object")
                where += f".{name}"
                need(r, "violated", bool, "true or false")
                need(r, "late_share", (int, float), "number")
                need(need(r, "strict", dict, "object"), "satisfaction", (int, float), "number")

    def tasks(self):
        return [t for t in ("min_energy", "min_error") if any(c["task"] == t for c in self.cells)]

    def names(self, key, task):
        """Of workloads or scenarios, those without a co-runner first."""
        found = {c[key]: c.get("co_runner") for c in self.cells if c["task"] == task}
        return sorted(found, key=lambda n: (key == "scenario" and found[n] not in ("none", "", None), natural(n)))

    def select(self, task, workload=None, scenario=None):
        return [c for c in self.cells if c["task"] == task and workload in (None, c["workload"]) and scenario in (None, c["scenario"])]

    def stored(self, cells):
        """The totals by scheduler that the file has of just these cells (of one task); {} where it has none."""
        if len(cells) == 1:
            found = cells[0].get("schedulers")
        else:
            overall = self.raw.get("overall") if isinstance(self.raw.get("overall"), dict) else {}
            found = overall.get("all") if cells and len(cells) == len(self.select(cells[0]["task"])) else None
            for domain in (d for d in overall if d != "all"):
                if cells and cells == [c for c in self.select(cells[0]["task"]) if domain_of(c["workload"], overall) == domain]:
                    found = overall[domain]
            found = found.get(cells[0]["task"]) if isinstance(found, dict) else None
            found = found.get("schedulers") if isinstance(found, dict) else None
        return found if isinstance(found, dict) else {}

    def total(self, cells, scheduler, metric):
        """Over cells: as the file has it where it has this very total, else by the same definition."""
        stored = self.stored(cells).get(scheduler)
        stored = stored.get(metric) if isinstance(stored, dict) else None
        if isinstance(stored, dict) and not np.isnan(number(stored.get("value"))):
            return Value(*(number(stored.get(k)) for k in ("value", "low", "high")), whole(stored.get("settings"), 0))
        return self.joined(cells, scheduler, metric)

    def joined(self, cells, scheduler, metric):
        """Means over the settings of a cell, joined over cells; a bootstrap over the recordings, then the settings within each."""
        groups = [np.array([v for v in (self._of(s, scheduler, metric) for s in c["settings"]) if not np.isnan(v)]) for c in cells]
        groups = [g for g in groups if len(g)]
        if not groups:
            return Value()
        join = (lambda m: 1 / np.mean(1 / m, axis=0)) if self.METRICS[metric] == "harmonic" else (lambda m: np.mean(m, axis=0))
        value, settings = float(join(np.array([g.mean() for g in groups]))), sum(len(g) for g in groups)
        if settings < 2:
            return Value(value, settings=settings)
        generator = np.random.default_rng(1)
        chosen = generator.integers(0, len(groups), size=(len(groups), self.resamples))
        means = np.empty(chosen.shape)
        for k, g in enumerate(groups):
            own = chosen == k
            means[own] = g[generator.integers(0, len(g), size=(int(own.sum()), len(g)))].mean(axis=1)
        tail = 50 * (1 - self.confidence)
        return Value(value, *(float(v) for v in np.percentile(join(means), [tail, 100 - tail])), settings)

    def strict_rate(self, cells, scheduler):
        """Share of the settings violated when goals are judged input by input, among those that are feasible then; NaN if none is."""
        rates = []
        for c in cells:
            strict = c["schedulers"].get(scheduler, {}).get("strict", {}) if isinstance(c.get("schedulers"), dict) else {}
            if whole(strict.get("feasible_settings"), 0) > 0:
                rates.append(number(strict.get("violated_settings")) / strict["feasible_settings"])
        return float(np.mean(rates)) if rates else np.nan

    @staticmethod
    def _of(setting, scheduler, metric):
        r = setting["results"][scheduler]
        if metric not in ("violation_rate", "in_time", "satisfaction"):
            return number(r.get(metric))
        if not setting["feasible"]:
            return np.nan
        return {"violation_rate": float(r["violated"]), "in_time": 1 - number(r["late_share"]),
                "satisfaction": number(r["strict"]["satisfaction"])}[metric]

    @staticmethod
    def judged_by_means(cells):
        return any(c["judge"] == MEAN for c in cells)

    def source_text(self, cells, key):
        return ", ".join(sorted({c[key] for c in cells}))

    def caption(self, cells):
        """Where the values come from, for the footer."""
        inputs = sorted({c["inputs"] - whole(c.get("warmup_inputs"), 0) for c in cells})
        count = f"{inputs[0]}" if len(inputs) == 1 else f"{inputs[0]} to {inputs[-1]}"
        return [f"{count} inputs per setting, replayed from recordings", f"energy: {self.source_text(cells, 'energy_source')}",
                f"accuracy: {self.source_text(cells, 'accuracy_source')}",
                f"{len(self.failed)} failed cells omitted" if self.failed else ""]


class Result:
    """A result folder. Files are read when first asked for; `notes` collects what the reader of a figure should know."""

    def __init__(self, folder, notes=lambda text: None):
        self.folder, self.notes = folder, notes
        if not os.path.isdir(folder):
            raise broken(folder, "", "no such folder", "use the folder that 'alert-bench run ... --out FOLDER' wrote")
        inside = ("manifest.json", "profile.json", "traces", "recording", "summary.json", "evaluation.json")
        if not any(os.path.exists(self.path(name)) for name in inside):
            raise broken(folder, "", f"is not a result folder (it contains none of {', '.join(inside)})",
                         "use the folder that 'alert-bench run ... --out FOLDER' wrote")
        self._cache = {}

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def _once(self, key, make):
        if key not in self._cache:
            try:
                self._cache[key] = make()
            except (Missing, Broken) as e:
                self._cache[key] = e
        value = self._cache[key]
        if isinstance(value, Exception):
            raise value
        return value

    def manifest(self):
        def make():
            try:
                return read_json(self.path("manifest.json"))
            except Missing as e:
                self.notes(f"{e}; the scenario is not named in the figures")
                return {}

        return self._once("manifest", make)

    def profile(self):
        own, of_recording = self.path("profile.json"), self.path("recording", "profile.json")
        return self._once("profile", lambda: Profile(own if os.path.exists(own) or not os.path.exists(of_recording) else of_recording))

    def profile_or_none(self):
        try:
            return self.profile()
        except Missing:
            return None

    def recording(self):
        def make():
            of_recording = self.path("recording", "profile.json")
            return Recording(self.path("recording"), Profile(of_recording) if os.path.exists(of_recording) else self.profile())

        return self._once("recording", make)

    def summary(self):
        return self._once("summary", lambda: read_json(self.path("summary.json")))

    def evaluation(self):
        def make():
            found = Evaluation(self.path("evaluation.json"))
            for c in found.failed:
                self.notes(f"{found.path}: cell {c['id']} failed and is omitted: {c['failed']}")
            if not found.cells:
                raise Missing(f"{found.path}: contains no cell that could be evaluated")
            return found

        return self._once("evaluation", make)

    def scenario_name(self):
        for source in (self.manifest().get("scenario"), self.manifest().get("effective_scenario"), self.manifest().get("name")):
            if isinstance(source, dict):
                source = source.get("name")
            if isinstance(source, str) and source:
                return os.path.basename(source)
        try:
            return next((h.scenario for h in self.headers() if h.scenario), "")
        except Missing:
            pass
        try:
            return str(self.summary().get("scenario") or "")
        except Missing:
            return ""

    def energy_source(self):
        """Of the runs, as their traces or the summary name it."""
        try:
            sources = {h.energy_source for h in self.headers()}
        except Missing:
            try:
                sources = {str(self.summary().get("energy_source") or "unknown")}
            except Missing:
                sources = {"unknown"}
        profile = self.profile_or_none()
        return ", ".join(sorted(profile.energy_source_text() if profile and s == profile.energy_source else s for s in sources))

    def verdict_text(self):
        """For the footer, if the result is not simply valid."""
        manifest = self.manifest()
        verdict = manifest.get("verdict") if isinstance(manifest.get("verdict"), dict) else {}
        parts = ["INVALID RESULT" if verdict.get("valid") is False else ""]
        if manifest.get("status") in ("running", "partial", "failed"):
            parts.append(f"status: {manifest['status']}")
        return ", ".join(p for p in parts if p)

    def headers(self):
        def make():
            folder = self.path("traces")
            names = sorted((n for n in (os.listdir(folder) if os.path.isdir(folder) else []) if n.endswith(".jsonl")), key=natural)
            found = []
            for name in names:
                path = os.path.join(folder, name)
                if os.path.getsize(path) == 0:
                    self.notes(f"{path}: is empty (the run was interrupted before its first line) and ignored")
                    continue
                found.append(TraceHeader(path))
            if not found:
                raise Missing(f"{folder}: contains no trace (SCHEDULER.SETTING.MODE.jsonl)")
            return found

        return self._once("headers", make)

    def trace(self, header):
        return self._once(("trace", header.path), lambda: Trace(header, self.profile_or_none(), self.notes))

    def find(self, scheduler, setting=None, mode=None, asked=False):
        """The header of the run; what is not given: live before replay, then the first setting by name. A run that the user asked
        for and that is not there is an error, a default that is not there is not."""
        headers = self.headers()
        fits = [h for h in headers if h.scheduler == scheduler and setting in (None, h.setting) and mode in (None, h.mode)]
        if not fits:
            what = f"no trace of '{' '.join(x for x in (scheduler, setting, mode) if x)}'"
            have = "; ".join(f"{name}: {', '.join(sorted(set(values), key=natural))}" for name, values in (
                ("schedulers", [h.scheduler for h in headers]), ("settings", [h.setting for h in headers]),
                ("modes", [h.mode for h in headers])))
            if asked:
                raise broken(self.path("traces"), "", what, f"choose among {have}")
            raise Missing(f"{self.path('traces')}: {what}; available: {have}")
        return min(fits, key=lambda h: (h.mode != LIVE, natural(h.setting)))

    def cells(self):
        """All cells, from summary.json; those that it lacks, from the traces."""
        return self._once("cells", self._cells)

    def _cells(self):
        cells = {}
        try:
            summary = self.summary()
            listed = summary.get("results")
            if not isinstance(listed, list):
                self.notes(f"{self.path('summary.json')}: results: is not a list; the bars are computed from the traces")
        except Missing as e:
            self.notes(f"{e}; the bars are computed from the traces")
            listed = []
        for raw in listed if isinstance(listed, list) else []:
            cell = _cell_of_summary(raw)
            if cell:
                cells[cell.scheduler, cell.setting, cell.mode] = cell
        try:
            headers = self.headers()
        except Missing:
            headers = []
        by_key = {h.key: h for h in headers}
        for key, header in by_key.items():
            if key in cells:
                continue
            try:
                t = self.trace(header)
            except Missing as e:
                self.notes(str(e))
                continue
            cells[key] = Cell(*key, header.task, len(t), float(np.mean(t.any_violation)), t.late_share, _mean(t.energy_j), _mean(t.error),
                              header.judge, t.violated, t.violated_strict)
        if not cells:
            raise Missing(f"{self.path('summary.json')}: does not exist or contains no results, and there are no traces to compute them from")
        for cell in cells.values():
            if cell.normalised is None:
                cell.normalised = self._normalise(cell, cells, by_key)
        return list(cells.values())

    def _normalise(self, cell, cells, by_key):
        """As lib/metrics/summary.h: over the inputs that both know; not against an oracle-static that is itself violated."""
        base = reference_cell(cells, cell, "oracle-static")
        if base is None or base.violated:
            return None
        column = "error" if cell.task == "min_error" else "energy_j"
        own, other = by_key.get((cell.scheduler, cell.setting, cell.mode)), by_key.get((base.scheduler, base.setting, base.mode))
        if own is None or other is None:  # no traces: the means of the summary, without an interval
            a, b = (getattr(c, "error" if column == "error" else "energy_j") for c in (cell, base))
            return (a / b,) * 3 if b > 0 and not np.isnan(a) else None
        own, other = self.trace(own), self.trace(other)
        _, i, j = np.intersect1d(own.input, other.input, return_indices=True)
        a, b = getattr(own, column)[i], getattr(other, column)[j]
        known = ~(np.isnan(a) | np.isnan(b))
        a, b = a[known], b[known]
        if not len(a) or not b.mean() > 0:
            return None
        value = float(a.mean() / b.mean())
        low, high = ratio_interval(a, b)
        return value, value if np.isnan(low) else low, value if np.isnan(high) else high


def reference_cell(cells, cell, scheduler):
    """`scheduler` on the setting of `cell`: of the same mode, else of the other one (oracles may exist in replay only)."""
    return _first_of(cells, cell, scheduler, (cell.mode, REPLAY, LIVE))


def feasibility_cell(cells, cell):
    """The oracle-static that tells whether a single configuration keeps the goals of the setting of `cell`: the replayed one, which
    knows the truth it is judged by. A live one meets other disturbances: it stands in only where nothing else is there."""
    return _first_of(cells, cell, "oracle-static", (REPLAY, LIVE))


def _first_of(cells, cell, scheduler, modes):
    return next((cells[scheduler, cell.setting, m] for m in modes if (scheduler, cell.setting, m) in cells), None)


def _mean(values):
    known = values[~np.isnan(values)]
    return float(np.mean(known)) if len(known) else float("nan")


def ratio_interval(a, b, replicates=1000, block=10):
    """95 % interval of mean(a) / mean(b), value by value in pairs: circular bootstrap over blocks of neighbouring inputs (contention
    comes in spells). Seeded: the same files give the same figure. NaN for fewer than two blocks."""
    n = len(a)
    if n < 2 * block:
        return float("nan"), float("nan")
    generator = np.random.default_rng(1)
    starts = generator.integers(0, n, size=(replicates, n // block))
    index = ((starts[:, :, None] + np.arange(block)) % n).reshape(replicates, -1)
    below = b[index].mean(axis=1)
    ratios = a[index].mean(axis=1)[below > 0] / below[below > 0]
    return tuple(float(x) for x in np.percentile(ratios, [2.5, 97.5])) if len(ratios) else (float("nan"),) * 2


def _cell_of_summary(raw):
    """None where the entry lacks what the bars need (then the trace is used)."""
    if not isinstance(raw, dict) or not isinstance(raw.get("scheduler"), str):
        return None
    violations = raw.get("violations") if isinstance(raw.get("violations"), dict) else {}
    share = number(violations.get("any"))
    if np.isnan(share):
        share = 1 - number(raw.get("satisfaction"))
    energy, error = number(raw.get("mean_energy_j")), number(raw.get("mean_error"))
    value, span = number(raw.get("normalised")), raw.get("normalised_interval")
    low, high = (number(v) for v in span) if isinstance(span, list) and len(span) == 2 else (value, value)
    norm = None if np.isnan(value) else (value, value if np.isnan(low) else low, value if np.isnan(high) else high)
    task = raw.get("task")
    if np.isnan(share) or task not in ("min_energy", "min_error") or (norm is None and np.isnan(energy) and np.isnan(error)):
        return None
    inputs = raw.get("inputs")
    strict = raw.get("strict") if isinstance(raw.get("strict"), dict) else {}
    late = number(raw.get("late_share", violations.get("deadline")))
    by_share = share > ALLOWED_SHARE  # as summaries before 2.0 were judged
    verdict = raw.get("judge", STRICT), bool(raw.get("violated", by_share)), bool(strict.get("violated", by_share))
    return Cell(raw["scheduler"], str(raw.get("setting") or "default"), str(raw.get("mode") or LIVE), task,
                int(inputs) if isinstance(inputs, int) else 0, share, late, energy, error, *verdict, norm)
