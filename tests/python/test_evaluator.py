"""The evaluator in Python against `alert-bench replay --grid`, and against itself. ALERT_BENCH=PROGRAM (or --program PROGRAM) names
the program; without it that part is skipped aloud.

    ALERT_BENCH=build/bin/alert-bench /usr/bin/python3 -m unittest discover -s tests/python -p 'test_evaluator.py'
"""

import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

try:
    import numpy as np
except ImportError as e:
    raise unittest.SkipTest(f"needs numpy ({e}); run with /usr/bin/python3")

import evaluator
import make_recording

if "--program" in sys.argv:
    at = sys.argv.index("--program")
    os.environ["ALERT_BENCH"] = sys.argv[at + 1]
    del sys.argv[at:at + 2]
PROGRAM = os.environ.get("ALERT_BENCH")


class Case(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="alert-evaluator-")
        self.addCleanup(shutil.rmtree, self.root)


class Rules(Case):
    """What the evaluator itself holds, by numbers that a reader can check."""

    def test_a_group_shares_its_deadline(self):
        clock = evaluator.Clock(1.0, 1)
        seen = []
        for left, busy in ((3, 0.5), (2, 0.5), (1, 2.5)):
            due, period = clock.next(left)
            seen.append((float(due[0]), float(period[0])))
            clock.ran(np.array([busy]))
        # Of 3 s: a third; then half of 2.5 s; then all of 2 s. Slots end at 1, 2 and 3 s.
        self.assertEqual(seen, [(1.0, 1.0), (1.25, 1.0), (2.0, 1.0)])
        due, period = clock.next(2)  # a new group knows nothing of the one before
        self.assertEqual((float(due[0]), float(period[0])), (1.0, 1.0))
        clock.ran(np.array([1.75]))
        due, period = clock.next(1)  # 0.25 s are left, and of its slot too
        self.assertEqual((float(due[0]), float(period[0])), (0.25, 0.25))

    def test_outcomes_of_one_input(self):
        folder = make_recording.make(os.path.join(self.root, "r"), inputs=20, slowdown=1, noise=0, own=0)
        rec = evaluator.Recording(folder)
        lane = next(k for k, l in enumerate(rec.lanes) if l[:3] == ("nested-b", 3, 4))
        o = evaluator.Outcomes(rec, 0, 0.010, 0.010, {"accuracy": 0.9, "energy_j": None})
        self.assertAlmostEqual(o.busy[lane], 0.010)       # stopped at the deadline
        self.assertEqual(o.accuracy[lane], 0.91)          # of stage 3, which ends after 9.4 ms
        self.assertAlmostEqual(o.energy[lane], 100 * 0.010)
        lane = next(k for k, l in enumerate(rec.lanes) if l[:3] == ("wide", 0, 4))
        self.assertAlmostEqual(o.busy[lane], 0.011)       # runs to its end, 1 ms late
        self.assertTrue(o.nothing[lane] and o.accuracy[lane] == 0.1 and np.isnan(o.measured[lane]))
        lane = next(k for k, l in enumerate(rec.lanes) if l[:3] == ("narrow", 0, 4))
        self.assertAlmostEqual(o.energy[lane], 100 * 0.0022 + 20 * 0.0078)
        self.assertTrue(o.low[lane] and o.broke[lane] and not o.nothing[lane])

    def test_the_comparison_sees_what_differs(self):
        c = evaluator.Comparison()
        c.values("x", {"a": 1.0, "b": None, "c": True, "more": 1}, {"a": 1.0 + 1e-12, "b": None, "c": True})
        self.assertEqual((c.compared, c.differences), (3, []))
        for found, expected in ((1.0, 1 + 1e-8), (None, 1.0), (1.0, None), (True, False), (1, True)):
            c = evaluator.Comparison()
            c.values("x", found, expected)
            self.assertEqual(len(c.differences), 1, (found, expected))
        c.values("x", {}, {"a": 1})
        self.assertIn("x.a: is missing", c.differences[-1])


@unittest.skipUnless(PROGRAM, "ALERT_BENCH does not name the program: what it computes is not checked")
class Program(Case):
    def evaluated(self, name, **keys):
        folder = make_recording.make(os.path.join(self.root, name), **keys)
        out = os.path.join(self.root, f"{name}-out")
        done = subprocess.run([PROGRAM, "replay", folder, "--grid", "--out", out], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(os.path.join(out, "evaluation.json"), encoding="utf-8") as f:
            return folder, json.load(f)

    def agree(self, folder, evaluation, shared=False):
        c = evaluator.compare(folder, evaluation)
        self.assertEqual(c.differences, [])
        self.assertGreater(c.compared, 5000)
        # Nothing but limits that are a cap, and nothing at all where each input has its own deadline.
        caps = tuple(f"-p{cap:g}." for cap in make_recording.CAPS)
        self.assertEqual([line for line in c.rounding if not shared or not any(cap in line for cap in caps)], [])
        if c.rounding:
            print(f"{len(c.rounding)} values rest on the rounding of an energy that equals its budget", file=sys.stderr)

    def test_inputs_alone(self):
        folder, evaluation = self.evaluated("alone")
        self.agree(folder, evaluation)
        results = [s for c in evaluation["cells"] for s in c["settings"]]
        self.assertEqual(len(results), 72)
        self.assertTrue(any(s["feasible"] for s in results) and not all(s["feasible"] for s in results), "both must be tried")
        # What is changed must be seen: a figure of a setting, a ratio, a total.
        for change in (lambda e: e["cells"][0]["settings"][20]["results"]["oracle-static"].update(mean_energy_j=1.0),
                       lambda e: e["cells"][1]["settings"][20].update(feasible=not e["cells"][1]["settings"][20]["feasible"]),
                       lambda e: e["cells"][1]["schedulers"]["alert"]["satisfaction"].update(value=0.123),
                       lambda e: [c.update(recording_sha256="0" * 64) for c in e["cells"]]):  # none is of this recording
            spoilt = copy.deepcopy(evaluation)
            change(spoilt)
            self.assertTrue(evaluator.compare(folder, spoilt).differences)

    def test_groups_that_share_deadlines(self):
        self.agree(*self.evaluated("groups", groups=True, seed=2), shared=True)

    def test_inputs_of_many_sizes_with_f1(self):
        folder, evaluation = self.evaluated("sizes", sizes=True, seed=3, random_weights=())
        self.agree(folder, evaluation)
        self.assertTrue(all(s["results"]["oracle"]["measured_error"] is not None for c in evaluation["cells"] for s in c["settings"]))

    def test_groups_of_sizes_without_a_co_runner(self):
        self.agree(*self.evaluated("both", groups=True, sizes=True, slowdown=1, seed=4), shared=True)


if __name__ == "__main__":
    unittest.main()
