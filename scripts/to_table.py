#!/usr/bin/env python3
"""Writes the results of alert-bench as one tidy table, CSV or Parquet. See --help."""

import argparse
import contextlib
import csv
import json
import os
import sys

sys.dont_write_bytecode = True  # nothing is written but the table
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, HERE)

TRACE_SCHEMA = os.path.join(HERE, "..", "lib", "trace", "trace.schema.json")
PARQUET_ROWS = 65536  # rows of a Parquet file that are held in memory
TABLES = {
    "inputs": "one row for each input of each trace: the fields of docs/file-formats.md, those in objects as OBJECT_FIELD",
    "recording": "one row for each input, network, stage and power cap of a recording",
    "evaluation": "one row for each cell, goal setting and scheduler of evaluation.json",
}

EPILOG = """tables:
{tables}

examples:
  scripts/to_table.py results/quickstart -o quickstart.csv
  scripts/to_table.py results/run-1 results/run-2 -o both.parquet
  scripts/to_table.py results/quickstart --table recording -o recording.csv
  scripts/to_table.py results/sweep | head

Every row names its result, workload and scenario, and the goals of its setting. Units are in the names of the columns. What is
not known is empty (null in Parquet).

exit codes:
  0  done
  1  the table could not be written
  2  wrong usage, or a file is missing or damaged: the message names file, key and remedy
  3  Parquet needs pyarrow, which this Python does not have
"""


def say(text):
    print(f"to_table: {text}", file=sys.stderr)


def parse(argv):
    width = max(len(n) for n in TABLES)
    p = argparse.ArgumentParser(
        prog="to_table.py", formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=EPILOG.format(tables="\n".join(f"  {n:{width}}  {what}" for n, what in TABLES.items())),
        description="Writes result folders of alert-bench as one tidy table, for pandas, R or a spreadsheet.")
    p.add_argument("results", metavar="RESULT", nargs="+",
                   help="result folder of run, record, replay, sweep or merge, or the folder of a recording")
    p.add_argument("-o", "--out", metavar="FILE", help="FILE.csv or FILE.parquet (default: CSV to standard output)")
    p.add_argument("--table", choices=TABLES, help="which table (default: the first of them that the first RESULT has: "
                                                   "inputs, evaluation, recording)")
    options = p.parse_args(argv)
    if options.out and not options.out.endswith((".csv", ".parquet")):
        p.error(f"-o {options.out}: the name must end in .csv or .parquet, which says what is written")
    return options


def kind_of(spec):
    """str, int, float or bool, of a property of a JSON schema."""
    types = spec.get("type", "string")
    types = [types] if isinstance(types, str) else types
    return next((k for name, k in (("integer", int), ("number", float), ("boolean", bool)) if name in types), str)


class TraceColumns:
    """The columns of a trace, from its schema: name, kind, and how to find the value in a line."""

    def __init__(self, most_stages):
        with open(TRACE_SCHEMA, encoding="utf-8") as f:
            properties = json.load(f)["$defs"]["input"]["properties"]
        self.columns = []  # (name, kind, key, key within or index)
        for key, spec in properties.items():
            if key == "record":
                continue
            if "properties" in spec:
                self.columns += [(f"{key}_{inner}", kind_of(s), key, inner) for inner, s in spec["properties"].items()]
            elif spec.get("type") == "array":
                self.columns += [(f"{key}_{i + 1}", kind_of(spec["items"]), key, i) for i in range(most_stages)]
            else:
                self.columns.append((key, kind_of(spec), key, None))

    def row(self, record):
        values = []
        for _, _, key, inner in self.columns:
            value = record.get(key)
            if isinstance(inner, str):
                value = value.get(inner) if isinstance(value, dict) else None
            elif inner is not None:
                value = value[inner] if isinstance(value, list) and inner < len(value) else None
            values.append(value)
        return values


GOALS = [("task", str), ("goal_deadline_s", float), ("goal_accuracy", float), ("goal_energy_j", float), ("goal_judge", str),
         ("goal_tolerance_accuracy", float), ("goal_tolerance_energy", float)]
OF_TRACE = [("result", str), ("workload", str), ("scenario", str), ("setting", str), ("scheduler", str), ("mode", str), *GOALS,
            ("energy_source", str), ("accuracy_source", str)]


def workload_of(result):
    """As the manifest names it, else the profile."""
    scenario = result.manifest().get("scenario")
    workload = scenario.get("workload") if isinstance(scenario, dict) else None
    name = workload.get("name") if isinstance(workload, dict) else None
    profile = None if isinstance(name, str) else result.profile_or_none()
    return name or (profile.workload if profile else None)


def inputs_table(results):
    """(columns, rows) of all traces; rows are read while they are taken."""
    from alert_figures.trace import records

    stages = [m.stages for r in results for m in (r.profile_or_none().models if r.profile_or_none() else [])]
    of_input = TraceColumns(max(stages, default=16))

    def rows():
        for result in results:
            workload = workload_of(result)
            for h in result.headers():
                tolerance = h.goals.get("goal_tolerance") if isinstance(h.goals.get("goal_tolerance"), dict) else {}
                of_trace = [result.folder, workload, h.scenario, h.setting, h.scheduler, h.mode, h.task,
                            *(h.goals.get(k) for k in ("deadline_s", "accuracy", "energy_j")), h.judge,
                            tolerance.get("accuracy"), tolerance.get("energy"), h.energy_source, h.accuracy_source]
                ended = False
                for _, r in records(h.path, result.notes):
                    ended = ended or r.get("record") == "end"
                    if r.get("record") == "input":
                        yield of_trace + of_input.row(r)
                if not ended:
                    result.notes(f"{h.path}: has no end line: the run was interrupted, and only its first inputs are here")

    return OF_TRACE + [(name, kind) for name, kind, _, _ in of_input.columns], rows()


def recording_of(result):
    from alert_figures.profile import Profile
    from alert_figures.recording import Recording

    if os.path.exists(result.path("recording.json")):
        return Recording(result.folder, Profile(result.path("profile.json")))
    return result.recording()


MEASURED = [("top1", bool), ("top5", bool), ("nll", float), ("f1", float)]  # [input][row]
OF_INPUT = [("members_left", int), ("size", float)]  # [input]


def recording_table(results):
    import numpy as np

    columns = [("result", str), ("workload", str), ("scenario", str), ("input", int), ("input_id", str), ("co_runner_on", bool),
               *OF_INPUT, ("model", str), ("stage", int), ("cap_w", float), ("stage_end_s", float), ("accuracy", float), *MEASURED]

    def rows():
        for result in results:
            recording = recording_of(result)
            profile, (inputs, row_count, _) = recording.profile, recording.stage_end_s.shape
            ids = recording.facts.get("input_ids")
            ids = ids if isinstance(ids, list) and len(ids) == inputs else [None] * inputs
            measured = [recording.array_or_none(name, (inputs, row_count)) for name, _ in MEASURED]
            of_input = [recording.array_or_none(name, (inputs,)) for name, _ in OF_INPUT]
            of_row = [(m.name, s + 1, float(m.accuracy[s])) for m in profile.models for s in range(m.stages)]
            scenario = recording.scenario().get("name")
            for n in range(inputs):
                ends = np.asarray(recording.stage_end_s[n])
                first = [result.folder, profile.workload, scenario, n, ids[n], bool(recording.co_runner_on[n]),
                         *(None if a is None else kind(a[n]) for a, (_, kind) in zip(of_input, OF_INPUT))]
                for row, (model, stage, accuracy) in enumerate(of_row):
                    last = [accuracy, *(None if a is None else kind(a[n, row]) for a, (_, kind) in zip(measured, MEASURED))]
                    for cap, cap_w in enumerate(profile.caps_w):
                        yield [*first, model, stage, float(cap_w), float(ends[row, cap]), *last]

    return columns, rows()


def flat(value, prefix=""):
    """name: value of an object, those of objects within as PREFIX_NAME."""
    found = {}
    for key, v in value.items():
        if isinstance(v, dict):
            found.update(flat(v, f"{prefix}{key}_"))
        elif not isinstance(v, list):
            found[prefix + key] = v
    return found


def evaluation_table(results):
    rows = []
    for result in results:
        evaluation = result.evaluation()
        for cell in evaluation.cells:
            of_cell = {k: v for k, v in cell.items() if k not in ("id", "schedulers", "settings", "judge", "goal_tolerance", "failed")}
            for setting in cell["settings"]:
                goals = {f"goal_{k}": setting.get(k) for k in ("deadline_s", "deadline_x", "accuracy", "energy_j", "power_limit_w")}
                goals.update(goal_judge=cell["judge"], **flat({"goal_tolerance": cell.get("goal_tolerance") or {}}))
                others = {k: v for k, v in setting.items() if k not in ("name", "results") and f"goal_{k}" not in goals}
                for name in evaluation.schedulers:
                    of_result = flat(setting["results"][name])
                    of_result["judged_inputs"] = of_result.pop("inputs", None)
                    rows.append({"result": result.folder, "cell": cell["id"], **flat(of_cell), "setting": setting["name"], **goals,
                                 **flat(others), "scheduler": name, **of_result})
    names = list(dict.fromkeys(name for row in rows for name in row))
    # null where another row has an object
    names = [n for n in names if not any(other.startswith(n + "_") for other in names) or any(row.get(n) is not None for row in rows)]

    def kind(name):
        kinds = {type(row[name]) for row in rows if row.get(name) is not None}
        return float if kinds == {int, float} or not kinds else kinds.pop() if len(kinds) == 1 else str

    return [(name, kind(name)) for name in names], ([row.get(name) for name in names] for row in rows)


def table_of(result):
    """The first table that a result has."""
    if os.path.isdir(result.path("traces")) and any(n.endswith(".jsonl") for n in os.listdir(result.path("traces"))):
        return "inputs"
    return "evaluation" if os.path.exists(result.path("evaluation.json")) else "recording"


def as_kind(value, kind):
    """None for what is not of this kind: a column has one kind."""
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)) else None


def write_csv(file, columns, rows):
    def text(value):
        return "" if value is None else str(value).lower() if isinstance(value, bool) else value

    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([name for name, _ in columns])
    kinds = [kind for _, kind in columns]
    for row in rows:
        writer.writerow([text(as_kind(v, k)) for v, k in zip(row, kinds)])


def write_parquet(path, columns, rows):
    import pyarrow
    import pyarrow.parquet

    types = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64(), bool: pyarrow.bool_()}
    schema = pyarrow.schema([(name, types[kind]) for name, kind in columns])
    kinds = [kind for _, kind in columns]
    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        held = []

        def flush():
            arrays = [pyarrow.array([as_kind(row[i], kinds[i]) for row in held], schema.types[i]) for i in range(len(kinds))]
            writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))
            held.clear()

        for row in rows:
            held.append(row)
            if len(held) == PARQUET_ROWS:
                flush()
        flush()


def write(out, columns, rows):
    """Files are complete or not there."""
    if not out:
        write_csv(sys.stdout, columns, rows)
        sys.stdout.flush()
        return
    temporary = f"{out}.{os.getpid()}.tmp"
    try:
        if out.endswith(".parquet"):
            write_parquet(temporary, columns, rows)
        else:
            with open(temporary, "w", encoding="utf-8", newline="") as f:
                write_csv(f, columns, rows)
        os.replace(temporary, out)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(temporary)


def main(argv):
    options = parse(argv)
    if options.out and options.out.endswith(".parquet"):
        try:
            import pyarrow.parquet  # noqa: F401
        except ImportError:
            say(f"{sys.executable}: no pyarrow, which writes Parquet; install it (pip install pyarrow), or write CSV: "
                f"-o {options.out[:-len('.parquet')]}.csv")
            return 3
    try:
        from alert_figures.reading import Broken, Missing
        from alert_figures.result import Result
    except ImportError as e:
        say(f"{sys.executable}: {e}; install numpy: apt-get install python3-numpy")
        return 3

    said = set()

    def note(text):
        if text not in said:
            said.add(text)
            say(f"note: {text}")

    try:
        results = [Result(folder, note) for folder in options.results]
        table = options.table or table_of(results[0])
        columns, rows = {"inputs": inputs_table, "recording": recording_table, "evaluation": evaluation_table}[table](results)
        write(options.out, columns, rows)
    except (Broken, Missing) as e:
        say(f"error: {e}")
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter would complain at its end
        return 1
    except OSError as e:
        say(f"error: {e.filename or options.out or 'standard output'}: {e.strerror or e}; free some space or choose another file with -o")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
