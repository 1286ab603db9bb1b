#!/usr/bin/python3
"""What `cmake --install` puts somewhere works from there, wherever it is moved to, and for users who see no source folder."""
import argparse
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD = None


def call(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, **options)


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="alert-bench-install-")
        first, cls.prefix = os.path.join(cls.folder, "first"), os.path.join(cls.folder, "moved here")
        installed = call("cmake", "--install", BUILD, "--prefix", first)
        if installed.returncode:
            raise RuntimeError(installed.stderr)
        os.rename(first, cls.prefix)
        cls.program = os.path.join(cls.prefix, "bin/alert-bench")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def run_it(self, *arguments):
        return call(self.program, *arguments, cwd=self.folder)

    def test_libraries_are_those_of_the_installation(self):
        for path in glob.glob(os.path.join(self.prefix, "lib/alert-bench/*")):
            said = call("ldd", path).stdout
            self.assertNotIn("not found", said)
            self.assertNotIn(BUILD, said)

    def test_shipped_scenarios_are_found_by_name(self):
        planned = self.run_it("run", "compute-2", "--dry-run")
        self.assertEqual(planned.returncode, 0, planned.stderr)
        self.assertIn(os.path.join(self.prefix, "share/alert-bench/networks"), planned.stdout)
        listed = self.run_it("list", "scenarios")
        self.assertIn("quickstart.json", listed.stdout)
        wrong = self.run_it("run", "quickstrat", "--dry-run")
        self.assertEqual(wrong.returncode, 2)
        self.assertIn('did you mean "quickstart"?', wrong.stderr)

    def test_what_is_shipped_is_valid(self):
        for kind in ("scenarios", "networks", "profiles"):
            valid = self.run_it("validate", *glob.glob(os.path.join(self.prefix, "share/alert-bench", kind, "*.json")))
            self.assertEqual(valid.returncode, 0, valid.stderr)

    def test_a_run_finds_its_other_programs(self):
        if not os.path.exists(os.path.join(self.prefix, "lib/alert-bench/alert-torch.so")):
            self.skipTest("built without LibTorch")
        out = os.path.join(self.folder, "smoke")
        run = self.run_it("run", "smoke", "--inputs", "6", "--schedulers", "alert", "--set", "profile_repetitions=2", "--quiet", "--out", out)
        self.assertIn(run.returncode, (0, 4), run.stderr)  # 4: the machine was too busy for a valid result
        self.assertTrue(os.path.exists(os.path.join(out, "summary.json")))

    def test_scripts_find_what_they_read(self):
        try:
            import numpy  # noqa: F401
        except ImportError:
            self.skipTest("needs python3-numpy")
        recording = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../results/reference/recordings/fashion-mnist-default-seed1")
        out = os.path.join(self.folder, "replayed")
        self.assertEqual(call(self.program, "replay", recording, "--schedulers", "alert", "--out", out, "--quiet").returncode, 0)
        table = call(sys.executable, os.path.join(self.prefix, "share/alert-bench/scripts/to_table.py"), out)
        self.assertEqual((table.returncode, table.stderr), (0, ""))
        self.assertIn("latency_s", table.stdout.splitlines()[0].split(","))

    def test_a_scheduler_is_built_from_the_installed_header(self):
        library = os.path.join(self.folder, "fastest.so")
        example = os.path.join(self.prefix, "share/alert-bench/examples/scheduler/fastest.c")
        built = call("cc", "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden", "-I",
                     os.path.join(self.prefix, "include"), example, "-o", library)
        self.assertEqual(built.returncode, 0, built.stderr)
        self.assertEqual(call("nm", "-D", "--defined-only", library).stdout.split()[1:], ["T", "alert_bench_scheduler"])
        recording = os.path.join(os.path.dirname(BUILD), "results/reference/recordings/fashion-mnist-default-seed1")
        if os.path.exists(recording):
            replayed = self.run_it("replay", recording, "--scheduler", "lib:fastest.so", "--allow-commands")
            self.assertEqual(replayed.returncode, 0, replayed.stderr)
            self.assertIn("lib-fastest", replayed.stdout)

    def test_manual_page_names_every_command(self):
        with open(os.path.join(self.prefix, "share/man/man1/alert-bench.1"), encoding="utf-8") as f:
            page = f.read()
        for command in ("RUN", "REPLAY", "SWEEP", "RESTORE"):
            self.assertIn(f".SH {command}\n", page)
        if shutil.which("man"):
            self.assertEqual(call("man", "--warnings", "-l", "-E", "UTF-8", "/dev/stdin", input=page).stderr, "")

    def test_completion_knows_commands_options_and_scenarios(self):
        completion = os.path.join(self.prefix, "share/bash-completion/completions/alert-bench")
        script = '. "$1"; COMP_WORDS=(alert-bench "${@:2}"); COMP_CWORD=$(($# - 1)); _alert_bench; printf "%s\\n" "${COMPREPLY[@]}"'
        environment = {**os.environ, "PATH": os.path.dirname(self.program) + ":" + os.environ["PATH"]}

        def complete(*words):
            return call("bash", "-c", script, "-", completion, *words, env=environment, cwd=self.folder).stdout.split()
        self.assertEqual(sorted(complete("rep")), ["replay", "report"])
        self.assertEqual(complete("run", "--dry"), ["--dry-run"])
        self.assertEqual(complete("run", "quick"), ["quickstart"])
        self.assertEqual(complete("list", "work"), ["workloads"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    options, rest = parser.parse_known_args()
    BUILD = os.path.abspath(options.build)
    unittest.main(argv=[sys.argv[0], *rest])
