"""Tests of scripts/turnover.py.

    ALERT_BENCH=build/bin/alert-bench /usr/bin/python3 -m unittest discover -s tests/python -p 'test_turnover.py'
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPT = os.path.join(HERE, "..", "..", "scripts", "turnover.py")
PROGRAM = os.environ.get("ALERT_BENCH", os.path.join(HERE, "..", "..", "build", "bin", "alert-bench"))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.dirname(SCRIPT)]

try:
    import make_recording
    import numpy as np
    import turnover
except ImportError as e:
    raise unittest.SkipTest(f"needs python3-numpy ({e}); run with /usr/bin/python3") from None


def read(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


class Copies(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="alert-turnover-")
        self.addCleanup(shutil.rmtree, self.root)
        self.recording = make_recording.make(f"{self.root}/r", groups=True, words=True)
        self.recording = f"{self.root}/r"

    def valid(self, folder):
        done = subprocess.run([PROGRAM, "validate", folder], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_fewer_inputs_end_with_a_sentence(self):
        left = np.load(f"{self.recording}/members_left.npy")
        inside = int(np.argmax(left > 2)) + 60
        while left[inside - 1] == 1:
            inside += 1
        copy = turnover.copied(self.recording, f"{self.root}/out", inputs=inside)
        kept = np.load(f"{copy}/members_left.npy")
        self.assertEqual(kept[-1], 1)
        self.assertTrue(inside < len(kept) < inside + 6)
        np.testing.assert_array_equal(np.load(f"{copy}/stage_end_s.npy"), np.load(f"{self.recording}/stage_end_s.npy")[:len(kept)])
        self.valid(copy)

    def test_a_wrong_profile_changes_latencies_alone(self):
        copy = turnover.copied(self.recording, f"{self.root}/out", profile=turnover.scaled(0.2))
        self.valid(copy)
        before, after = read(f"{self.recording}/profile.json"), read(f"{copy}/profile.json")
        for a, b in zip(before["models"], after["models"]):
            for s, t in zip(a.pop("stages"), b.pop("stages")):
                np.testing.assert_allclose(t["p99_s"], 1.2 * np.array(s["p99_s"]))
        self.assertEqual(before, after)

    def test_another_power_model_keeps_the_speeds(self):
        own = read(f"{self.recording}/profile.json")
        model = {"name": "board", "static_w": 5.0, "dynamic_w": 7.64, "idle_w": 3.89}
        change, power = turnover.powered(model, own["caps_w"], own["power_model"])
        copy = turnover.copied(self.recording, f"{self.root}/out", profile=change, power=power)
        self.valid(copy)
        speed = lambda profile: ((np.array(profile["caps_w"]) - profile["power_model"]["static_w"]) / profile["power_model"]["dynamic_w"]) ** (1 / 3)
        changed = read(f"{copy}/profile.json")
        np.testing.assert_allclose(speed(changed), speed(own))
        self.assertAlmostEqual(changed["caps_w"][-1], 12.64)
        self.assertEqual(changed["idle_power_w"], 3.89)


class CommandLine(unittest.TestCase):
    def test_it_says_what_turns(self):
        with tempfile.TemporaryDirectory(prefix="alert-turnover-") as root:
            make_recording.make(f"{root}/a", inputs=70)
            make_recording.make(f"{root}/b", inputs=70, seed=2)
            done = subprocess.run([SCRIPT, f"{root}/a", "--phases", "other phases", f"{root}/b", "--only", "power", "inputs", "phases",
                                   "--out", f"{root}/out", "--program", PROGRAM], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            written = read(f"{root}/out/turnover.json")
            self.assertEqual({w["kind"] for w in written["ways"]}, {"reference", "inputs", "power", "phases"})
            self.assertIn("| other phases |", done.stdout)
            self.assertTrue(os.path.getsize(f"{root}/out/turnover.png") > 10000)
            done = subprocess.run([SCRIPT, f"{root}/none", "--out", f"{root}/out", "--program", PROGRAM], capture_output=True, text=True)
            self.assertEqual(done.returncode, 2)
            self.assertIn("none/recording.json", done.stderr)


if __name__ == "__main__":
    unittest.main()
