"""Tests of the figures that scripts/figures.py draws from evaluation.json, and of the contact sheet.

    /usr/bin/python3 -m unittest discover -s tests/python -p 'test_evaluation_figures.py'
"""

import glob
import json
import os
import re
import shutil
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "scripts")]

from alert_figures import distance, goals_energy, grid, schedulers  # noqa: E402
from alert_figures.evaluation import Evaluation  # noqa: E402
from alert_figures.result import Result  # noqa: E402
from test_figures import by_gid, command, make_result, matplotlib_text_box, np, options, style, text_of  # noqa: E402

NEW = ("grid_energy", "grid_error", "schedulers_energy", "schedulers_error", "goals_energy", "distance")


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(prefix="alert-evaluation-")
        cls.addClassCleanup(shutil.rmtree, cls.root)
        cls.one = make_result.make_evaluation(os.path.join(cls.root, "one"), seed=5)
        cls.many = make_result.make_evaluation(os.path.join(cls.root, "many"), seed=6, workloads=("imagenet", "ptb"),
                                               scenarios=("default", "compute-2"), seeds=(1, 2), levels=4)

    def tearDown(self):
        style.plt.close("all")

    def raw(self, folder):
        with open(os.path.join(folder, "evaluation.json"), encoding="utf-8") as f:
            return json.load(f)

    def written(self, value):
        folder = tempfile.mkdtemp(dir=self.root)
        with open(os.path.join(folder, "evaluation.json"), "w", encoding="utf-8") as f:
            f.write(value if isinstance(value, str) else json.dumps(value))
        return folder


class Versions(unittest.TestCase):
    def test_scripts_know_the_versions_that_the_program_writes(self):
        from alert_figures import calibration, evaluation, profile, recording, result, trace
        root = os.path.join(HERE, "..", "..")
        for known, path, name in (
                (profile.PROFILE_SCHEMA, "lib/core/profile.cpp", "schema_version"),
                (result.MANIFEST_SCHEMA, "lib/result/manifest.h", "manifest_schema_version"),
                (result.SUMMARY_SCHEMA, "lib/report/summary_report.h", "summary_schema_version"),
                (evaluation.EVALUATION_SCHEMA, "lib/evaluation/evaluation.h", "evaluation_schema_version"),
                (recording.RECORDING_SCHEMA, "lib/recording/recording.h", "recording_schema_version"),
                (trace.TRACE_SCHEMA, "lib/trace/input_record.h", "trace_schema_version"),
                (calibration.CALIBRATION_SCHEMA, "lib/evaluation/calibration.h", "calibration_schema_version")):
            with open(os.path.join(root, path), encoding="utf-8") as f:
                written = re.search(rf'constexpr const char\* {name} = "([^"]+)"', f.read())
            self.assertIsNotNone(written, path)
            self.assertEqual(known, written[1], path)


class Drawn(Case):
    def test_grid_shows_the_cells(self):
        raw = self.raw(self.one)
        for draw, task in ((grid.draw_energy, "min_energy"), (grid.draw_error, "min_error")):
            fig = draw(Result(self.one), options())
            shown = 0
            for cell in [c for c in raw["cells"] if c["task"] == task] + [{"scenario": grid.ALL, "schedulers": raw["overall"]["all"][task]["schedulers"]}]:
                for name, t in cell["schedulers"].items():
                    gid = f"fashion-mnist:{cell['scenario']}:{name}"
                    if name == "oracle-static":
                        self.assertFalse(by_gid(fig, f"bar:{gid}"))
                        continue
                    self.assertAlmostEqual(by_gid(fig, f"violated:{gid}")[0].get_height(), 100 * t["violation_rate"]["value"])
                    if cell["scenario"] != grid.ALL:
                        strict = t["strict"]["violated_settings"] / t["strict"]["feasible_settings"]
                        np.testing.assert_allclose(by_gid(fig, f"strict:{gid}")[0].get_ydata(), 100 * strict)
                    if t["normalised"] is None:
                        self.assertTrue(by_gid(fig, f"none:{gid}"))
                        continue
                    shown += 1
                    bar = by_gid(fig, f"bar:{gid}")[0]
                    self.assertAlmostEqual(bar.get_height(), t["normalised"]["value"])
                    self.assertEqual(style.matplotlib.colors.to_hex(bar.get_facecolor()).upper(), style.scheduler_color(name).upper())
                    self.assertEqual(by_gid(fig, f"settings:{gid}")[0].get_text(), str(t["normalised"]["settings"]))
                    if t["normalised"]["low"] is not None:
                        np.testing.assert_allclose(by_gid(fig, f"interval:{gid}")[0].get_ydata(),
                                                   [t["normalised"]["low"], t["normalised"]["high"]])
            self.assertGreater(shown, 30)
            self.assertIn("on average", text_of(fig, "footer"))
            self.assertIn("energy: model", text_of(fig, "footer").replace("\n", " "))

    def test_cells_are_joined_by_definition(self):
        raw = self.raw(self.many)
        cells = [c for c in raw["cells"] if c["task"] == "min_energy" and c["workload"] == "ptb" and c["scenario"] == "default"]
        self.assertEqual(len(cells), 2)
        of = lambda c, key: [v for v in (s["results"]["alert"][key] for s in c["settings"]) if v is not None]
        means = [np.mean(of(c, "normalised")) for c in cells]
        fig = grid.draw_energy(Result(self.many), options())
        self.assertAlmostEqual(by_gid(fig, "bar:ptb:default:alert")[0].get_height(), 2 / sum(1 / m for m in means))
        low, high = by_gid(fig, "interval:ptb:default:alert")[0].get_ydata()
        self.assertTrue(low < 2 / sum(1 / m for m in means) < high)
        self.assertEqual(by_gid(fig, "settings:ptb:default:alert")[0].get_text(), str(sum(len(of(c, "normalised")) for c in cells)))
        # All of them: as the file says, interval included.
        stored = raw["overall"]["all"]["min_energy"]["schedulers"]["alert"]["normalised"]
        np.testing.assert_allclose(by_gid(fig, f"interval:all workloads:{grid.ALL}:alert")[0].get_ydata(), [stored["low"], stored["high"]])
        evaluation = Evaluation(os.path.join(self.many, "evaluation.json"))
        for metric in ("normalised", "violation_rate", "in_time", "satisfaction", "over_static", "over_oracle", "over_oracle_mean"):
            joined = evaluation.joined(evaluation.select("min_energy"), "alert", metric)
            self.assertAlmostEqual(joined.value, raw["overall"]["all"]["min_energy"]["schedulers"]["alert"][metric]["value"])
            self.assertEqual(joined.settings, raw["overall"]["all"]["min_energy"]["schedulers"]["alert"][metric]["settings"])

    def test_goals_energy_shows_one_cell(self):
        fig = goals_energy.draw(Result(self.one), options("--cell", "compute-2"))
        cell = next(c for c in self.raw(self.one)["cells"] if c["scenario"] == "compute-2" and c["task"] == "min_energy")
        infeasible = sum(not s["feasible"] for s in cell["settings"])
        self.assertGreater(infeasible, 0)
        self.assertEqual(len(by_gid(fig, "infeasible")), infeasible)
        hollow = none = 0
        for name in goals_energy.SHOWN:
            for goal in {s["accuracy"] for s in cell["settings"]}:
                own = sorted((s for s in cell["settings"] if s["accuracy"] == goal), key=lambda s: s["deadline_s"])
                drawn = by_gid(fig, f"energy:{goal:.6g}:{name}")
                if name != "alert" and all(s["ideals"][name] is None for s in own):
                    self.assertFalse(drawn, "no configuration of the level meets any of the goals")
                    continue
                line = drawn[0]
                alert = name == "alert"
                expected = [s["results"]["alert"]["mean_energy_j"] if alert else s["ideals"][name] for s in own]
                none += sum(e is None for e in expected)
                np.testing.assert_allclose(line.get_ydata(), np.array(expected, dtype=float))
                broke = [s["results"]["alert"]["mean_energy_j"] for s in own if alert and s["results"]["alert"]["violated"]]
                marks = by_gid(fig, f"violated:{goal:.6g}:{name}")
                np.testing.assert_allclose(marks[0].get_ydata() if marks else [], broke)
                hollow += len(broke)
        self.assertGreater(hollow, 0)
        self.assertGreater(none, 0, "a level without a mark")
        self.assertIn("compute-2", text_of(fig, "subtitle"))

    def test_the_cell_shown_has_a_co_runner_unless_asked(self):
        evaluation = Result(self.one).evaluation()
        self.assertEqual(goals_energy.choose(evaluation, None)["co_runner"], "compute")
        self.assertEqual(goals_energy.choose(evaluation, "fashion-mnist/default")["scenario"], "default")

    def test_schedulers_side_by_side(self):
        raw = self.raw(self.many)
        raw["scheduler_info"] = {"sys-only": {"family": "one-level", "promises": ["accuracy"]}, "no-coord": {"family": "mine", "promises": []}}
        for c in raw["cells"]:
            for k, s in enumerate(c["settings"]):
                s["results"]["sys-only"]["mean"]["shortfall"] = {"accuracy": 0.5 * (k % 2)}
        fig = schedulers.draw_energy(Result(self.written(raw)), options())
        headings = sorted((t.get_position()[1], t.get_text()) for t in fig.axes[0].texts if str(t.get_gid()).startswith("family:"))
        self.assertEqual([text for _, text in headings], ["alert", "one-level", "mine", "bound"])
        for name, t in raw["overall"]["all"]["min_energy"]["schedulers"].items():
            self.assertAlmostEqual(by_gid(fig, f"violated:all:{name}")[0].get_width(), 100 * t["violation_rate"]["value"])
            if t["normalised"] is None:
                self.assertTrue(by_gid(fig, f"none:all:{name}"))
            else:
                self.assertAlmostEqual(by_gid(fig, f"bar:all:{name}")[0].get_width(), t["normalised"]["value"])
        # Made up: sys-only promises no deadline, no-coord nothing at all; who says nothing promises everything.
        self.assertFalse(by_gid(fig, "unpromised:all:alert"))
        self.assertAlmostEqual(by_gid(fig, "unpromised:all:no-coord")[0].get_width(), by_gid(fig, "violated:all:no-coord")[0].get_width())
        rates = []
        for c in raw["cells"]:
            of_cell = [s for s in c["settings"] if s["feasible"]]
            if c["task"] == "min_energy" and of_cell:
                rates.append(np.mean([s["results"]["sys-only"]["violated"] and not s["results"]["sys-only"]["mean"]["shortfall"]["accuracy"]
                                      for s in of_cell]))
        self.assertGreater(np.mean(rates), 0)
        self.assertAlmostEqual(by_gid(fig, "unpromised:all:sys-only")[0].get_width(), 100 * np.mean(rates))

    def test_a_grid_of_many_schedulers_shows_some_families(self):
        raw = self.raw(self.one)
        more = ["price", "poet", "copper", "caloree", "e4-order", "zeus-static"]
        raw["schedulers"] += more
        for setting in (s for c in raw["cells"] for s in c["settings"]):
            setting["results"].update({name: setting["results"]["alert"] for name in more})
        folder = self.written(raw)
        fig = grid.draw_energy(Result(folder), options())
        self.assertTrue(by_gid(fig, "violated:fashion-mnist:compute-1:price"))
        self.assertFalse(by_gid(fig, "violated:fashion-mnist:compute-1:poet"))
        self.assertIn("in schedulers_energy: poet, copper, caloree, e4-order, zeus-static", text_of(fig, "footer").replace("\n", " "))

    def test_distance_to_the_oracles(self):
        fig = distance.draw(Result(self.many), options())
        raw = self.raw(self.many)
        for task in ("min_energy", "min_error"):
            for name, t in raw["overall"]["all"][task]["schedulers"].items():
                for key, oracle in (("over_oracle", "oracle"), ("over_oracle_mean", "oracle-mean"), ("over_oracle_causal", "oracle-causal")):
                    mark = by_gid(fig, f"distance:all:{task}:{name}:{oracle}")
                    if name == oracle:
                        self.assertFalse(mark)
                    else:
                        self.assertAlmostEqual(mark[0].get_xdata()[0], 100 * (t[key]["value"] - 1))
        text = by_gid(fig, "settings:all:min_energy:alert")[0].get_text()
        self.assertEqual(text, str(raw["overall"]["all"]["min_energy"]["schedulers"]["alert"]["over_oracle"]["settings"]))

    def test_without_oracle_causal(self):
        schedulers = [s for s in make_result.EVALUATED if s != "oracle-causal"]
        folder = make_result.make_evaluation(os.path.join(self.root, "without"), schedulers=schedulers, scenarios=("compute-1",))
        said = []
        fig = distance.draw(Result(folder, said.append), options())
        self.assertTrue(by_gid(fig, "distance:fashion-mnist:min_energy:alert:oracle"))
        self.assertTrue(any("oracle-causal" in s for s in said))

    def test_failed_cells_are_left_out_aloud(self):
        folder = make_result.make_evaluation(os.path.join(self.root, "failed"), failed=("fashion-mnist/compute-1/min_energy/seed-1",))
        said = []
        fig = grid.draw_energy(Result(folder, said.append), options())
        self.assertFalse(by_gid(fig, "violated:fashion-mnist:compute-1:alert"))
        self.assertIn("1 failed cells omitted", text_of(fig, "footer").replace("\n", " "))
        self.assertTrue(any("compute-1/min_energy/seed-1 failed" in s for s in said))

    def test_nothing_leaves_the_page_or_covers_the_other(self):
        for folder in (self.one, self.many):
            for draw in (grid.draw_energy, grid.draw_error, schedulers.draw_energy, schedulers.draw_error, goals_energy.draw, distance.draw):
                fig = draw(Result(folder), options())
                renderer, page = fig.canvas.get_renderer(), fig.bbox
                boxes = []
                ticks = {label for tick in fig.findobj(style.matplotlib.axis.Tick) for label in (tick.label1, tick.label2)}
                for t in fig.findobj(style.matplotlib.text.Text):
                    if not t.get_text().strip() or not t.get_visible() or t in ticks:
                        continue
                    box = matplotlib_text_box(t, renderer)
                    boxes.append((t.get_text(), box))
                    self.assertTrue(box.x0 > -2 and box.x1 < page.x1 + 2 and box.y0 > -2 and box.y1 < page.y1 + 2,
                                    f"{draw.__module__}: '{t.get_text()}' at {box} on {page}")
                for i, (a, box) in enumerate(boxes):
                    for b, other in boxes[i + 1:]:
                        inner = min(box.x1, other.x1) - max(box.x0, other.x0), min(box.y1, other.y1) - max(box.y0, other.y0)
                        self.assertFalse(min(inner) > 2, f"{draw.__module__}: '{a}' covers '{b}'")


class CommandLine(Case):
    def test_all_and_a_contact_sheet(self):
        out = os.path.join(self.root, "out")
        code, said, err = command(self.one, "--contact-sheet", "--out", out)
        self.assertEqual(code, 0, err)
        self.assertEqual({os.path.basename(p) for p in glob.glob(os.path.join(out, "*"))},
                         {f"{n}.{e}" for n in (*NEW, "contact_sheet") for e in ("pdf", "png")})
        self.assertIn("skipped timeline", err)
        self.assertIn("contact_sheet", said)
        from alert_figures import contact_sheet
        fig = contact_sheet.draw(out)
        self.assertEqual([t for t in NEW if not by_gid(fig, f"name:{t}")], [])
        self.assertEqual(len(fig.axes), len(NEW), "not of itself")

    def test_contact_sheet_names_a_torn_picture(self):
        out = os.path.join(self.root, "torn-png")
        os.makedirs(out)
        with open(os.path.join(out, "old.png"), "wb") as f:
            f.write(b"\x89PNG\r\n\x1a\n torn")
        code, _, err = command(self.one, "--only", "distance", "--contact-sheet", "--out", out)
        self.assertEqual(code, 2)
        self.assertRegex(err, r"old\.png: damaged, or not a PNG .*; remove it")

    def test_goals_energy_of_a_cell_has_its_name(self):
        out = os.path.join(self.root, "named")
        code, _, err = command(self.one, "--only", "goals_energy", "--cell", "fashion-mnist/memory-1", "--out", out)
        self.assertEqual(code, 0, err)
        self.assertEqual(sorted(os.listdir(out)), ["goals_energy.fashion-mnist_memory-1.pdf", "goals_energy.fashion-mnist_memory-1.png"])
        code, _, err = command(self.one, "--only", "goals_energy", "--cell", "memory-9", "--out", out)
        self.assertEqual(code, 2)
        self.assertIn("no cell 'memory-9'", err)
        self.assertIn("fashion-mnist/memory-1/min_energy/seed-1", err)

    def test_missing_file_is_skipped_aloud(self):
        folder = tempfile.mkdtemp(dir=self.root)
        shutil.copytree(os.path.join(self.root, "one"), folder, dirs_exist_ok=True)
        os.rename(os.path.join(folder, "evaluation.json"), os.path.join(folder, "summary.json"))
        code, _, err = command(folder, "--only", ",".join(NEW))
        self.assertEqual(code, 4)
        for name in NEW:
            self.assertRegex(err, f"skipped {name}: .*evaluation.json: no such file")

    def test_bad_files_name_file_key_and_mend(self):
        good = self.raw(self.one)

        def spoilt(change):
            raw = json.loads(json.dumps(good))
            change(raw)
            return raw

        for value, message in (
                ('{"schema_version": "1.0", "cells": [', r"evaluation\.json: damaged, or not valid JSON .*; write it again with 'alert-bench replay"),
                ("[]", "is not a JSON object"), ('{"a": NaN}', "NaN is not valid JSON"),
                (spoilt(lambda r: r.update(schema_version="9.0")), r'schema_version: "9\.0" was written by a newer program; this one reads 2\.0 to 2\.2; update alert-bench'),
                (spoilt(lambda r: r["cells"][1].update(judge="lenient")), r'cells\[1\]\.judge: "lenient" is neither'),
                (spoilt(lambda r: r["cells"][0]["settings"][3].pop("ideals")), r"cells\[0\]\.settings\[3\]\.ideals: is missing, or not of type object"),
                (spoilt(lambda r: r.pop("schema_version")), "schema_version: null is not a version"),
                (spoilt(lambda r: r.update(kind="summary")), 'kind: "summary" is not "evaluation"'),
                (spoilt(lambda r: r.update(schedulers=[])), "schedulers: is not a list of names"),
                (spoilt(lambda r: r.update(cells={})), "cells: is not a list"),
                (spoilt(lambda r: r["cells"][1].update(task="fast")), r'cells\[1\]\.task: "fast" is neither'),
                (spoilt(lambda r: r["cells"][0].pop("scenario")), r"cells\[0\]\.scenario: is missing, or not of type text"),
                (spoilt(lambda r: r["cells"][0]["settings"][3].update(feasible=1)), r"cells\[0\]\.settings\[3\]\.feasible: is missing, or not of type true or false"),
                (spoilt(lambda r: r["cells"][2]["settings"][0]["results"].pop("alert")), r"cells\[2\]\.settings\[0\]\.results\.alert: is missing, or not of type object")):
            folder = self.written(value)
            code, _, err = command(folder, "--only", "grid_energy")
            self.assertEqual(code, 2, err)
            self.assertRegex(err, message)
            self.assertRegex(err, "evaluation.json: .*; (write it again|update alert-bench)")

    def test_an_evaluation_that_judged_input_by_input_is_refused(self):
        code, _, err = command(self.written({**self.raw(self.one), "schema_version": "1.0"}), "--only", "distance")
        self.assertEqual(code, 2)
        self.assertRegex(err, r"evaluation\.json: schema_version: .*; evaluate the recording again: alert-bench replay RECORDING --grid")

    def test_nothing_that_could_be_evaluated(self):
        raw = self.raw(self.one)
        for c in raw["cells"]:
            c.update(failed="no such file", settings=[])
        code, _, err = command(self.written(raw), "--only", "distance")
        self.assertEqual(code, 4)
        self.assertIn("contains no cell that could be evaluated", err)

    def test_same_evaluation_same_bytes(self):
        found = []
        for name in ("once", "twice"):
            out = os.path.join(self.root, name)
            self.assertEqual(command(self.many, "--only", "grid_energy", "--out", out)[0], 0)
            with open(os.path.join(out, "grid_energy.png"), "rb") as f:
                found.append(f.read())
        self.assertEqual(*found)


if __name__ == "__main__":
    unittest.main()
