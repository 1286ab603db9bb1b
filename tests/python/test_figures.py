"""Tests of scripts/figures.py: what is drawn, what is said, what is refused.

    /usr/bin/python3 -m unittest discover -s tests/python -p 'test_figures*.py'
"""

import contextlib
import copy
import glob
import importlib.util
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import types
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPT = os.path.join(HERE, "..", "..", "scripts", "figures.py")
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.dirname(SCRIPT)]

try:
    import make_result
    import numpy as np
    from alert_figures import bars, calibration, contention, energy_latency, error_latency, style, timeline
    from alert_figures.profile import family
    from alert_figures.reading import Broken
    from alert_figures.result import Result, feasibility_cell
    from alert_figures.trace import LIVE, REPLAY
except ImportError as e:
    raise unittest.SkipTest(f"needs python3-matplotlib and numpy ({e}); run with /usr/bin/python3") from None

spec = importlib.util.spec_from_file_location("figures", SCRIPT)
figures = importlib.util.module_from_spec(spec)
spec.loader.exec_module(figures)

INPUTS = 90


def options(*extra):
    return figures.parse(["RESULT", *extra])


def by_gid(fig, gid):
    return fig.findobj(lambda a: a.get_gid() == gid)


def text_of(fig, gid):
    return by_gid(fig, gid)[0].get_text()


def command(*arguments):
    """(exit code, stdout, stderr) of main() in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = figures.main(list(arguments))
        except SystemExit as e:
            code = e.code
    return code, out.getvalue(), err.getvalue()


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(prefix="alert-figures-")
        cls.addClassCleanup(shutil.rmtree, cls.root)
        cls.folder = make_result.make(os.path.join(cls.root, "result"), seed=3, inputs=INPUTS, grid=2)
        make_result.make_evaluation(cls.folder, levels=3, scenarios=("default", "compute-1"))
        with open(os.path.join(cls.folder, "calibration.json"), "w", encoding="utf-8") as f:
            json.dump(make_result.calibration(), f)

    def tearDown(self):
        style.plt.close("all")

    def copy(self):
        folder = os.path.join(tempfile.mkdtemp(dir=self.root), "result")
        shutil.copytree(self.folder, folder)
        return folder

    def rows(self, scheduler, setting, mode):
        with open(os.path.join(self.folder, "traces", f"{scheduler}.{setting}.{mode}.jsonl"), encoding="utf-8") as f:
            return [r for r in map(json.loads, f) if r["record"] == "input"]


class Drawn(Case):
    def result(self):
        return Result(self.folder)

    def test_error_latency_shows_the_profile(self):
        fig = error_latency.draw(self.result(), options())
        line = by_gid(fig, "traditional")[0]
        np.testing.assert_allclose(line.get_xdata(), [ms for _, ms, _ in make_result.TRADITIONAL])
        np.testing.assert_allclose(line.get_ydata(), [100 * (1 - q) for _, _, q in make_result.TRADITIONAL])
        stages = by_gid(fig, "anytime")[0]
        np.testing.assert_allclose(stages.get_ydata(), [100 * (1 - q) for q in make_result.NESTED[2]])
        self.assertIn("measured on Fashion-MNIST test", text_of(fig, "subtitle"))

    def test_errors_are_named_by_the_unit_of_the_profile(self):
        folder = self.copy()
        path = os.path.join(folder, "profile.json")
        with open(path, encoding="utf-8") as f:
            profile = json.load(f)
        for unit, workload, name in ((None, "fashion-mnist", "top-1"), (None, "ptb", "top-1"), (None, "squad", "F1"),
                                     ("language_quality", "ptb", "language quality")):
            profile.pop("accuracy_unit", None)
            profile.update({"workload": workload}, **({"accuracy_unit": unit} if unit else {}))
            with open(path, "w", encoding="utf-8") as f:
                json.dump(profile, f)
            fig = error_latency.draw(Result(folder), options())
            self.assertEqual(fig.axes[0].get_ylabel(), f"error, 1 − {name}, %")
            said = "accuracy: language quality (1 − NLL / NLL of guessing), measured on"
            (self.assertIn if unit else self.assertNotIn)(said, " ".join(text_of(fig, "subtitle").split()))
        profile["accuracy_unit"] = "bleu"
        with open(path, "w", encoding="utf-8") as f:
            json.dump(profile, f)
        with self.assertRaisesRegex(Broken, 'accuracy_unit: "bleu" is not one of top1, f1, language_quality'):
            Result(folder).profile()

    def test_many_networks_are_drawn_by_family(self):
        folder = self.copy()
        path = os.path.join(folder, "profile.json")
        with open(path, encoding="utf-8") as f:
            profile = json.load(f)
        one = next(m for m in profile["models"] if len(m["stages"]) == 1)
        factors = [1, 2, 3, 4, 5, 6, 7, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5]
        profile["models"] = [{**one, "name": f"net-a-{i}" if i < 7 else f"net-b-{i}.5", "accuracy": [0.1 + 0.1 * (i % 7)],
                              "stages": [{k: [v * f for v in values] if k != "cv" else values
                                          for k, values in one["stages"][0].items()}]} for i, f in enumerate(factors)]
        with open(path, "w", encoding="utf-8") as f:
            json.dump(profile, f)
        fig = error_latency.draw(Result(folder), options())
        for name in ("net-a", "net-b"):
            self.assertEqual(len(by_gid(fig, f"family:{name}")[0].get_offsets()), 7)
        self.assertFalse(by_gid(fig, "traditional"))
        # Network 7 + i is as accurate as network i and slower.
        np.testing.assert_allclose(sorted(set(by_gid(fig, "best")[0].get_ydata()), reverse=True), [90, 80, 70, 60, 50, 40, 30])
        self.assertIn("14 networks", text_of(fig, "footer"))

    def test_families_of_networks(self):
        for name, wanted in (("mobilenet-v2-0.5-160", "mobilenet-v2"), ("resnet-50", "resnet"), ("efficientnet-lite4", "efficientnet-lite"),
                             ("pnasnet-5-large", "pnasnet"), ("nasnet-a-large", "nasnet-a-large"), ("resnet-w16", "resnet-w16")):
            self.assertEqual(family(name), wanted)

    def test_random_weights_are_said(self):
        folder = make_result.make(os.path.join(self.root, "random"), inputs=20, schedulers=["alert"], modes=["replay"],
                                  random_weights=["nested"])
        fig = error_latency.draw(Result(folder), options())
        self.assertIn("random weights", text_of(fig, "footer"))
        self.assertTrue(any("random weights" in t.get_text() for t in by_gid(fig, "label")))

    def test_energy_latency_is_the_energy_of_a_period(self):
        fig = energy_latency.draw(self.result(), options())
        line = by_gid(fig, "caps:resnet-32")[0]
        period = make_result.NESTED[1][-1] * 1e-3
        expected = []
        for cap, ms in zip(make_result.CAPS, line.get_xdata()):
            busy = ms * 1e-3
            expected.append(cap * busy + make_result.IDLE * max(0, period - busy))
        np.testing.assert_allclose(line.get_ydata(), expected)
        self.assertAlmostEqual(by_gid(fig, "period")[0].get_xdata()[0], period * 1e3)
        self.assertIn("model: assumed", text_of(fig, "subtitle").replace("\n", " "))
        labels = {t.get_text() for t in by_gid(fig, "label")}
        self.assertLessEqual({f"{c:g} W" for c in make_result.CAPS}, labels)

    def test_labels_do_not_overlap(self):
        for draw in (error_latency.draw, energy_latency.draw):
            fig = draw(self.result(), options())
            renderer = fig.canvas.get_renderer()
            boxes = [(t.get_text(), matplotlib_text_box(t, renderer)) for t in by_gid(fig, "label")]
            self.assertGreater(len(boxes), 4)
            for i, (a, box) in enumerate(boxes):
                self.assertTrue(fig.bbox.containsx(box.x0) and fig.bbox.containsx(box.x1), a)
                for b, other in boxes[i + 1:]:
                    self.assertFalse(box.overlaps(other), f"{a} covers {b}")

    def test_contention_boxes_are_the_recordings(self):
        fig = contention.draw(self.result(), options())
        table = np.load(os.path.join(self.folder, "recording", "stage_end_s.npy"))
        on = np.load(os.path.join(self.folder, "recording", "co_runner_on.npy")) != 0
        for gid, mask in (("box:nested:on", on), ("box:nested:off", ~on)):
            latency_box, factor_box = by_gid(fig, gid)
            values = table[mask, 7, -1]
            y = latency_box.get_path().vertices[:, 1]
            np.testing.assert_allclose([y.min(), y.max()], np.percentile(values, [25, 75]) * 1e3)
            y = factor_box.get_path().vertices[:, 1]
            np.testing.assert_allclose([y.min(), y.max()], np.percentile(values, [25, 75]) / 13e-3)

    def test_timeline_shows_the_run(self):
        fig = timeline.draw(self.result(), options())
        rows = self.rows("alert", "energy-1", "live")
        deadline = by_gid(fig, "deadline")[0]
        np.testing.assert_allclose(deadline.get_ydata(), rows[0]["deadline_s"] * 1e3)
        missed = [r["input"] for r in rows if r["violations"]["deadline"]]
        np.testing.assert_array_equal(by_gid(fig, "missed")[0].get_xdata(), missed)
        np.testing.assert_allclose(by_gid(fig, "cap")[0].get_data().values, [r["cap_w"] for r in rows])
        np.testing.assert_allclose(by_gid(fig, "mean")[0].get_ydata(), [r["slowdown"]["mean"] for r in rows])
        self.assertIn(f"violations in {INPUTS} inputs", text_of(fig, "footer"))

    def test_timeline_shades_contention_in_every_panel(self):
        fig = timeline.draw(self.result(), options())
        rows = self.rows("alert", "energy-1", "live")
        expected = []
        for r in rows:
            if r["co_runner"] is None:
                continue
            if expected and expected[-1][2] == r["co_runner"] and expected[-1][1] == r["input"] - 0.5:
                expected[-1][1] = r["input"] + 0.5
            else:
                expected.append([r["input"] - 0.5, r["input"] + 0.5, r["co_runner"]])
        self.assertEqual(len(fig.axes), 5)
        for ax in fig.axes:
            spans = [a for a in ax.patches if a.get_gid() == "contention"]
            # A polygon, or from matplotlib 3.9 on a rectangle.
            corners = [s.get_patch_transform().transform(s.get_path().vertices) for s in spans]
            found = [[c[:, 0].min(), c[:, 0].max()] for c in corners]
            np.testing.assert_allclose(found, [e[:2] for e in expected])

    def test_timeline_colours_networks_by_kind(self):
        result = self.result()
        fig = timeline.draw(result, options("--scheduler", "app-only"))
        chosen = by_gid(fig, "chosen")[0]
        self.assertEqual({style.matplotlib.colors.to_hex(c).upper() for c in chosen.get_colors()}, {style.ANYTIME})
        self.assertEqual(len(fig.axes), 4, "app-only has no slow-down factor, so no panel for one")
        used = {4} | {r["stage_delivered"] for r in self.rows("app-only", "energy-1", "live")} - {0}
        self.assertEqual([t.get_text() for t in fig.axes[1].get_yticklabels()],
                         [f"nested {stage}" for stage in sorted(used)])

    def test_timeline_shows_the_mean_so_far_and_its_goal(self):
        for setting, key, goal, scale in (("energy-1", "accuracy", 0.905, 100), ("error-1", "energy_j", 62 * 1.25 * 13e-3, 1)):
            fig = timeline.draw(self.result(), options("--setting", setting, "--inputs", "30:59"))
            values = [r[key] for r in self.rows("alert", setting, "live")]
            expected = [scale * np.mean(values[:n + 1]) for n in range(30, 60)]
            np.testing.assert_allclose(by_gid(fig, "running mean")[0].get_ydata(), expected)
            np.testing.assert_allclose(by_gid(fig, "goal")[0].get_ydata(), scale * goal)
            self.assertIn("mean ", text_of(fig, "subtitle"))
            self.assertRegex(text_of(fig, "footer").replace("\n", " "), "goals (met|violated) on average")

    def test_traces_before_the_mean_judge_are_drawn(self):
        folder = self.copy()
        for path in glob.glob(os.path.join(folder, "traces", "*.jsonl")):
            with open(path, encoding="utf-8") as f:
                lines = [json.loads(line) for line in f]
            lines[0].update(schema_version="1.0", goals={k: lines[0]["goals"][k] for k in ("deadline_s", "accuracy", "energy_j")})
            for r in lines[1:-1]:
                r["violations"] = {k: r["violations"][k] for k in ("deadline", "accuracy", "energy")}
            lines[-1] = {"record": "end", "inputs": len(lines) - 2, "status": "complete"}
            with open(path, "w", encoding="utf-8") as f:
                f.write("".join(json.dumps(r) + "\n" for r in lines))
        result = Result(folder)
        fig = timeline.draw(result, options())
        self.assertNotIn("mean accuracy", text_of(fig, "subtitle"))
        self.assertNotIn("on average", text_of(fig, "footer"))
        for cell in result.cells():  # as it was judged then
            self.assertEqual(cell.violated, cell.share > 0.1)
        self.assertIn("over 10 % of the inputs break a goal", text_of(bars.draw(result, options()), "footer").replace("\n", " "))

    def test_a_run_cut_off_is_judged_by_its_last_means(self):
        folder = self.copy()
        path = os.path.join(folder, "traces", "alert.energy-1.live.jsonl")
        with open(path, encoding="utf-8") as f:
            lines = [json.loads(line) for line in f][:-1]
        for r in lines[1:]:
            r["violations"]["deadline"] = False
        for mean_accuracy in (True, False):
            lines[-1]["violations"]["mean_accuracy"] = mean_accuracy
            with open(path, "w", encoding="utf-8") as f:
                f.write("".join(json.dumps(r) + "\n" for r in lines))
            result = Result(folder)
            self.assertEqual(result.trace(result.find("alert", "energy-1", "live")).violated, mean_accuracy)

    def test_timeline_window(self):
        fig = timeline.draw(self.result(), options("--inputs", "10:29"))
        self.assertEqual(fig.axes[0].get_xlim(), (9.5, 29.5))
        self.assertIn(f"inputs 10 to 29 of {INPUTS}", text_of(fig, "footer"))

    def test_pair_shares_setting_and_axes(self):
        fig = timeline.draw_pair(self.result(), options("--mode", "replay"))
        self.assertEqual(len(fig.axes), 10)
        self.assertEqual(fig.axes[0].get_ylim(), fig.axes[1].get_ylim())
        self.assertIn("replay", text_of(fig, "subtitle"))

    def violated(self, rows, setting):
        """By the mean, by hand."""
        goals = next(g for name, _, g in make_result.settings(2, make_result.NESTED[1][-1] * 1e-3) if name == setting)
        late = np.mean([r["violations"]["deadline"] for r in rows])
        return bool(late > 0.1 or (goals["accuracy"] and np.mean([r["accuracy"] for r in rows]) < goals["accuracy"] - 0.005)
                    or (goals["energy_j"] and np.mean([r["energy_j"] for r in rows]) > 1.02 * goals["energy_j"]))

    def recomputed(self, scheduler, task, mode, key):
        """(mean over the settings that count, shares of inputs violated), from the traces, by hand."""
        ratios, shares = [], []
        for setting in (f"{task}-1", f"{task}-2"):
            rows, base = self.rows(scheduler, setting, mode), self.rows("oracle-static", setting, "replay")
            if self.violated(base, setting):
                continue
            shares.append(np.mean([any(r["violations"][k] for k in ("deadline", "accuracy", "energy")) for r in rows]))
            if not self.violated(rows, setting):
                ratios.append(np.mean([key(r) for r in rows]) / np.mean([key(r) for r in base]))
        return (np.mean(ratios) if ratios else None), np.mean(shares)

    def check_bars(self, folder):
        result = Result(folder)
        fig = bars.draw(result, options())
        checked = 0
        for task, short, key in (("min_energy", "energy", lambda r: r["energy_j"]), ("min_error", "error", lambda r: 1 - r["accuracy"])):
            for scheduler in make_result.SCHEDULERS:
                for mode in ("live", "replay"):
                    if mode == "live" and scheduler.startswith("oracle"):
                        self.assertFalse(by_gid(fig, f"share:{task}:{scheduler}:live"))
                        continue
                    value, share = self.recomputed(scheduler, short, mode, key)
                    drawn = by_gid(fig, f"{task}:{scheduler}:{mode}")
                    if value is None:
                        self.assertFalse(drawn, f"{scheduler} violates every setting of {task}: no bar")
                    else:
                        self.assertAlmostEqual(drawn[0].get_width(), value, places=9)
                        for line in by_gid(fig, f"interval:{task}:{scheduler}:{mode}"):  # of several settings by summary.json only
                            low, high = line.get_xdata()
                            self.assertLessEqual(low, value + 1e-9)
                            self.assertGreaterEqual(high, value - 1e-9)
                        checked += 1
                    self.assertAlmostEqual(by_gid(fig, f"share:{task}:{scheduler}:{mode}")[0].get_width(), 100 * share, places=9)
        self.assertGreater(checked, 10)
        self.assertTrue(all(line.get_xdata()[0] == 1 for line in by_gid(fig, "oracle-static")))
        return fig

    def test_bars_from_traces(self):
        self.check_bars(self.folder)

    def test_bars_from_summary_without_traces(self):
        folder = self.copy()
        with open(os.path.join(folder, "summary.json"), "w", encoding="utf-8") as f:
            entries = make_result.summary_entries(folder)
            tasks = make_result.task_entries(entries)
            json.dump({"schema_version": "2.2", "scenario": "compute-mixed", "energy_source": "model", "results": entries, "tasks": tasks}, f)
        shutil.rmtree(os.path.join(folder, "traces"))
        fig = self.check_bars(folder)
        several = [t for t in tasks if t["counted_settings"] > 1]
        self.assertTrue(several)
        for t in several:
            line, = by_gid(fig, f"interval:{t['task']}:{t['scheduler']}:{t['mode']}")
            np.testing.assert_allclose(line.get_xdata(), t["normalised_interval"])
        self.assertIn("energy: model: assumed", text_of(fig, "footer").replace("\n", " "))

    def test_live_and_replay_differ(self):
        fig = bars.draw(self.result(), options())
        live, replay = (by_gid(fig, f"share:min_energy:alert:{m}")[0] for m in ("live", "replay"))
        self.assertIsNone(live.get_hatch())
        self.assertTrue(replay.get_hatch())

    def test_only_the_replayed_oracle_static_says_what_is_feasible(self):
        alert, live, replay = (types.SimpleNamespace(scheduler=s, setting="e", mode=m)
                               for s, m in (("alert", LIVE), ("oracle-static", LIVE), ("oracle-static", REPLAY)))
        cells = {(c.scheduler, c.setting, c.mode): c for c in (alert, live, replay)}
        self.assertIs(feasibility_cell(cells, alert), replay)
        del cells["oracle-static", "e", REPLAY]
        self.assertIs(feasibility_cell(cells, alert), live)

    def test_violated_oracle_static_is_no_yardstick(self):
        folder = self.copy()
        path = os.path.join(folder, "traces", "oracle-static.energy-1.replay.jsonl")
        with open(path, encoding="utf-8") as f:
            lines = [json.loads(line) for line in f]
        for r in lines[1:-1]:
            r["violations"]["deadline"] = True
        lines[-1]["verdict"]["violated_mean"] = True
        with open(path, "w", encoding="utf-8") as f:
            f.write("".join(json.dumps(r) + "\n" for r in lines))
        result = Result(folder)
        self.assertTrue(all(c.normalised is None for c in result.cells() if c.setting == "energy-1"))

    def test_calibration_shows_every_recording_and_the_mean_loss(self):
        fig = calibration.draw(self.result(), options())
        for scenario in ("compute-1", "default"):
            line = by_gid(fig, f"coverage:fashion-mnist:{scenario}:gaussian, paper")[0]
            np.testing.assert_allclose(line.get_xdata(), calibration.logit([0.05, 0.5, 0.95, 0.99]))
            np.testing.assert_allclose(line.get_ydata(), calibration.logit([0.02, 0.5, 0.9, 0.95]))
        self.assertAlmostEqual(by_gid(fig, "pinball:fixed:regimes")[0].get_xdata()[0], 0.135)
        self.assertAlmostEqual(by_gid(fig, "pinball:switching:regimes")[0].get_xdata()[0], 0.14)

    def test_calibration_of_several_recordings_of_a_scenario_shows_their_mean(self):
        folder = self.copy()
        found = make_result.calibration()
        again = copy.deepcopy(found["recordings"][0])
        for entry in again["results"]:
            entry["switching"]["coverage"] = [c / 2 for c in entry["switching"]["coverage"]]
        found["recordings"].append(again)
        with open(os.path.join(folder, "calibration.json"), "w", encoding="utf-8") as f:
            json.dump(found, f)
        fig = calibration.draw(Result(folder), options())
        line = by_gid(fig, f"coverage:fashion-mnist:{again['scenario']}:gaussian, paper")[0]
        np.testing.assert_allclose(line.get_ydata(), calibration.logit([0.015, 0.375, 0.675, 0.7125]))
        self.assertTrue(any(ax.get_title(loc="left").endswith("(2)") for ax in fig.axes))

    def test_calibration_that_is_damaged_is_refused(self):
        folder = self.copy()
        for spoil in (lambda c: c.pop("levels"), lambda c: c["recordings"].clear(),
                      lambda c: c["recordings"][0]["results"][0]["fixed"]["coverage"].pop()):
            found = make_result.calibration()
            spoil(found)
            with open(os.path.join(folder, "calibration.json"), "w", encoding="utf-8") as f:
                json.dump(found, f)
            with self.assertRaisesRegex(Broken, "calibration.json: recordings: .*score estimators"):
                calibration.draw(Result(folder), options())

    def test_colors(self):
        colors = [style.scheduler_color(s) for s in style.SCHEDULERS]
        self.assertEqual(len(set(colors)), len(colors))
        self.assertEqual(style.scheduler_color("new-one"), style.scheduler_color("new-one"))

    def test_nothing_leaves_the_page(self):
        for draw in (error_latency.draw, energy_latency.draw, contention.draw, timeline.draw, timeline.draw_pair, bars.draw, calibration.draw):
            fig = draw(self.result(), options())
            renderer = fig.canvas.get_renderer()
            page = fig.bbox
            # matplotlib keeps ticks outside the view, and doesn't draw them
            ticks = {label for tick in fig.findobj(style.matplotlib.axis.Tick) for label in (tick.label1, tick.label2)}
            for t in fig.findobj(style.matplotlib.text.Text):
                if not t.get_text().strip() or not t.get_visible():
                    continue
                box = matplotlib_text_box(t, renderer)
                if t in ticks:
                    continue
                self.assertTrue(box.x0 > -2 and box.x1 < page.x1 + 2 and box.y0 > -2 and box.y1 < page.y1 + 2,
                                f"{draw.__module__}: '{t.get_text()}' at {box} on {page}")


def matplotlib_text_box(text, renderer):
    if isinstance(text, style.matplotlib.text.Annotation):
        text.update_positions(renderer)
    return style.matplotlib.text.Text.get_window_extent(text, renderer)  # of an annotation: without its arrow


class CommandLine(Case):
    def test_all_figures_are_written_and_nothing_else(self):
        folder = self.copy()
        before = {p for p in glob.glob(os.path.join(folder, "**"), recursive=True)}
        code, out, err = command(folder)
        self.assertEqual(code, 0, err)
        new = {os.path.relpath(p, folder) for p in set(glob.glob(os.path.join(folder, "**"), recursive=True)) - before}
        expected = {os.path.join("figures", f"{n}.{e}") for n in figures.FIGURES for e in ("pdf", "png")} | {"figures"}
        self.assertEqual(new, expected | {os.path.join("figures", "written.json")})
        with open(os.path.join(folder, "figures/written.json"), encoding="utf-8") as f:
            self.assertEqual({os.path.join("figures", name) for name in json.load(f)}, expected - {"figures"})
        for path in expected - {"figures"}:
            self.assertGreater(os.path.getsize(os.path.join(folder, path)), 5000, path)
        self.assertEqual(len(out.split()), len(figures.FIGURES))

    def test_same_result_same_bytes(self):
        outs = [os.path.join(self.root, name) for name in ("once", "twice")]
        for out in outs:
            self.assertEqual(command(self.folder, "--only", "error_latency", "--out", out)[0], 0)
        for ext in ("pdf", "png"):
            found = []
            for out in outs:
                with open(os.path.join(out, f"error_latency.{ext}"), "rb") as f:
                    found.append(f.read())
            self.assertEqual(*found)

    def test_unknown_figure(self):
        code, _, err = command(self.folder, "--only", "bar")
        self.assertEqual(code, 2)
        self.assertIn("unknown figure 'bar'", err)
        self.assertIn("timeline_pair", err)

    def test_missing_folder(self):
        code, _, err = command(os.path.join(self.root, "nowhere"))
        self.assertEqual(code, 2)
        self.assertIn("nowhere: no such folder; use", err)

    def test_folder_of_something_else(self):
        code, _, err = command(tempfile.mkdtemp(dir=self.root))
        self.assertEqual(code, 2)
        self.assertIn("is not a result folder", err)

    def test_torn_profile_names_file_and_mend(self):
        folder = self.copy()
        with open(os.path.join(folder, "profile.json"), "w", encoding="utf-8") as f:
            f.write('{"caps_w": [35, ')
        code, _, err = command(folder, "--only", "error_latency")
        self.assertEqual(code, 2)
        self.assertRegex(err, r"profile\.json: damaged, or not valid JSON .*; write it again")

    def test_missing_key_is_named(self):
        folder = self.copy()
        path = os.path.join(folder, "profile.json")
        with open(path, encoding="utf-8") as f:
            profile = json.load(f)
        del profile["models"][2]["stages"][0]["mean_s"]
        with open(path, "w", encoding="utf-8") as f:
            json.dump(profile, f)
        code, _, err = command(folder, "--only", "error_latency")
        self.assertEqual(code, 2)
        self.assertIn("models[2].stages[0].mean_s", err)

    def test_nan_in_json_is_refused(self):
        folder = self.copy()
        with open(os.path.join(folder, "profile.json"), "w", encoding="utf-8") as f:
            f.write('{"caps_w": [NaN]}')
        code, _, err = command(folder, "--only", "error_latency")
        self.assertEqual(code, 2)
        self.assertIn("NaN is not valid JSON", err)

    def test_torn_array(self):
        folder = self.copy()
        path = os.path.join(folder, "recording", "stage_end_s.npy")
        with open(path, "r+b") as f:
            f.truncate(os.path.getsize(path) // 2)
        code, _, err = command(folder, "--only", "contention")
        self.assertEqual(code, 2)
        self.assertIn("stage_end_s.npy", err)

    def test_array_of_another_profile(self):
        folder = self.copy()
        np.save(os.path.join(folder, "recording", "stage_end_s.npy"), np.ones((INPUTS, 3, 5)))
        code, _, err = command(folder, "--only", "contention")
        self.assertEqual(code, 2)
        self.assertIn("has 3 rows and 5 caps", err)

    def test_torn_last_line_is_tolerated_aloud(self):
        folder = self.copy()
        path = os.path.join(folder, "traces", "alert.energy-1.live.jsonl")
        with open(path, encoding="utf-8") as f:
            text = f.read()
        lines = text.splitlines(keepends=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write("".join(lines[:40]) + lines[40][:30])
        code, _, err = command(folder, "--only", "timeline")
        self.assertEqual(code, 0, err)
        self.assertIn("the last line is truncated", err)
        fig = timeline.draw(Result(folder), options())
        self.assertEqual(len(by_gid(fig, "deadline")[0].get_xdata()), 39)
        self.assertIn("the run was interrupted", text_of(fig, "footer"))

    def test_torn_line_in_the_middle_is_an_error(self):
        folder = self.copy()
        path = os.path.join(folder, "traces", "alert.energy-1.live.jsonl")
        with open(path, encoding="utf-8") as f:
            lines = f.read().splitlines(keepends=True)
        lines[20] = lines[20][:50] + "\n"
        with open(path, "w", encoding="utf-8") as f:
            f.write("".join(lines))
        code, _, err = command(folder, "--only", "timeline")
        self.assertEqual(code, 2)
        self.assertIn("line 21 is damaged", err)

    def test_figures_without_input_are_skipped_aloud(self):
        folder = self.copy()
        shutil.rmtree(os.path.join(folder, "recording"))
        code, out, err = command(folder, "--only", "contention,error_latency")
        self.assertEqual(code, 0)
        self.assertIn("skipped contention:", err)
        self.assertIn("recording", err)
        self.assertIn("error_latency", out)

    def test_nothing_drawn_is_no_success(self):
        folder = self.copy()
        shutil.rmtree(os.path.join(folder, "recording"))
        code, out, err = command(folder, "--only", "contention")
        self.assertEqual(code, 4)
        self.assertIn("nothing could be drawn", err)
        self.assertEqual(out, "")

    def test_unknown_run_names_those_there_are(self):
        code, _, err = command(self.folder, "--only", "timeline", "--scheduler", "alrt", "--out", os.path.join(self.root, "o"))
        self.assertEqual(code, 2)
        self.assertIn("no trace of 'alrt'", err)
        self.assertIn("alert-trad", err)

    def test_a_name_cannot_lead_out_of_the_folder(self):
        self.assertEqual(figures.file_stem("timeline", options("--scheduler", "../../x", "--mode", "live")), "timeline..._.._x.live")
        self.assertEqual(figures.file_stem("timeline", options()), "timeline")

    def test_help_teaches(self):
        code, out, _ = command("--help")
        self.assertEqual(code, 0)
        for word in (*figures.FIGURES, "examples:", "exit codes:", "--inputs"):
            self.assertIn(word, out)

    def test_invalid_result_is_said_in_the_figure(self):
        folder = self.copy()
        with open(os.path.join(folder, "manifest.json"), "w", encoding="utf-8") as f:
            json.dump({"status": "partial", "verdict": {"valid": False, "reasons": []}, "scenario": {"name": "s"}}, f)
        fig = error_latency.draw(Result(folder), options())
        self.assertIn("INVALID RESULT, status: partial", text_of(fig, "footer"))

    def test_python_without_matplotlib_says_the_mend(self):
        environment = dict(os.environ, ALERT_FIGURES_PYTHON="tried")
        done = subprocess.run([sys.executable, "-I", "-S", SCRIPT, self.folder], capture_output=True, text=True, env=environment)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("apt-get install python3-matplotlib", done.stderr)
        done = subprocess.run([sys.executable, "-I", "-S", SCRIPT, "--help"], capture_output=True, text=True, env=environment)
        self.assertEqual(done.returncode, 0, "--help needs no matplotlib")

    def test_script_runs_from_any_folder(self):
        out = os.path.join(self.root, "from-anywhere")
        done = subprocess.run([SCRIPT, os.path.relpath(self.folder, self.root), "--only", "error_latency", "--out", out], cwd=self.root,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sorted(os.listdir(out)), ["error_latency.pdf", "error_latency.png"])


class Followed(Case):
    """--follow: the trace grows while it is drawn."""

    def setUp(self):
        self.folder_ = self.copy()
        self.path = os.path.join(self.folder_, "traces", "alert.energy-1.live.jsonl")
        for path in glob.glob(os.path.join(self.folder_, "traces", "*")):
            if path != self.path:
                os.remove(path)
        with open(self.path, encoding="utf-8") as f:
            self.lines = f.readlines()
        self.status("running")
        self.png = os.path.join(self.folder_, "figures", "timeline.png")

    def status(self, status):
        path = os.path.join(self.folder_, "manifest.json")
        with open(path, encoding="utf-8") as f:
            manifest = json.load(f)
        with open(path + ".tmp", "w", encoding="utf-8") as f:
            json.dump({**manifest, "status": status}, f)
        os.replace(path + ".tmp", path)

    def write(self, text, mode="a"):
        with open(self.path, mode, encoding="utf-8") as f:
            f.write(text)

    def wait_for(self, condition, what):
        until = time.monotonic() + 60
        while not condition():
            self.assertIsNone(self.process.poll(), what)
            self.assertLess(time.monotonic(), until, what)
            time.sleep(0.02)

    def start(self, *more):
        environment = {k: v for k, v in os.environ.items() if k != "DISPLAY"}
        self.process = subprocess.Popen([sys.executable, SCRIPT, self.folder_, "--follow", "--every", "0.05", *more],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        self.addCleanup(lambda: (self.process.kill(), self.process.communicate()))

    def drawn(self):
        """The picture is whole whenever it is there."""
        try:
            with open(self.png, "rb") as f:
                content = f.read()
        except FileNotFoundError:
            return None
        self.assertTrue(content.startswith(b"\x89PNG") and content.endswith(b"IEND\xaeB`\x82"))
        return content

    def test_it_draws_what_is_there_until_the_run_has_ended(self):
        self.write("", "w")  # the run has begun, and has written nothing
        self.start()
        self.write("".join(self.lines[:30]) + self.lines[30][:20])
        self.wait_for(self.drawn, "no picture of the first inputs")
        first = self.drawn()
        self.write(self.lines[30][20:] + "".join(self.lines[31:60]))
        self.wait_for(lambda: self.drawn() != first, "no picture of the later inputs")
        self.assertFalse(os.path.exists(self.png.replace(".png", ".pdf")))
        self.write("".join(self.lines[60:]))
        self.status("complete")
        out, err = self.process.communicate(timeout=60)
        self.assertEqual(self.process.returncode, 0, err)
        self.assertIn("timeline.{pdf,png}", out)
        self.assertNotIn("error", err)
        followed = self.drawn()
        self.assertEqual(command(self.folder_, "--only", "timeline")[0], 0)
        self.assertEqual(followed, self.drawn())
        self.assertEqual([n for n in os.listdir(os.path.dirname(self.png)) if n.endswith(".tmp")], [])

    def test_ctrl_c_ends_it(self):
        self.start()
        self.wait_for(self.drawn, "no picture")
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=60)
        self.assertEqual(self.process.returncode, 0, err)
        self.assertNotIn("Traceback", err)

    def test_what_cannot_be_drawn_at_the_end_is_an_error(self):
        self.write("not a trace\n", "w")
        self.status("failed")
        code, _, err = command(self.folder_, "--follow")
        self.assertEqual(code, 2)
        self.assertIn("is not a trace header", err)
        for arguments, says in ((["--only", "bars"], "draws only the timeline"), (["--every", "0"], "above 0")):
            code, _, err = command(self.folder_, "--follow", *arguments)
            self.assertEqual(code, 2)
            self.assertIn(says, err)


if __name__ == "__main__":
    unittest.main()
