"""Tests of scripts/artifact.py: its pages are what their templates and the results give, and the figures come from them.

    /usr/bin/python3 -m unittest discover -s tests/python -p 'test_artifact.py'
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
SCRIPT = os.path.join(ROOT, "scripts", "artifact.py")
REFERENCE = os.path.join(ROOT, "results", "reference")
QUOTED = ("evaluation", "claims", "calibration", "statistics", "sensitivity", "turnover", "price", "live", "debian", "recordings", "times.json")
# What a template may say in figures of its own: what ALERT's authors said, and what scripts and scenarios set.
OWN = {"2020", "99.9", "98.5", "95", "99", "10", "1", "36", "0.001", "0.10", "1.3", "1.8", "0.1", "0.3", "0.03", "0.9", "2", "90", "50,000"}

try:
    import jinja2  # noqa: F401
except ImportError as e:
    raise unittest.SkipTest(f"needs python3-jinja2 ({e}); run with /usr/bin/python3") from None


def call(*arguments):
    return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True)


class Artifact(unittest.TestCase):
    def test_is_what_template_and_results_give(self):
        done = call("--check")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_template_has_no_figures_of_its_own(self):
        with open(os.path.join(ROOT, "scripts", "artifact.md.jinja"), encoding="utf-8") as f:
            text = f.read()
        for not_prose in (r"\{#.*?#\}", r"\{%.*?%\}", r"\{\{.*?\}\}", r"`[^`]*`", r"\]\([^)]*\)"):
            text = re.sub(not_prose, "", text, flags=re.S)
        self.assertEqual(set(re.findall(r"(?<![\w.-])\d+(?:[.,]\d+)*", text)) - OWN, set())

    def test_readme_says_what_the_results_say(self):
        with open(f"{REFERENCE}/evaluation/evaluation.json", encoding="utf-8") as f:
            settings = sum(len(cell["settings"]) for cell in json.load(f)["cells"])
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
            text = " ".join(f.read().split())
        self.assertIn(f"evaluates {settings:,} settings", text)
        with open(f"{REFERENCE}/price/price.json", encoding="utf-8") as f:
            rows = [r for r in json.load(f)["comparison"] if r["recordings"] == "show"]
        violated, feasible, tuned = (sum(r[key] for r in rows if r["scheduler"] == scheduler) for scheduler, key in (
            ("price", "violated_settings"), ("price", "feasible_settings"), ("alert, tuned", "violated_settings")))
        self.assertIn(f"it violates {violated} of {feasible:,} settings (ALERT with tuned constants {tuned})", text)

    def test_another_result_is_noticed(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in QUOTED:
                if os.path.isdir(f"{REFERENCE}/{name}"):
                    shutil.copytree(f"{REFERENCE}/{name}", f"{folder}/{name}")
                elif os.path.exists(f"{REFERENCE}/{name}"):
                    shutil.copy(f"{REFERENCE}/{name}", folder)
            self.assertEqual(call("--results", folder, "--check").returncode, 0)
            with open(f"{folder}/times.json", encoding="utf-8") as f:
                times = json.load(f)
            times.pop("beside", None)  # as scripts/reproduce.sh writes it
            with open(f"{folder}/times.json", "w", encoding="utf-8") as f:
                json.dump(times, f)
            self.assertEqual(call("--results", folder, "--out", folder).returncode, 0)
            os.remove(f"{folder}/ARTIFACT.md")
            with open(f"{folder}/claims/claims.json", encoding="utf-8") as f:
                claims = json.load(f)
            claims["claims"][0]["found"]["value"] -= 1
            with open(f"{folder}/claims/claims.json", "w", encoding="utf-8") as f:
                json.dump(claims, f)
            done = call("--results", folder, "--check")
            self.assertEqual(done.returncode, 1)
            self.assertIn("run scripts/artifact.py", done.stderr)
            claims["claims"][0]["found"]["value"] = float("nan")
            with open(f"{folder}/claims/claims.json", "w", encoding="utf-8") as f:
                json.dump(claims, f)
            done = call("--results", folder, "--out", folder)
            self.assertEqual(done.returncode, 2)
            self.assertIn("NaN", done.stderr)
            shutil.copy(f"{REFERENCE}/claims/claims.json", f"{folder}/claims/claims.json")
            with open(f"{folder}/live/live.json", encoding="utf-8") as f:
                live = json.load(f)
            del live["workloads"][0]["pairs"][0]["energy_ratio"]
            with open(f"{folder}/live/live.json", "w", encoding="utf-8") as f:
                json.dump(live, f)
            done = call("--results", folder, "--out", folder)
            self.assertEqual(done.returncode, 2)
            self.assertIn("artifact.md.jinja", done.stderr)
            self.assertNotIn("Traceback", done.stderr)
            os.remove(f"{folder}/price/price.json")
            done = call("--results", folder, "--out", folder)
            self.assertEqual(done.returncode, 2)
            self.assertIn("price.json", done.stderr)
            self.assertFalse(os.path.exists(f"{folder}/ARTIFACT.md"))


if __name__ == "__main__":
    unittest.main()
