#!/usr/bin/env python3
"""Holds traces against lib/trace/trace.schema.json, and the schema against lines that it must refuse.

usage: check_trace_schema.py TRACE...        exit codes: 0 good, 1 not, 77 skipped (no jsonschema module)
"""
import copy
import json
import pathlib
import sys

try:
    import jsonschema
except ImportError:
    print("SKIPPED: check_trace_schema.py needs the Python module jsonschema (Debian: python3-jsonschema)")
    sys.exit(77)

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "lib" / "trace" / "trace.schema.json"

# Changes that make a good line a bad one, by record.
SPOILERS = {
    "header": [("task", "fast"), ("schema_version", "1.0"), ("goals", {"deadline_s": 0.1}),
               ("goals", {"deadline_s": 0.1, "accuracy": 0.9, "energy_j": None}),
               ("goals", {"deadline_s": 0.1, "accuracy": 0.9, "energy_j": None, "judge": "lenient",
                          "goal_tolerance": {"accuracy": 0.005, "energy": 0.02}}), ("typo", 1)],
    "input": [("latency_s", -1), ("latency_s", None), ("stage_target", 0), ("correct", {"top1": 1, "top5": True}),
              ("correct", {"top5": True}), ("correct", {"top1": True, "nll": -1}), ("correct", {"top1": True, "f1": 1.5}),
              ("deadline_s", -1), ("violations", {"deadline": None, "accuracy": None, "energy": None, "mean_accuracy": None, "mean_energy": None}),
              ("violations", {"deadline": False, "accuracy": None, "energy": None}), ("accuracy", 90),
              ("typo", 1)],
    "end": [("status", "done"), ("inputs", -1), ("verdict", {"violated_mean": False}), ("verdict", True), ("typo", 1)],
}


def refuse_constant(name):
    raise ValueError(name + " is not valid JSON")


def main():
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    problems = []
    seen = {}
    for path in sys.argv[1:]:
        for number, text in enumerate(pathlib.Path(path).read_text().splitlines(), 1):
            line = json.loads(text, parse_constant=refuse_constant)
            seen.setdefault(line.get("record"), line)
            problems += [f"{path}: line {number}: {e.message}" for e in validator.iter_errors(line)]
    for record, changes in SPOILERS.items():
        if record not in seen:
            problems.append(f"no line \"{record}\" in {sys.argv[1:]}: nothing was checked")
            continue
        bad = [(key, {**seen[record], key: value}) for key, value in changes]
        for key in seen[record]:
            line = copy.deepcopy(seen[record])
            del line[key]
            bad.append((f"{key} left out", line))
        problems += [f"the schema lets pass a bad \"{record}\": {what}" for what, line in bad if validator.is_valid(line)]
    print("\n".join(problems) or f"{len(sys.argv) - 1} trace(s) keep the schema")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
