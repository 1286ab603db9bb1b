"""ALERT written once more, in Python (alert_scheduler.py), against the program's own, decision by decision."""
import json
import os
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BENCH = os.environ.get("ALERT_BENCH")
PYTHON = f"cmd:/usr/bin/python3 {os.path.join(ROOT, 'tests/python/alert_scheduler.py')}"
GRID = ("--grid", "--deadlines", "2", "--levels", "5", "--schedulers", "alert", "--scheduler", PYTHON, "--allow-commands", "--quiet")


@unittest.skipUnless(BENCH, "ALERT_BENCH does not name the program")
class SecondAlert(unittest.TestCase):
    def replay(self, recording, out, *more):
        path = os.path.join(ROOT, "results/reference/recordings", recording)
        return subprocess.run([BENCH, "replay", path, *GRID, "--out", out, *more], capture_output=True, text=True, timeout=500, cwd=ROOT)

    def decisions(self, out, scheduler, setting):
        with open(f"{out}/traces/{scheduler}.{setting}.replay.jsonl") as f:
            return [(x["model"], x["stage_target"], x["cap_w"]) for x in map(json.loads, f) if x["record"] == "input"]

    def check(self, recording):
        with tempfile.TemporaryDirectory() as folder:
            asked = self.replay(recording, folder + "/o", "--trace", "all")  # its message lists the settings
            settings = asked.stderr.strip().rpartition("The settings are: ")[2].split(", ")
            self.assertEqual(len(settings), 20, asked.stderr)
            done = self.replay(recording, folder + "/o", "--overwrite", *(word for s in settings for word in ("--trace", s)))
            self.assertEqual(done.returncode, 0, done.stderr)
            for setting in settings:
                with self.subTest(setting=setting):
                    own, python = (self.decisions(folder + "/o", s, setting) for s in ("alert", "cmd-alert_scheduler"))
                    self.assertEqual(len(own), len(python))
                    # The first difference: later ones may be its consequence.
                    self.assertEqual(next((n for n, pair in enumerate(zip(own, python)) if pair[0] != pair[1]), None), None)

    def test_images(self):
        self.check("fashion-mnist-memory-2-seed1")

    def test_sentences(self):
        self.check("ptb-compute-2-seed1")


if __name__ == "__main__":
    unittest.main()
