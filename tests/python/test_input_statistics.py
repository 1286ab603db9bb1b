"""Tests of scripts/input_statistics.py.

    /usr/bin/python3 -m unittest discover -s tests/python -p 'test_input_statistics.py'
"""

import contextlib
import importlib.util
import io
import json
import os
import shutil
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPT = os.path.join(HERE, "..", "..", "scripts", "input_statistics.py")
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.dirname(SCRIPT)]

try:
    import make_recording
    import numpy as np
    from alert_figures import inputs, style
    from alert_figures.profile import Profile
    from alert_figures.recording import Recording
except ImportError as e:
    raise unittest.SkipTest(f"needs python3-matplotlib and numpy ({e}); run with /usr/bin/python3") from None

spec = importlib.util.spec_from_file_location("input_statistics", SCRIPT)
script = importlib.util.module_from_spec(spec)
spec.loader.exec_module(script)


def command(*arguments):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = script.main(list(arguments))
        except SystemExit as e:
            code = e.code
    return code, out.getvalue(), err.getvalue()


def no_nan(word):
    raise AssertionError(word)


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(prefix="alert-inputs-")
        cls.addClassCleanup(shutil.rmtree, cls.root)

    def tearDown(self):
        style.plt.close("all")

    def make(self, folder, **keys):
        return make_recording.make(os.path.join(self.root, folder), **keys)

    def recording(self, folder, **keys):
        folder = self.make(folder, **keys)
        return Recording(folder, Profile(os.path.join(folder, "profile.json")))


class Numbers(Case):
    def test_slowdown_is_over_the_profile_at_the_inputs_size(self):
        r = self.recording("sized", sizes=True, inputs=40, noise=0, own=0, slowdown=1)
        np.testing.assert_allclose(inputs.slowdown(r), 1)
        self.assertEqual(inputs.slowdown(r).shape, (40, 4, 5))

    def test_what_one_factor_explains(self):
        one = inputs.of(self.recording("shared", noise=0.05, own=1e-6, slowdown=1, inputs=200))
        self.assertGreater(one["variance_share_of_one_factor_per_input"], 0.999)
        self.assertLess(one["relative_sd_between_networks"], 1e-4)
        self.assertAlmostEqual(one["relative_sd_over_inputs"], 0.05, delta=0.008)
        each = inputs.of(self.recording("own", noise=1e-6, own=0.05, slowdown=1, inputs=200))
        self.assertLess(each["variance_share_of_one_factor_per_input"], 0.1)
        self.assertAlmostEqual(each["relative_sd_between_caps"], 0.05, delta=0.008)
        self.assertIsNone(each["distribution_with_co_runner"])
        self.assertEqual(each["reaction"]["paper"]["starts"], 0)
        self.assertIsNone(each["reaction"]["paper"]["median_inputs"])

    def test_distribution_of_a_normal_and_of_a_tail(self):
        generator = np.random.default_rng(1)
        normal = inputs.distribution(generator.normal(1, 0.1, 5000))
        self.assertLess(normal["largest_difference_sd"], 0.1)
        self.assertAlmostEqual(normal["quantiles"]["p50"], 1, delta=0.01)
        tail = inputs.distribution(1 + generator.exponential(0.1, 5000))
        self.assertGreater(tail["largest_difference_sd"], 0.5)
        self.assertGreater(tail["skewness"], 1.5)

    def test_autocorrelation(self):
        values = np.tile([1.0, 2.0], 40)
        found = inputs.autocorrelation(values)
        self.assertEqual(len(found), 20)
        self.assertAlmostEqual(found[0], -79 / 80)
        self.assertAlmostEqual(found[1], 78 / 80)
        self.assertIsNone(inputs.autocorrelation(np.ones(40)))

    def test_filter_by_hand(self):
        c = inputs.PRESETS["paper"]
        # Q = 0.1, sigma2 = 0.5 * 0.1 + 0.1 = 0.15, K = 0.15 / 0.151
        np.testing.assert_allclose(inputs.follow([2.0], **c), [1 + 0.15 / 0.151])
        k = 0.15 / 0.151
        q = 0.3 * 0.1 + 0.7 * (k * 1.0) ** 2
        s = (1 - k) * 0.15 + q
        np.testing.assert_allclose(inputs.follow([2.0, 2.0], **c)[1], 1 + k + s / (s + 0.001) * (1 - k))

    def test_reaction_counts_inputs_from_the_start(self):
        values = np.array([1.0] * 10 + [2.0] * 10 + [1.0] * 10 + [2.0] * 3)
        on = values > 1.5
        means = np.concatenate([np.ones(10), [1.5, 1.8, 1.95], np.full(7, 2.0), np.ones(10), [1.2, 1.3, 1.4]])
        self.assertEqual(inputs.reaction(values, on, means), ([3, None], 0))
        times, _ = inputs.reaction(values, on, inputs.follow(values, **inputs.PRESETS["paper"]))
        self.assertEqual(times, [1, 1])
        self.assertEqual(inputs.reaction(np.ones(33), on, means), ([], 2))

    def test_starts(self):
        on = np.array([1, 1, 0, 0, 0, 1, 1, 0, 1], dtype=bool)  # on from the first input: nothing before to compare with
        self.assertEqual(inputs.starts(on), [(2, 5, 7), (7, 8, 9)])


class CommandLine(Case):
    def test_json_and_a_figure_each(self):
        folders = [self.make("a/recording", inputs=120), self.make("b", inputs=60, seed=2), self.make("again/a", inputs=30, slowdown=1, name="quiet/one")]
        out = os.path.join(self.root, "out")
        code, said, err = command(*folders, "--out", out)
        self.assertEqual(code, 0, err)
        stems = ["input_statistics.a", "input_statistics.a.2", "input_statistics.b"]
        self.assertEqual(sorted(os.listdir(out)), sorted([f"{s}.{e}" for s in stems for e in ("pdf", "png")] + ["input_statistics.json"]))
        with open(os.path.join(out, "input_statistics.json"), encoding="utf-8") as f:
            found = json.load(f, parse_constant=no_nan)
        self.assertEqual((found["schema_version"], found["kind"]), ("1.0", "input_statistics"))
        self.assertEqual([r["recording"] for r in found["recordings"]], folders)
        self.assertEqual(found["recordings"][0]["network_followed"], "nested-b")
        self.assertGreaterEqual(found["recordings"][0]["reaction"]["paper"]["starts"], 2)

    def test_figure_shows_the_numbers(self):
        recording = self.recording("shown", inputs=120)
        fig = inputs.draw(recording, inputs.of(recording))
        self.assertEqual(len(fig.axes), 4)
        line = fig.findobj(lambda a: a.get_gid() == "autocorrelation_by_lag_in_inputs")[0]
        np.testing.assert_allclose(line.get_ydata(), inputs.of(recording)["autocorrelation_by_lag_in_inputs"])
        for side in ("without co-runner", "with co-runner"):
            self.assertTrue(fig.findobj(lambda a: a.get_gid() == f"quantiles:{side}"))

    def test_a_recording_of_very_few_inputs(self):
        out = os.path.join(self.root, "few-out")
        code, _, err = command(self.make("few", inputs=2, warmup=0), "--out", out)
        self.assertEqual(code, 0, err)

    def test_bad_input_writes_nothing(self):
        good, out = self.make("good", inputs=30), os.path.join(self.root, "bad-out")
        torn, missing = self.make("torn", inputs=30), self.make("missing", inputs=30)
        with open(os.path.join(torn, "recording.json"), "w", encoding="utf-8") as f:
            f.write('{"schema_version": ')
        os.remove(os.path.join(missing, "stage_end_s.npy"))
        sized = self.make("bad-size", inputs=30, sizes=True)
        np.save(os.path.join(sized, "size.npy"), np.zeros(30))
        times = self.make("bad-times", inputs=30)
        broken = np.load(os.path.join(times, "stage_end_s.npy"))
        broken[3] = np.nan
        np.save(os.path.join(times, "stage_end_s.npy"), broken)
        for folder, message in ((torn, r"recording\.json: damaged, or not valid JSON .*; "), (missing, r"stage_end_s\.npy: no such file"),
                                (sized, r"size\.npy: is not one size above 0"), (times, r"stage_end_s\.npy: contains times that are not finite"),
                                (os.path.join(self.root, "nowhere"), r"nowhere/profile\.json: no such file")):
            code, _, err = command(good, folder, "--out", out)
            self.assertEqual(code, 2, err)
            self.assertRegex(err, message)
            self.assertFalse(os.path.exists(out))

    def test_usage(self):
        self.assertEqual(command()[0], 2)
        code, out, _ = command("--help")
        self.assertEqual(code, 0)
        self.assertIn("exit codes:", out)


if __name__ == "__main__":
    unittest.main()
