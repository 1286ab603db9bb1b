"""Traces: each input of one scheduler under one goal setting."""

import json
import os

import numpy as np

from .reading import Missing, broken, check_version, number, whole

TRACE_SCHEMA = "1.1"
REPLAY, LIVE = "replay", "live"
ALLOWED_SHARE = 0.10  # of the groups that may be late; read strictly, of the inputs that may break a goal (lib/core/goal_judge.h)
MEAN, STRICT = "mean", "strict"  # judges


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
        if "schema_version" in raw:
            check_version(path, raw["schema_version"], TRACE_SCHEMA)
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


def records(path, notes):
    """(line number, record) of each line after the header, one at a time. A last line that is cut off is noted and left out."""
    damaged = None
    with open(path, encoding="utf-8", errors="replace") as f:
        f.readline()
        for i, text in enumerate(f, 2):
            if not text.strip():
                continue
            if damaged:
                raise damaged
            try:
                r = json.loads(text)
                if not isinstance(r, dict):
                    raise ValueError("not an object")
            except ValueError as e:
                damaged = broken(path, "", f"line {i} is damaged ({e})", "remove the line or repeat the run")
                continue
            yield i, r
    if damaged:  # a kill loses the line in progress, by design
        notes(f"{path}: the last line is truncated (the run was interrupted) and ignored")


class Trace:
    """Columns over the inputs (without warm-up). NaN where a value is unknown."""

    def __init__(self, header, profile, notes):
        self.header = header
        judged = self._read(header.path, notes)
        if not judged:
            raise Missing(f"{header.path}: contains no input")
        need = {k: [] for k in ("input", "latency_s", "deadline_s", "cap_w", "accuracy", "energy_j")}
        for line, r in judged:
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
        self.model = [r.get("model") for _, r in judged]
        if profile is not None:
            self.model = [profile.models[m].name if isinstance(m, int) and profile.index(m) is not None else m
                          for m in self.model]
        self.stage_target = np.array([whole(r.get("stage_target"), 1) for _, r in judged])
        self.stage_delivered = np.array([whole(r.get("stage_delivered"), 0) for _, r in judged])
        xi = [r.get("slowdown") if isinstance(r.get("slowdown"), dict) else {} for _, r in judged]
        self.xi_observed, self.xi_mean, self.xi_sd = (np.array([number(x.get(k)) for x in xi]) for k in ("observed", "mean", "sd"))
        self.co_runner = [r.get("co_runner") or None for _, r in judged]
        broke = [r.get("violations") if isinstance(r.get("violations"), dict) else {} for _, r in judged]
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
        judged = []
        self.verdict, self.complete = None, False
        for i, r in records(path, notes):
            if r.get("record") == "input" and not r.get("warmup"):
                judged.append((i, r))
            if r.get("record") == "end":
                self.complete, self.verdict = True, r["verdict"] if isinstance(r.get("verdict"), dict) else None
        return judged

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


def violated_text(by_means, goal="a goal is missed"):
    """When a setting is violated, for captions."""
    return f"over 10 % are late or, on average, {goal}" if by_means else "over 10 % of the inputs break a goal"
