"""profile.json: what is known of every network without contention."""

import json
import re

import numpy as np

from .reading import broken, number, read_json


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


PROFILE_SCHEMA = "1.1"
ACCURACY_NAMES = {"top1": "top-1", "f1": "F1", "language_quality": "language quality"}  # by unit
MANY_NETWORKS = 12  # more are spoken of by family


def family(name):
    """What stands before the first number that is a part of its own or ends a word: mobilenet-v2-0.5-160 is of mobilenet-v2,
    efficientnet-lite4 of efficientnet-lite."""
    return re.split(r"[-_](?=\d)|(?<=[a-z]{2})\d+$", name)[0]


class Profile:
    def __init__(self, path):
        self.path = path
        raw = read_json(path, known=PROFILE_SCHEMA)
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
