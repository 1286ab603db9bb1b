"""Tests of scenarios/scenario.schema.json: it takes what alert-bench takes, and refuses what alert-bench refuses, but for names of
workloads, schedulers and co-runners, which only the program knows."""

import copy
import glob
import json
import os
import unittest

try:
    import jsonschema
except ImportError as e:
    raise unittest.SkipTest(f"needs python3-jsonschema ({e})") from None

SCENARIOS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scenarios")


def read(name):
    with open(os.path.join(SCENARIOS, name), encoding="utf-8") as f:
        return json.load(f)


class ScenarioSchema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        schema = read("scenario.schema.json")
        jsonschema.Draft202012Validator.check_schema(schema)
        cls.validator = jsonschema.Draft202012Validator(schema)

    def test_shipped_scenarios_are_valid(self):
        names = [os.path.basename(p) for p in glob.glob(os.path.join(SCENARIOS, "*.json")) if not p.endswith(".schema.json")]
        self.assertGreaterEqual(len(names), 7)
        for name in names:
            with self.subTest(name):
                self.assertEqual([e.message for e in self.validator.iter_errors(read(name))], [])

    def test_what_alert_bench_refuses_is_refused(self):
        good = read("quickstart.json")
        goal = good["goals"][0]
        spoiled = {
            "unknown key": {"inptus": 3},
            "missing networks": {"networks": None},
            "no goals": {"goals": []},
            "zero inputs": {"inputs": 0},
            "no workload": {"workload": {"name": ""}},
            "unknown cap backend": {"power": {"backend": "rapl?"}},
            "two deadlines": {"goals": [{**goal, "deadline_s": 0.1}]},
            "no deadline": {"goals": [{k: v for k, v in goal.items() if k != "deadline_x"}]},
            "min_energy with a budget": {"goals": [{**goal, "energy_j": 1}]},
            "min_error with an accuracy": {"goals": [{**goal, "task": "min_error", "power_limit_w": 50}]},
            "two budgets": {"goals": [{**good["goals"][1], "energy_j": 1}]},
            "no such arrivals": {"arrivals": "random"},
            "no period": {"arrivals": {"kind": "poisson"}},
            "two periods": {"arrivals": {"kind": "poisson", "mean_period_s": 1, "mean_period_x": 1}},
            "arrivals from nowhere": {"arrivals": {"kind": "file", "speed": 2}},
            "no time passes": {"arrivals": {"kind": "list", "times_s": [0, 1], "speed": 0}},
            "no such schedule": {"co_runner": {"kind": "compute", "schedule": {"kind": "seconds"}}},
            "no time": {"co_runner": {"kind": "compute", "schedule": {"kind": "time", "on_s": 0, "off_s": 1}}},
            "wrong slow-down": {"co_runner": {"kind": "compute", "slowdown": 0.5}},
            "three workers": {"co_runner": {"kind": "compute", "workers": 3}},
            "workers of a command": {"co_runner": {"kind": "command", "command": ["true"], "workers": 1}},
            "a dose for stress-ng": {"co_runner": {"kind": "stress-ng-compute", "slowdown": 1.3}},
            "a duty that it cannot keep": {"co_runner": {"kind": "stress-ng-matrix", "duty": 0.5}},
            "bursts of stress-ng": {"co_runner": {"kind": "stress-ng-compute", "period_s": 0.001}},
            "bursts that are too short": {"co_runner": {"kind": "compute", "period_s": 1e-5}},
            "real-time priority of a command": {"co_runner": {"kind": "command", "command": ["true"], "priority": "real-time"}},
            "real-time priority on a GPU": {"co_runner": {"kind": "gpu-compute", "priority": "normal"}, "placement": {"device": "cuda"}},
            "real-time priority for good": {"co_runner": {"kind": "compute", "priority": "real-time", "duty": 1}},
            "no such pace": {"record": {"pace": "fast"}},
            "a GPU co-runner beside the processor": {"co_runner": {"kind": "gpu-compute"}},
            "unknown setting of price": {"scheduler_settings": {"price": {"gian": 0.1}}},
            "five regimes": {"scheduler_settings": {"price": {"slowdown": {"regimes": 5}}}},
        }
        for what, change in spoiled.items():
            with self.subTest(what):
                self.assertFalse(self.validator.is_valid({**copy.deepcopy(good), **change}))

    def test_arrivals_of_every_sort_are_valid(self):
        for arrivals in ("closed", "open", {"kind": "open"}, {"kind": "poisson", "mean_period_s": 0.1}, {"kind": "poisson", "mean_period_x": 2},
                         {"kind": "file", "path": "times.txt", "column": 1, "speed": 2.5}, {"kind": "list", "times_s": [0, 0.5, 0.5]}):
            with self.subTest(arrivals):
                scenario = {**read("quickstart.json"), "arrivals": arrivals, "seeds": {"arrivals": 7}}
                self.assertEqual([e.message for e in self.validator.iter_errors(scenario)], [])

    def test_co_runners_of_every_sort_are_valid(self):
        for co_runner in ({"kind": "matrix", "workers": 2, "slowdown": 2.5}, {"kind": "compute", "period_s": 0.0003, "priority": "real-time", "duty": 0.9},
                          {"kind": "gpu-compute", "period_s": 0.01}, {"kind": "stress-ng-compute", "duty": 0.5, "workers": 1},
                          {"kind": "stress-ng-memory", "slowdown": None}, {"kind": "gpu-memory", "slowdown": 1.5}):
            with self.subTest(co_runner["kind"]):
                scenario = {**read("quickstart.json"), "co_runner": co_runner, "placement": {"device": "cuda"}}
                self.assertEqual([e.message for e in self.validator.iter_errors(scenario)], [])


if __name__ == "__main__":
    unittest.main()
