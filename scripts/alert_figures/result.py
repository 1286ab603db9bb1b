"""A result folder, and its runs by scheduler, setting and mode."""

import os

import numpy as np

from .evaluation import Evaluation
from .profile import Profile
from .reading import Broken, Missing, broken, natural, number, read_json
from .recording import Recording
from .trace import ALLOWED_SHARE, LIVE, REPLAY, STRICT, Trace, TraceHeader

MANIFEST_SCHEMA, SUMMARY_SCHEMA = "1.2", "2.2"


class Cell:
    """One scheduler on one setting in one mode. `share`: of the inputs that break a goal on their own."""

    def __init__(self, scheduler, setting, mode, task, inputs, share, late_share, energy_j, error, judge, violated, violated_strict,
                 normalised=None):
        self.scheduler, self.setting, self.mode, self.task = scheduler, setting, mode, task
        self.inputs, self.share, self.late_share, self.energy_j, self.error = inputs, share, late_share, energy_j, error
        self.judge, self.violated, self.violated_strict = judge, violated, violated_strict
        self.normalised = normalised  # (value, low, high) or None


class Result:
    """A result folder. Files are read when first asked for; `notes` collects what the reader of a figure should know."""

    def __init__(self, folder, notes=lambda text: None):
        self.folder, self.notes = folder, notes
        if not os.path.isdir(folder):
            raise broken(folder, "", "no such folder", "use the folder that 'alert-bench run ... --out FOLDER' wrote")
        inside = ("manifest.json", "profile.json", "traces", "recording", "summary.json", "evaluation.json", "calibration.json")
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
                return read_json(self.path("manifest.json"), known=MANIFEST_SCHEMA)
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
        return self._once("summary", lambda: read_json(self.path("summary.json"), known=SUMMARY_SCHEMA))

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

    def task_summary(self, task, scheduler, mode):
        """What summary.json says of a scheduler over the settings of a task; None if nothing, as before version 2.1."""
        try:
            listed = self.summary().get("tasks")
        except Missing:
            return None
        for t in listed if isinstance(listed, list) else []:
            if isinstance(t, dict) and (t.get("task"), t.get("scheduler"), t.get("mode")) == (task, scheduler, mode):
                return t
        return None

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
        """As lib/metrics/summary.h: over the inputs that both know; not against an oracle-static that is itself violated. Intervals are
        summary.json's to say: without it (a run that was cut off) there is none."""
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
        return (float(a.mean() / b.mean()),) * 3


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
