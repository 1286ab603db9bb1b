"""Tests of scripts/to_table.py, and of the example for pandas in docs/commands.md.

    ALERT_BENCH=build/bin/alert-bench /usr/bin/python3 -m unittest discover -s tests/python -p test_to_table.py
"""

import contextlib
import csv
import glob
import importlib.util
import io
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
SCRIPT = os.path.join(ROOT, "scripts", "to_table.py")
RECORDING = os.path.join(ROOT, "results", "reference", "recordings", "fashion-mnist-compute-1-seed1")
BENCH = os.environ.get("ALERT_BENCH")
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.dirname(SCRIPT)]

try:
    import make_result
    import numpy as np
except ImportError as e:
    raise unittest.SkipTest(f"needs numpy ({e}); run with /usr/bin/python3") from None

spec = importlib.util.spec_from_file_location("to_table", SCRIPT)
to_table = importlib.util.module_from_spec(spec)
spec.loader.exec_module(to_table)


def command(*arguments):
    """(exit code, stdout, stderr) of main() in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = to_table.main(list(arguments))
        except SystemExit as e:
            code = e.code
    return code, out.getvalue(), err.getvalue()


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def here(module):
    return importlib.util.find_spec(module) is not None


class Table(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.made)
        make_result.make(cls.made + "/run", inputs=40)
        make_result.make_evaluation(cls.made + "/run", levels=3, scenarios=("default", "compute-1"))

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.run_ = shutil.copytree(self.made + "/run", self.folder + "/run")
        self.trace = sorted(glob.glob(self.run_ + "/traces/*.jsonl"))[0]

    def lines(self):
        with open(self.trace, encoding="utf-8") as f:
            return f.readlines()

    def put(self, lines):
        with open(self.trace, "w", encoding="utf-8") as f:
            f.writelines(lines)

    def alone(self):
        """Removes the other traces."""
        for path in glob.glob(self.run_ + "/traces/*.jsonl"):
            if path != self.trace:
                os.remove(path)

    def test_every_value_of_a_trace_is_in_its_row(self):
        self.alone()
        code, out, err = command(self.run_)
        self.assertEqual((code, err), (0, ""))
        header, *inputs = [json.loads(line) for line in self.lines()]
        inputs = [r for r in inputs if r["record"] == "input"]
        rows = rows_of(out)
        self.assertEqual(len(rows), len(inputs))
        with open(to_table.TRACE_SCHEMA, encoding="utf-8") as f:
            known = json.load(f)["$defs"]["input"]["properties"]
        for row, record in zip(rows, inputs):
            self.assertEqual(row["scheduler"], header["scheduler"])
            self.assertEqual(float(row["goal_deadline_s"]), header["goals"]["deadline_s"])
            for key in known:
                if key == "record":
                    continue
                value = record.get(key)
                pairs = ([(f"{key}_{k}", v) for k, v in value.items()] if isinstance(value, dict) else
                         [(f"{key}_{i + 1}", v) for i, v in enumerate(value)] if isinstance(value, list) else
                         [(key, value)] if "properties" not in known[key] and known[key].get("type") != "array" else [])
                for name, v in pairs:
                    text = row[name]
                    expected = "" if v is None else str(v).lower() if isinstance(v, bool) else None
                    if expected is not None or isinstance(v, str):
                        self.assertEqual(text, v if expected is None else expected, name)
                    else:
                        self.assertEqual(float(text), v, name)

    def test_several_results_are_one_table(self):
        other = shutil.copytree(self.run_, self.folder + "/other")
        out = self.folder + "/both.csv"
        self.assertEqual(command(self.run_, other, "-o", out)[0], 0)
        with open(out, encoding="utf-8") as f:
            rows = list(csv.DictReader(f))
        of = [r["result"] for r in rows]
        self.assertEqual((of.count(self.run_), of.count(other)), (len(rows) // 2,) * 2)
        self.assertEqual({r["workload"] for r in rows}, {"Fashion-MNIST"})
        keys = {(r["result"], r["setting"], r["scheduler"], r["mode"], r["input"]) for r in rows}
        self.assertEqual(len(keys), len(rows))
        self.assertEqual(glob.glob(self.folder + "/*.tmp"), [])

    def test_a_recording_has_a_row_for_each_configuration(self):
        code, out, err = command(self.run_, "--table", "recording")
        self.assertEqual((code, err), (0, ""))
        ends = np.load(self.run_ + "/recording/stage_end_s.npy")
        rows = rows_of(out)
        self.assertEqual(len(rows), ends.size)
        self.assertEqual([float(r["stage_end_s"]) for r in rows], ends.ravel().tolist())
        self.assertEqual([float(r["cap_w"]) for r in rows[:5]], make_result.CAPS)
        self.assertEqual(rows_of(command(self.run_ + "/recording")[1]), [{**r, "result": self.run_ + "/recording"} for r in rows])

    def test_an_evaluation_has_a_row_for_each_setting_and_scheduler(self):
        code, out, err = command(self.run_, "--table", "evaluation")
        self.assertEqual(code, 0, err)
        with open(self.run_ + "/evaluation.json", encoding="utf-8") as f:
            cells = [c for c in json.load(f)["cells"] if c["failed"] is None]
        expected = {(c["id"], s["name"], k): r for c in cells for s in c["settings"] for k, r in s["results"].items()}
        rows = {(r["cell"], r["setting"], r["scheduler"]): r for r in rows_of(out)}
        self.assertEqual(rows.keys(), expected.keys())
        for key, r in rows.items():
            self.assertEqual(r["violated"], str(expected[key]["violated"]).lower())
            self.assertEqual(float(r["late_share"]), expected[key]["late_share"])

    def test_a_cut_off_trace_gives_what_it_has(self):
        lines = self.lines()
        self.alone()
        self.put([*lines[:10], lines[10][:30]])
        code, out, err = command(self.run_)
        self.assertEqual((code, len(rows_of(out))), (0, 9))
        self.assertIn("the last line is truncated", err)
        self.assertIn("has no end line", err)

    def test_what_cannot_be_used_is_refused_with_file_and_remedy(self):
        lines = self.lines()
        damaged = [*lines[:4], lines[4][:30] + "\n", *lines[5:]]
        newer = [lines[0].replace('"schema_version": "1.', '"schema_version": "2.'), *lines[1:]]
        self.assertNotEqual(newer[0], lines[0])
        for what, content, says in (("damaged", damaged, "line 5 is damaged"), ("newer", newer, "was written by a newer program"),
                                    ("no header", lines[1:], "the first line is not a trace header")):
            with self.subTest(what):
                self.put(content)
                out = self.folder + "/t.csv"
                code, _, err = command(self.run_, "-o", out)
                self.assertEqual(code, 2)
                self.assertIn(f"to_table: error: {self.trace}: ", err)
                self.assertIn(says, err)
                self.assertEqual(glob.glob(self.folder + "/t.csv*"), [])
        for folder, says in ((self.folder + "/none", "no such folder"), (self.folder, "is not a result folder")):
            code, _, err = command(folder)
            self.assertEqual(code, 2)
            self.assertIn(says, err)
        code, _, err = command(self.run_, "-o", "table.xlsx")
        self.assertEqual(code, 2)
        self.assertIn(".csv or .parquet", err)
        code, _, err = command(self.run_, "-o", self.folder + "/none/t.csv")
        self.assertEqual(code, 1 if code == 1 else 2)

    def test_parquet(self):
        out = self.folder + "/t.parquet"
        code, _, err = command(self.run_, "-o", out)
        if not here("pyarrow"):
            self.assertEqual(code, 3)
            self.assertIn("no pyarrow", err)
            self.assertIn("t.csv", err)
            self.assertFalse(os.path.exists(out))
            self.skipTest("pyarrow is not here (pip install pyarrow): only its absence is tested")
        import pyarrow.parquet
        self.assertEqual((code, err), (0, ""))
        table = pyarrow.parquet.read_table(out)
        rows = rows_of(command(self.run_)[1])
        self.assertEqual(table.column_names, list(rows[0]))
        for name in ("latency_s", "energy_j", "input"):
            self.assertEqual(table[name].to_pylist(), [float(r[name]) if r[name] else None for r in rows])
        self.assertEqual(table["violations_deadline"].to_pylist(), [r["violations_deadline"] == "true" for r in rows])


class Example(unittest.TestCase):
    def test_the_example_for_pandas_says_what_the_summary_says(self):
        if not BENCH:
            self.skipTest("ALERT_BENCH is not set")
        if not here("pandas"):
            print("pandas is not here (Debian: python3-pandas): the example of docs/commands.md is not run", file=sys.stderr)
            self.skipTest("needs pandas")
        with open(os.path.join(ROOT, "docs", "commands.md"), encoding="utf-8") as f:
            code = re.search(r"^```python\n(.*?)^```", f.read(), re.M | re.S)[1]
        self.assertLessEqual(len(code.splitlines()), 10)
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([BENCH, "replay", RECORDING, "--out", folder + "/quickstart", "--schedulers", "alert,sys-only", "--quiet"],
                           check=True, stdout=subprocess.DEVNULL)
            self.assertEqual(command(folder + "/quickstart", "-o", folder + "/quickstart.csv")[0], 0)
            names, before = {}, os.getcwd()
            try:
                os.chdir(folder)
                with contextlib.redirect_stdout(io.StringIO()):
                    exec(code, names)
            finally:
                os.chdir(before)
            with open(folder + "/quickstart/summary.json", encoding="utf-8") as f:
                results = json.load(f)["results"]
        table = names["table"]
        self.assertEqual(len(table), len(results))
        for r in results:
            row = table.loc[r["mode"], r["setting"], r["scheduler"]]
            for name, value in (("late %", 100 * r["late_share"]), ("energy J", r["mean_energy_j"]), ("error %", 100 * r["mean_error"]),
                                ("lat. ms", 1e3 * r["latency_s"]["median"]), ("p99 ms", 1e3 * r["latency_s"]["p99"])):
                self.assertTrue(math.isclose(row[name], value, rel_tol=1e-9), (r["scheduler"], name, row[name], value))


if __name__ == "__main__":
    unittest.main()
