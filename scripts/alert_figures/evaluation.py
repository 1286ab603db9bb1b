"""evaluation.json: schedulers judged over grids of goal settings."""

import json

import numpy as np

from .reading import broken, check_version, natural, number, read_json, whole
from .trace import MEAN, STRICT

EVALUATION_SCHEMA = "2.2"
AGAIN = "write it again with 'alert-bench replay RECORDING --grid --out FOLDER', 'sweep' or 'merge'"


def domain_of(workload, overall):
    """The domain that an evaluation's totals count the workload to. Older files do not list workloads with their totals."""
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
        check_version(path, version, EVALUATION_SCHEMA)
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

    def _info(self, scheduler):
        info = self.raw.get("scheduler_info")
        found = info.get(scheduler) if isinstance(info, dict) else None
        return found if isinstance(found, dict) else {}

    def family(self, scheduler):
        """None in files before 2.2."""
        family = self._info(scheduler).get("family")
        return family if isinstance(family, str) else None

    def promises(self, scheduler):
        """The goals that the scheduler tries to keep; all of them where the file does not say."""
        promises = self._info(scheduler).get("promises")
        return set(promises) if isinstance(promises, list) else {"deadline", "accuracy", "energy"}

    def tasks(self):
        return [t for t in ("min_energy", "min_error") if any(c["task"] == t for c in self.cells)]

    def names(self, key, task):
        """Of workloads or scenarios, those without a co-runner first."""
        found = {c[key]: c.get("co_runner") for c in self.cells if c["task"] == task}
        return sorted(found, key=lambda n: (key == "scenario" and found[n] not in ("none", "", None), natural(n)))

    def select(self, task, workload=None, scenario=None):
        return [c for c in self.cells if c["task"] == task and workload in (None, c["workload"]) and scenario in (None, c["scenario"])]

    def stored(self, cells):
        """The totals by scheduler that the file has of just these cells (of one task); {} if it has none."""
        if not cells:
            return {}
        task = cells[0]["task"]
        if len(cells) == 1:
            return self._schedulers(cells[0].get("schedulers"))
        overall = self.raw.get("overall") if isinstance(self.raw.get("overall"), dict) else {}
        if len(cells) == len(self.select(task)):
            return self._of_task(overall.get("all"), task)
        for domain in (d for d in overall if d != "all"):
            if cells == [c for c in self.select(task) if domain_of(c["workload"], overall) == domain]:
                return self._of_task(overall[domain], task)
        groups = self.raw.get("groups")
        for group in groups if isinstance(groups, list) else []:
            if isinstance(group, dict) and cells == self.select(task, group.get("workload"), group.get("scenario")):
                return self._schedulers(group.get(task))
        return {}

    @staticmethod
    def _schedulers(found):
        return found if isinstance(found, dict) else {}

    @classmethod
    def _of_task(cls, totals, task):
        found = totals.get(task) if isinstance(totals, dict) else None
        return cls._schedulers(found.get("schedulers") if isinstance(found, dict) else None)

    def total(self, cells, scheduler, metric):
        """Over cells, as the file has it. Files before 2.1 lack the totals of most groups of cells: their mean is then shown
        without an interval."""
        stored = self.stored(cells).get(scheduler)
        stored = stored.get(metric) if isinstance(stored, dict) else None
        if isinstance(stored, dict) and not np.isnan(number(stored.get("value"))):
            return Value(*(number(stored.get(k)) for k in ("value", "low", "high")), whole(stored.get("settings"), 0))
        return self.joined(cells, scheduler, metric)

    def joined(self, cells, scheduler, metric):
        """Means over the settings of a cell, joined over cells; no interval."""
        groups = [np.array([v for v in (self._of(s, scheduler, metric) for s in c["settings"]) if not np.isnan(v)]) for c in cells]
        groups = [g for g in groups if len(g)]
        if not groups:
            return Value()
        means = np.array([g.mean() for g in groups])
        value = 1 / np.mean(1 / means) if self.METRICS[metric] == "harmonic" else np.mean(means)
        return Value(float(value), settings=sum(len(g) for g in groups))

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
