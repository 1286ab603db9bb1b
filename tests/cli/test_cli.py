#!/usr/bin/python3
"""alert-bench as a user calls it: exit codes, messages, files, and what is left behind."""
import argparse
import base64
import csv
import fcntl
import glob
import hashlib
import html.parser
import io
import json
import math
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import unittest.mock

import jsonschema
import tiny_recording

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = ""


def call(*arguments, **options):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=600, cwd=ROOT, **options)


def schedulers():
    """All that the program knows, by name."""
    return [line.split()[0] for line in call("list", "schedulers").stdout.splitlines()]


def generators():
    return subprocess.run(["pgrep", "-f", os.path.dirname(PROGRAM) + "/alert-co-runner"], capture_output=True,
                          text=True).stdout.split()


def smoke(**changes):
    with open(os.path.join(ROOT, "scenarios/smoke.json")) as f:
        scenario = json.load(f)
    scenario["networks"] = os.path.join(ROOT, "networks/fashion-mnist.json")
    scenario.update(changes)
    return scenario


class FakeMachine:
    """A powercap tree with one package, whose counter moves while used as a context: 60 W, or the cap where that is lower."""

    ZONE = "sys/class/powercap/intel-rapl:0/"

    def __init__(self, root):
        self.root, self.energy_j, self.ending = root, 1.0, threading.Event()
        os.makedirs(os.path.join(root, self.ZONE))
        os.makedirs(os.path.join(root, "proc"))
        self.put("name", "package-0")
        self.put("enabled", "1")
        self.put("energy_uj", "1000000")
        self.put("max_energy_range_uj", "60000000")  # 60 J: wraps every second
        for n, name in enumerate(("long_term", "short_term")):
            self.put(f"constraint_{n}_name", name)
            self.put(f"constraint_{n}_power_limit_uw", str(125000000 + n))
            self.put(f"constraint_{n}_max_power_uw", "125000000")
        self.found = self.caps()

    def path(self, name):
        return os.path.join(self.root, self.ZONE, name)

    def put(self, name, text):
        with open(self.path(name) + ".new", "w") as f:
            f.write(text + "\n")
        os.replace(self.path(name) + ".new", self.path(name))

    def get(self, name):
        with open(self.path(name)) as f:
            return f.read().strip()

    def caps(self):
        return [self.get(f"constraint_{n}_power_limit_uw") for n in (0, 1)]

    def state_file(self):
        return os.path.join(self.root, "run/alert-bench/power-caps.json")

    def leave_caps_behind(self):
        folder = os.path.dirname(self.ZONE)
        os.makedirs(os.path.dirname(self.state_file()), exist_ok=True)
        values = [{"file": f"/{folder}/constraint_{n}_power_limit_uw", "value": int(self.found[n])} for n in (0, 1)]
        with open(self.state_file(), "w") as f:
            json.dump({"schema_version": "1.0", "pid": 1234, "command": "alert-bench run x", "since": "2020-07-15T12:00:00Z",
                       "root": self.root, "values": values}, f)
        for n in (0, 1):
            self.put(f"constraint_{n}_power_limit_uw", "35000000")

    def tick(self):
        last = time.monotonic()
        while not self.ending.wait(0.002):
            now = time.monotonic()
            try:
                cap = self.get("constraint_0_power_limit_uw")  # empty for a moment while it is written
            except OSError:  # a test took it away
                cap = ""
            self.energy_j += min(60, int(cap or 125000000) * 1e-6) * min(0.02, now - last)
            last = now
            self.put("energy_uj", str(int(self.energy_j * 1e6) % 60000000))

    def __enter__(self):
        self.thread = threading.Thread(target=self.tick)
        self.thread.start()
        return self

    def __exit__(self, *unused):
        self.ending.set()
        self.thread.join()


class FakeGpu:
    """An NVIDIA GPU for tests/stand_ins/fake_nvml.cpp, and the machine that it is in: 300 W, or the limit where that is lower."""

    UUID = "GPU-00000000-1111-2222-3333-444444444444"

    def __init__(self, folder):
        self.folder, self.root = os.path.join(folder, "nvml/gpu0"), os.path.join(folder, "machine")
        self.library = os.path.join(os.path.dirname(PROGRAM), "fake-nvml.so")
        self.environment = {**os.environ, "ALERT_FAKE_NVML": os.path.join(folder, "nvml")}
        os.makedirs(self.folder)
        os.makedirs(os.path.join(self.root, "dev"))
        open(os.path.join(self.root, "dev/nvidiactl"), "w").close()
        for name, value in {"name": "Fake A100", "uuid": self.UUID, "limit_mw": 380000, "low_mw": 100000, "high_mw": 400000,
                            "default_mw": 400000, "power_mw": 300000, "energy_mj": 1000, "energy_at_ns": time.monotonic_ns(),
                            "refresh_ms": 2, "clock_mhz": 1410, "clocks_mhz": "210 600 1410"}.items():
            self.put(name, value)
        self.options = ("--set", "power.backend=nvml", "--set", "power.root=" + self.root, "--set",
                        "power.nvml_library=" + self.library, "--set", "power.caps_w=[150,250,400]")

    def put(self, name, value):
        with open(os.path.join(self.folder, name), "w") as f:
            f.write(f"{value}\n")

    def get(self, name):
        with open(os.path.join(self.folder, name)) as f:
            return f.read().strip()

    def fails(self, function, code):
        os.makedirs(os.path.join(self.folder, "errors"), exist_ok=True)
        self.put("errors/" + function, code)

    def state_file(self):
        return os.path.join(self.root, "run/alert-bench/power-caps.json")


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="alert-bench-cli-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        with open(self.path(name), "w") as f:
            f.write(content if isinstance(content, str) else json.dumps(content))
        return self.path(name)

    def refused(self, result, code, *parts):
        self.assertEqual(result.returncode, code, result.stderr + result.stdout)
        for part in parts:
            self.assertIn(part, result.stderr)


class WithoutNetworks(Folder):
    def test_help_teaches(self):
        result = call("--help")
        self.assertEqual(result.returncode, 0)
        commands = ("run", "record", "replay", "sweep", "merge", "profile", "report", "compare", "validate", "list", "doctor", "restore")
        for word in (*commands, "Exit codes", "quickstart"):
            self.assertIn(word, result.stdout)
        for command in commands:
            self.assertEqual(call(command, "--help").returncode, 0, command)

    def test_does_not_link_libtorch(self):
        for program in (PROGRAM, os.path.join(os.path.dirname(PROGRAM), "alert-co-runner")):
            linked = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
            self.assertIn("alert-core", linked)
            self.assertNotIn("torch", linked)

    def test_usage_errors(self):
        self.assertEqual(call().returncode, 2)
        self.assertEqual(call("rum").returncode, 2)
        self.assertEqual(call("run").returncode, 2)
        self.assertEqual(call("list", "nonsense").returncode, 2)

    def test_list(self):
        names = call("list", "schedulers").stdout
        for name in ("alert", "alert-trad", "alert-any", "alert-mean", "sys-only", "app-only", "no-coord", "poet", "copper",
                     "caloree", "e4-order", "zeus-static", "oracle", "oracle-mean", "oracle-static", "oracle-causal"):
            self.assertRegex(names, f"(?m)^{name} ")
        self.assertRegex(names, "(?m)^sys-only +one-level +deadline  +the fastest")
        self.assertIn("nested-w64", call("list", "models").stdout)
        self.assertIn("quickstart", call("list", "scenarios").stdout)
        for name in ("fashion-mnist", "imagenet", "ptb", "squad"):
            self.assertIn(name, call("list", "workloads").stdout)

    def test_co_runners(self):
        listed = call("list", "co-runners").stdout
        for name in ("compute", "matrix", "memory", "gpu-compute", "gpu-memory", "stress-ng-compute", "command"):
            self.assertRegex(listed, f"(?m)^{name} ")
        missing = dict(os.environ, PATH=self.path("."))
        self.assertEqual(call("list", "co-runners", env=missing).stdout.count("apt-get install stress-ng"), 3)
        self.assertIn("apt-get install stress-ng", json.loads(call("doctor", "--json", env=missing).stdout)["stress_ng"])
        self.assertRegex(json.loads(call("doctor", "--json").stdout)["real_time_priority"], "^(allowed$|refused )")
        self.refused(call("run", "scenarios/smoke.json", "--set", "co_runner.kind=gpu-compute", "--out", self.path("r")), 2, "gpu-compute",
                     "--device cuda")
        self.refused(call("run", "scenarios/smoke.json", "--set", "co_runner.kind=stress-ng-compute", "--set", "co_runner.slowdown=null", "--out",
                          self.path("r"), env=missing), 3, "stress-ng is not on PATH", "apt-get install stress-ng")
        self.refused(call("validate", self.write("s.json", smoke(co_runner={"kind": "stress-ng-matrix", "duty": 0.3}))), 2, "co_runner: duty")

    def test_validate_shipped_files(self):
        files = [f for f in glob.glob(os.path.join(ROOT, "scenarios/*.json")) if not f.endswith(".schema.json")]
        result = call("validate", *files, *glob.glob(os.path.join(ROOT, "networks/*.json")))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout.count(": valid:"), len(files) + len(glob.glob(os.path.join(ROOT, "networks/*.json"))))

    def test_mistakes_in_a_scenario_are_named(self):
        path = self.write("s.json", smoke(inputz=3))
        self.refused(call("run", path), 2, path, "inputz", 'did you mean "inputs"')
        path = self.write("s.json", smoke(inputs="many"))
        self.refused(call("validate", path), 2, path, "inputs", "many")
        path = self.write("s.json", '{"name": NaN}')
        self.refused(call("run", path), 2, path, "line 1")
        self.refused(call("run", self.path("absent.json")), 2, "absent.json")
        path = self.write("s.json", smoke(schedulers=["alrt"]))
        self.refused(call("run", path), 2, "alrt", "alert")
        self.refused(call("run", "scenarios/smoke.json", "--set", "goals.7.accuracy=1"), 2, "goals.7.accuracy")
        path = self.write("s.json", smoke(networks="absent.json"))
        self.refused(call("run", path), 2, "absent.json")
        self.refused(call("run", "scenarios/smoke.json", "--set", "candidates=[\"resnet-w17\"]"), 2, "resnet-w17", "resnet-w16")

    def test_files_of_strangers_are_refused_one_by_one(self):
        deep = self.write("deep.jsonl", "[" * 1000000 + "]" * 1000000 + "\n")
        nested = self.write("nested.json", '{"kind": ' * 5000 + "1" + "}" * 5000)
        many = self.write("many.json", '{"kind": "x", "a": [' + ",".join(["{}"] * 200000) + "]}")
        twice = self.write("twice.json", json.dumps(smoke())[:-1] + ', "inputs": 2000}')
        typed = self.write("typed.json", {"schema_version": "1.0", "workload": "imagenet", "networks": [7]})
        os.mkfifo(self.path("pipe.json"))
        with open(os.path.join(ROOT, "networks/fashion-mnist.json")) as f:
            networks = json.load(f)
        huge = dict(networks["networks"][0], name="huge", random_seed=1)
        del huge["weights"]
        huge["config"] = dict(huge["config"], stem_width=4096, groups=[{"blocks": 200, "width": 4096, "stride": 1}])
        networks["networks"] = [huge]
        result = call("validate", deep, nested, many, twice, typed, self.path("pipe.json"), self.write("huge.json", networks),
                      "scenarios/smoke.json")
        self.assertEqual(result.returncode, 2, result.stderr)
        for said in ("deep.jsonl: line 1: nested too deeply", "nested.json: line 1: nested too deeply", "many.json: not a scenario",
                     'twice.json: line 1: duplicate key "inputs"', "typed.json: networks[0]: expected an object", "pipe.json: is a pipe",
                     'huge.json: network "huge": ', "parameters: it needs "):
            self.assertIn(said, result.stderr)
        self.assertEqual(len(result.stderr.splitlines()), 7, result.stderr)
        self.assertIn("scenarios/smoke.json: valid", result.stdout)
        marked = self.path("marked.json")
        with open(marked, "wb") as f:
            f.write(b"\xef\xbb\xbf" + json.dumps(smoke()).encode())
        self.assertEqual(call("validate", marked).returncode, 0)

    def test_limits_are_named_not_the_build(self):
        if os.geteuid() != 0:
            self.skipTest("the limit of processes does not hold for root alone; needs root to become another user")
        program = pathlib.Path(PROGRAM).resolve()
        if not all(folder.stat().st_mode & 0o001 for folder in program.parents):
            self.skipTest(f"other users cannot enter the folder of {program}")
        os.chmod(self.folder, 0o777)

        def nobody():
            resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
            os.setgroups([])
            os.setuid(65534)

        result = call("run", "scenarios/smoke.json", "--out", self.path("r"), "--quiet", preexec_fn=nobody)
        self.refused(result, 3, "ulimit -u")
        self.assertNotIn("ALERT_CO_RUNNER", result.stderr)

    def test_dry_run_shows_the_effective_scenario(self):
        result = call("run", "scenarios/smoke.json", "--dry-run", "--inputs", "10", "--seed", "9")
        self.assertEqual(result.returncode, 0, result.stderr)
        scenario = json.loads(result.stdout)
        self.assertEqual(scenario["inputs"], 10)
        self.assertEqual(scenario["seeds"]["inputs"], 9)
        self.assertIn("preset", json.dumps(scenario["scheduler_settings"]["alert"]))
        with open(os.path.join(ROOT, "scenarios/scenario.schema.json")) as f:
            jsonschema.validate(scenario, json.load(f))
        self.assertEqual(scenario["record"], {"pace": "live"})
        self.assertIn("100 executions (and 20 that do not count) at the pace of live runs, at least one deadline each; 10 inputs",
                      result.stderr)
        self.assertIn("(and 6 that do not count) at the pace of live runs, at least one deadline each, 2 s, alone",
                      call("run", "scenarios/smoke.json", "--dry-run", "--set", "goals.0.deadline_x=null", "--set",
                           "goals.0.deadline_s=0.05").stderr)
        none = call("run", "scenarios/smoke.json", "--dry-run", "--set", "record.pace=none")
        self.assertIn("180 executions; 18 inputs", none.stderr)
        self.assertEqual(json.loads(none.stdout)["record"], {"pace": "none"})
        self.refused(call("run", "scenarios/smoke.json", "--dry-run", "--set", "record.pace=fast"), 2, "record: pace", "fast", "live, none")

    def test_arrivals_are_checked_before_anything_runs(self):
        poisson = 'arrivals={"kind": "poisson", "mean_period_x": 1.5}'
        result = call("run", "scenarios/smoke.json", "--dry-run", "--seed", "9", "--set", poisson)
        self.assertEqual(result.returncode, 0, result.stderr)
        scenario = json.loads(result.stdout)
        self.assertEqual((scenario["arrivals"], scenario["seeds"]["arrivals"]), ({"kind": "poisson", "mean_period_x": 1.5}, 13))
        self.assertIn("as they arrive", result.stderr)
        path = self.write("times.txt", "0\n0.5\n0.25\n")
        file = ("--set", "arrivals=" + json.dumps({"kind": "file", "path": path}))
        for content, parts in (("0\n0.5\n0.25\n", (path + ":3", "0.25 s is earlier", "sort")), ("0\nnan\n", (path + ":2", '"nan"')),
                               ("", (path, "contains no time")), ("0\n1\n", (path, "2 arrival times for 18 inputs", "--inputs 2"))):
            self.write("times.txt", content)
            self.refused(call("run", "scenarios/smoke.json", "--out", self.path("r"), *file), 2, *parts)
            self.assertFalse(os.path.exists(self.path("r")))
        self.write("times.txt", "".join(f"{n / 8}\n" for n in range(18)))
        result = call("run", "scenarios/smoke.json", "--dry-run", *file)
        with open(os.path.join(ROOT, "scenarios/scenario.schema.json")) as f:
            jsonschema.validate(json.loads(result.stdout), json.load(f))
        with open(path, "rb") as f:
            self.assertEqual(json.loads(result.stdout)["arrivals"], {"kind": "list", "times_s": [n / 8 for n in range(18)], "speed": 1,
                                                                     "read_from": path, "sha256": hashlib.sha256(f.read()).hexdigest()})

    def test_arrivals_of_a_replay(self):
        recording = "results/reference/recordings/fashion-mnist-compute-2-seed1"

        def traces(out, *options):
            result = call("replay", recording, "--out", self.path(out), "--schedulers", "alert,oracle-static", "--quiet", *options)
            self.assertEqual(result.returncode, 0, result.stderr)
            found = {}
            for path in glob.glob(self.path(out) + "/traces/*.jsonl"):
                with open(path) as f:
                    found[os.path.basename(path)] = [r for r in map(json.loads, f) if r["record"] == "input"]
            return found

        poisson = ("--set", 'arrivals={"kind": "poisson", "mean_period_x": 0.9}')
        first = traces("a", *poisson)
        self.assertEqual(first, traces("b", *poisson))
        self.assertNotEqual(first, traces("c", *poisson, "--set", "seeds.arrivals=6"))
        with open(self.path("c/manifest.json")) as f:
            manifest = json.load(f)
        self.assertEqual((manifest["seeds"]["arrivals"], manifest["scenario"]["arrivals"]), (6, {"kind": "poisson", "mean_period_x": 0.9}))
        arrived = {tuple(r["arrival_s"] for r in rows) for rows in first.values()}
        self.assertEqual(len(arrived), 1)  # whoever decides, and whatever the goals are
        for rows in first.values():
            self.assertGreater(sum(r["wait_s"] > 0 for r in rows), 10)
            end_s = 0
            for r, after in zip(rows, rows[1:]):
                start_s = max(end_s, r["arrival_s"])
                self.assertAlmostEqual(r["wait_s"], start_s - r["arrival_s"])
                end_s = start_s + r["busy_s"]
                idle_s = max(0, after["arrival_s"] - end_s)
                self.assertAlmostEqual(r["energy_j"], r["active_power_w"] * r["busy_s"] + r["idle_power_w"] * idle_s)
        self.refused(call("replay", "results/reference/recordings/ptb-default-seed1", *poisson), 2, "ptb-default-seed1", "share deadlines", "arrivals=open")

    def test_a_grid_and_a_sweep_take_the_arrivals_of_the_recording(self):
        recording = shutil.copytree(os.path.join(ROOT, "results/reference/recordings/fashion-mnist-compute-2-seed1"), self.path("recording"))
        with open(recording + "/recording.json") as f:
            facts = json.load(f)
        facts["info"]["scenario"].update(arrivals={"kind": "poisson", "mean_period_x": 1.1})
        facts["info"]["scenario"]["seeds"]["arrivals"] = 3
        with open(recording + "/recording.json", "w") as f:
            json.dump(facts, f)
        grid = call("replay", recording, "--grid", "--deadlines", "2", "--levels", "2", "--json", "--quiet")
        self.assertEqual(grid.returncode, 0, grid.stderr)
        sweep = self.write("sweep.json", {"schema_version": "1.0", "kind": "sweep", "name": "s", "recordings": ["recording"],
                                          "grid": {"deadlines": 2, "levels": 2}})
        self.assertEqual(call("sweep", sweep, "--out", self.path("s"), "--quiet").returncode, 0)
        with open(self.path("s/evaluation.json")) as f:
            swept = json.load(f)
        cells = json.loads(grid.stdout)["cells"]
        self.assertEqual([c["settings"] for c in cells], [c["settings"] for c in swept["cells"]])
        plain = json.loads(call("replay", recording, "--grid", "--deadlines", "2", "--levels", "2", "--json", "--quiet", "--set",
                                "arrivals=closed").stdout)["cells"]
        self.assertNotEqual([c["settings"] for c in cells], [c["settings"] for c in plain])
        bounds = 0
        for cell in cells:
            objective = "mean_energy_j" if cell["task"] == "min_energy" else "mean_error"
            for setting in cell["settings"]:
                bound = setting["results"]["oracle-mean"]["bound"]
                bounds += bound is not None
                for result in setting["results"].values():
                    if bound and not result["violated"]:
                        self.assertGreaterEqual(result[objective], bound["objective"] - 1e-9)
        self.assertGreater(bounds, 0)

    def test_power_backends(self):
        names = call("list", "powers").stdout
        for name in ("emulated", "rapl", "cpufreq", "nvml", "none", "auto"):
            self.assertIn(name, names)
        self.refused(call("run", "scenarios/smoke.json", "--dry-run", "--set", "power.backend=rapel"), 2, "power: backend", "rapl")
        self.refused(call("run", "scenarios/smoke.json", "--dry-run", "--set", "power.backend=none"), 2, "caps_w", "5 caps")
        one = call("run", "scenarios/smoke.json", "--dry-run", "--set", "power.backend=none", "--set", "power.caps_w=null")
        self.assertEqual(json.loads(one.stdout)["power"]["caps_w"], [100.0])

    def test_doctor_knows_the_power_zones(self):
        machine = FakeMachine(self.path("m"))
        power = json.loads(call("doctor", "--json", "--root", machine.root).stdout)["power"]
        self.assertEqual(power["backend_by_auto"], "emulated")
        self.assertTrue(power["caps_can_be_set"])
        self.assertIn("stands still", power["no_energy_because"][0])
        with machine:
            power = json.loads(call("doctor", "--json", "--root", machine.root).stdout)["power"]
            self.assertIn("package-0, energy readable, long_term 125 W", call("doctor", "--root", machine.root).stdout)
        self.assertEqual(power["backend_by_auto"], "rapl")
        self.assertEqual(power["powercap"]["zones"][0]["name"], "package-0")
        self.assertEqual(power["counter"]["domains"][0]["range_j"], 60)
        self.assertEqual(power["remedies"], [])
        os.chmod(machine.path("constraint_1_power_limit_uw"), 0o444)
        power = json.loads(call("doctor", "--json", "--root", machine.root).stdout)["power"]
        self.assertIn("read-only", power["no_caps_because"][0])
        self.assertEqual(machine.caps(), machine.found)

    def test_gpu_of_a_scenario(self):
        for given, read in (("1", "1"), ("GPU-8f3a", "GPU-8f3a"), ("null", "")):
            shown = call("run", "scenarios/smoke.json", "--dry-run", "--set", "power.gpu=" + given, "--set", "power.backend=nvml", "--set",
                         "power.caps_w=[10,20]")  # below static_w, which is a processor's
            self.assertEqual(shown.returncode, 0, shown.stderr)
            self.assertEqual(json.loads(shown.stdout)["power"]["gpu"], read)
        self.refused(call("run", "scenarios/smoke.json", "--dry-run", "--set", "power.gpu=-1"), 2, "power: gpu", "-1")

    def test_doctor_knows_the_gpus(self):
        gpu = FakeGpu(self.folder)

        def doctor(*more):
            return call("doctor", "--root", gpu.root, *more, env=gpu.environment)
        nvml = json.loads(doctor("--json", "--nvml-library", gpu.library).stdout)["power"]["nvml"]
        self.assertEqual((nvml["backend_by_auto_on_cuda"], nvml["driver"]), ("nvml", "535.fake"))
        self.assertEqual([(g["uuid"], g["limit_w"], g["range_w"], g["energy"]) for g in nvml["gpus"]],
                         [(gpu.UUID, 380, [100, 400], "counter")])
        self.assertEqual(nvml["counter"]["domains"][0]["resolution_j"], 0.001)
        os.makedirs(os.path.join(gpu.root, "proc/self"))
        with open(os.path.join(gpu.root, "proc/self/status"), "w") as f:
            f.write("CapEff:\t0000000000000000\n")
        gpu.fails("nvmlDeviceGetTotalEnergyConsumption", 3)
        text = doctor("--nvml-library", gpu.library).stdout
        for part in ("Fake A100, " + gpu.UUID, "limit 380 W (default 400 W) of 100 to 400 W, cannot be set, energy: sampled power",
                     "CAP_SYS_ADMIN", "To cap the GPU:\nsudo -E alert-bench run", f"nvidia-smi -i {gpu.UUID} -pl WATTS", "missing_capability"):
            self.assertIn(part, text)
        nvml = json.loads(doctor("--json", "--nvml-library", "libnvidia-absent.so.1").stdout)["power"]["nvml"]
        self.assertEqual(nvml["gpus"], [])
        self.assertIn("libnvidia-absent.so.1 cannot be opened", nvml["errors"][0])
        self.assertEqual(gpu.get("limit_mw"), "380000")

    def test_restore_puts_back_a_gpu(self):
        gpu = FakeGpu(self.folder)
        os.makedirs(os.path.dirname(gpu.state_file()))
        with open(gpu.state_file(), "w") as f:
            json.dump({"schema_version": "1.0", "pid": 1234, "command": "alert-bench run x", "since": "2020-07-15T12:00:00Z", "root": gpu.root,
                       "values": [{"file": f"nvml/{gpu.UUID}/power_limit_mw", "value": 380000},
                                  {"file": f"nvml/{gpu.UUID}/locked_clocks", "value": 0}]}, f)
        gpu.put("limit_mw", 150000)
        gpu.put("lock_mhz", "210 600")
        self.refused(call("restore", "--root", gpu.root, "--nvml-library", "libnvidia-absent.so.1"), 1, "libnvidia-absent.so.1", "not restored")
        done = call("restore", "--root", gpu.root, "--nvml-library", gpu.library, env=gpu.environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"power limit of {gpu.UUID} is 380 W again\nclocks of {gpu.UUID} are not locked\n", done.stdout)
        self.assertEqual(gpu.get("limit_mw"), "380000")
        self.assertFalse(os.path.exists(os.path.join(gpu.folder, "lock_mhz")) or os.path.exists(gpu.state_file()))

    def test_restore_puts_back_what_was_left_behind(self):
        machine = FakeMachine(self.path("m"))
        nothing = call("restore", "--root", machine.root)
        self.assertEqual(nothing.returncode, 0, nothing.stderr)
        self.assertIn("Nothing to restore", nothing.stdout)
        machine.leave_caps_behind()
        self.refused(call("restore", "--state", os.path.dirname(machine.state_file())), 2, "--root " + machine.root)
        done = call("restore", "--root", machine.root)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("process 1234 (alert-bench run x)", done.stdout)
        self.assertEqual(machine.caps(), machine.found)
        self.assertFalse(os.path.exists(machine.state_file()))
        machine.leave_caps_behind()
        os.remove(machine.path("constraint_0_power_limit_uw"))
        os.mkdir(machine.path("constraint_0_power_limit_uw"))
        self.refused(call("restore", "--root", machine.root), 1, "constraint_0_power_limit_uw", "not restored")
        self.write("bad.json", "{")
        os.replace(self.path("bad.json"), machine.state_file())
        self.refused(call("restore", "--root", machine.root), 2, machine.state_file())

    def test_what_restore_writes_and_trusts(self):
        machine, victim = FakeMachine(self.path("m")), self.write("victim", "precious")
        machine.leave_caps_behind()
        os.remove(machine.path("constraint_0_power_limit_uw"))
        os.symlink(victim, machine.path("constraint_0_power_limit_uw"))
        self.refused(call("restore", "--root", machine.root), 1, "constraint_0_power_limit_uw", "is a symbolic link")
        os.remove(machine.path("constraint_0_power_limit_uw"))
        os.rename(os.path.join(machine.root, machine.ZONE), self.path("zone"))
        os.symlink(self.path("zone"), os.path.join(machine.root, machine.ZONE.rstrip("/")))
        self.refused(call("restore", "--root", machine.root), 1, "constraint_1_power_limit_uw", "leads out of")
        os.remove(os.path.join(machine.root, machine.ZONE.rstrip("/")))
        os.rename(self.path("zone"), os.path.join(machine.root, machine.ZONE))
        machine.put("constraint_0_power_limit_uw", "35000000")
        state = machine.state_file()
        for spoil, mend, part in ((lambda: os.chmod(os.path.dirname(state), 0o777), lambda: os.chmod(os.path.dirname(state), 0o755), "its folder"),
                                  (lambda: os.chmod(state, 0o666), lambda: os.chmod(state, 0o644), "can be written by others"),
                                  (lambda: os.link(state, self.path("other")), lambda: os.remove(self.path("other")), "is a link")):
            spoil()
            self.refused(call("restore", "--root", machine.root), 2, state, part, "not trusted")
            mend()
        os.rename(state, self.path("elsewhere.json"))
        os.symlink(self.path("elsewhere.json"), state)
        self.refused(call("restore", "--root", machine.root), 2, "is a link")
        os.replace(self.path("elsewhere.json"), state)
        if os.geteuid() == 0:
            os.chown(state, 65534, -1)
            self.refused(call("restore", "--root", machine.root), 2, "belongs to user 65534")
            os.chown(state, 0, -1)
        self.assertEqual(call("restore", "--root", machine.root).returncode, 0)
        self.assertEqual(machine.caps(), machine.found)
        with open(victim) as f:
            self.assertEqual(f.read(), "precious")

    def test_where_a_scenario_may_have_caps_written(self):
        for key, value in (("root", self.path("m")), ("state_folder", self.path("state"))):
            scenario = smoke(power={"backend": "rapl", "caps_w": [35], key: value})
            self.refused(call("run", self.write("s.json", scenario), "--out", self.path("r-" + key)), 2, f"power: {key}", value,
                         "--allow-commands")
            self.assertFalse(os.path.exists(self.path("r-" + key)))
        self.assertFalse(os.path.exists(self.path("state")))

    def test_output_that_cannot_be_written(self):
        commands = (("list", "schedulers"), ("list", "scenarios"), ("--version",), ("--help",), ("run", "--help"),
                    ("validate", "scenarios/smoke.json"), ("run", "scenarios/smoke.json", "--dry-run"),
                    ("report", "results/reference/quickstart"), ("report", "results/reference/quickstart", "--format", "csv"),
                    ("compare", "results/reference/quickstart", "results/reference/quickstart"),
                    ("score", "squad", "--data", self.squad(), self.write("p.json", {"q1": "Elbe"})))

        def onto(command, stdout, **options):
            return subprocess.run([PROGRAM, *command], stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60, cwd=ROOT, **options)
        for command in commands:
            with open("/dev/full", "w") as full:
                self.refused_output(onto(command, full), "No space left on device")
            reader, writer = os.pipe()
            os.close(reader)
            self.refused_output(onto(command, writer), "Broken pipe")
            os.close(writer)
            self.refused_output(onto(command, None, preexec_fn=lambda: os.close(1)), "Bad file descriptor")
        with open("/dev/full", "w") as full:  # the first reason counts
            self.assertEqual(onto(("report", self.path("absent")), full).returncode, 2)
            self.assertEqual(onto(("validate", "scenarios/smoke.json", self.path("absent")), full).returncode, 2)
            train = os.path.join(os.path.dirname(PROGRAM), "alert-train")
            if os.path.exists(train):
                self.refused_output(subprocess.run([train, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60),
                                    "No space left on device")
        # Nothing to say to: what is done is done all the same.
        self.assertEqual(subprocess.run([PROGRAM, "validate", "scenarios/smoke.json"], cwd=ROOT, stdout=subprocess.DEVNULL,
                                        preexec_fn=lambda: os.close(2)).returncode, 0)

    def refused_output(self, result, reason):
        self.assertEqual(result.returncode, 1, (result.args, result.stderr))
        self.assertIn(f"standard output cannot be written ({reason})", result.stderr)

    def recording(self):
        tiny_recording.make(self.path("recording"), "tiny", 1, 30)
        return self.path("recording")

    def test_a_file_of_somebody_else_is_neither_deleted_nor_written_over(self):
        out, recording = self.path("r"), self.recording()
        replay = ("replay", recording, "--schedulers", "alert", "--out", out, "--quiet")
        self.assertEqual(call(*replay).returncode, 0)
        self.refused(call(*replay), 2, "--overwrite")
        for name in ("notes.txt", "traces/mine.jsonl", "recording/data.bin", "figures/holiday.png", "deep/er/file"):
            os.makedirs(os.path.dirname(os.path.join(out, name)), exist_ok=True)
            self.write(os.path.join(out, name), "mine")
        os.symlink(recording, out + "/link")
        self.refused(call(*replay, "--overwrite"), 2, "notes.txt", "traces/mine.jsonl", "recording/data.bin", "figures/holiday.png",
                     "deep/er/file", "link")
        self.assertEqual(call("validate", recording, out + "/traces/alert.energy.replay.jsonl").returncode, 0)
        for name in ("notes.txt", "traces/mine.jsonl", "recording/data.bin", "figures/holiday.png", "deep/er/file", "link"):
            self.assertTrue(os.path.lexists(os.path.join(out, name)), name)
            os.remove(os.path.join(out, name))
        with open(out + "/summary.json.tmp.99", "w"):  # of a write that was cut off
            pass
        self.assertEqual(call(*replay, "--overwrite").returncode, 0)
        self.assertFalse(os.path.exists(out + "/summary.json.tmp.99"))
        # A folder that is no result, but holds what would be written.
        for name in ("summary.json", "traces/alert.energy.replay.jsonl", "recording/top1.npy"):
            other = self.path("other-" + os.path.basename(name))
            os.makedirs(os.path.dirname(os.path.join(other, name)))
            self.write(os.path.join(other, name), "mine")
            self.refused(call(*replay[:-3], "--out", other), 2, name, "did not write")
            with open(os.path.join(other, name)) as f:
                self.assertEqual(f.read(), "mine")
            self.assertFalse(os.path.exists(other + "/manifest.json"))
        os.makedirs(self.path("web"))
        self.write("web/manifest.json", {"name": "a web application"})
        self.refused(call(*replay[:-3], "--out", self.path("web"), "--overwrite"), 2, "manifest.json", "not written by alert-bench")

    def test_one_process_at_a_time_in_a_folder(self):
        out, recording = self.path("r"), self.recording()
        os.makedirs(out)
        replay = ("replay", recording, "--schedulers", "alert", "--out", out, "--quiet")
        with open(out + "/.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lock.write("process 4711 (alert-bench run x.json) on host, since then,")
            lock.flush()
            self.refused(call(*replay), 3, out, "process 4711 (alert-bench run x.json)", "--out")
            self.assertEqual(os.listdir(out), [".lock"])
        self.assertEqual(call(*replay).returncode, 0, "a lock file that nobody holds is no lock")
        self.assertFalse(os.path.exists(out + "/.lock"))
        victim = self.write("victim", "precious")
        os.symlink(victim, out + "/.lock")
        self.refused(call(*replay, "--overwrite"), 3, ".lock", "is a link")
        with open(victim) as f:
            self.assertEqual(f.read(), "precious")

    def test_two_at_once_leave_one_result(self):
        out, recording = self.path("r"), self.recording()
        both = [subprocess.Popen([PROGRAM, "replay", recording, "--out", out, "--quiet"], cwd=ROOT, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, text=True) for _ in range(4)]
        said = [p.communicate(timeout=60)[1] for p in both]
        codes = [p.returncode for p in both]
        self.assertEqual(codes.count(0), 1, said)
        self.assertTrue(all(code in (2, 3) for code in codes if code), said)
        self.assertEqual(call("validate", out).returncode, 0)

    def test_names_that_would_do_harm_are_refused(self):
        for name in ("../../x", "..", ".hidden", "a/b", "a\\b", "", "a\nb", "\x1b]0;x\x07", "\x9b2J", "\u202egnp.exe", "x" * 101):
            self.refused(call("validate", self.write("s.json", smoke(name=name))), 2, "s.json: name:")
        scenario = smoke()
        scenario["goals"][0]["name"] = "g" * 101
        self.refused(call("validate", self.write("s.json", scenario)), 2, "101 characters")
        for key in ("\x1b[2J", "a\nresult: valid", "\x9bm"):
            said = call("validate", self.write("s.json", smoke(**{key: 1}))).stderr
            self.assertTrue(said.isprintable() or said[:-1].isprintable(), said)

    def test_names_that_are_no_utf_8(self):
        recording, odd = self.recording(), os.fsencode(self.folder) + b"/r\xff\xfe"
        done = subprocess.run([PROGRAM, "replay", recording, "--out", odd, "--schedulers", "alert"], capture_output=True, cwd=ROOT)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(odd + b"/manifest.json", encoding="utf-8") as f:
            self.assertEqual(json.load(f)["status"], "complete")
        done = subprocess.run([PROGRAM, "replay", odd + b"/absent"], capture_output=True, cwd=ROOT)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"r\\xff\\xfe/absent", done.stderr)
        with open(odd + b"/s.json", "w") as f:
            json.dump(smoke(workload={"name": "fashion-mnist"}), f)
        for command in (("run", odd + b"/s.json", "--dry-run"), ("validate", odd + b"/s.json")):
            self.assertEqual(subprocess.run([PROGRAM, *command], capture_output=True, cwd=ROOT).returncode, 0)
        done = subprocess.run([PROGRAM, "run", "scenarios/smoke.json", "--dry-run", "--data", b"fashion-mnist=" + odd], capture_output=True, cwd=ROOT)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_output_files_that_are_links(self):
        os.makedirs(self.path("target"))
        os.symlink(self.path("target/page.html"), self.path("link.html"))
        for _ in range(2):  # not there yet, and there
            self.assertEqual(call("report", "results/reference/quickstart", "--format", "html", "--out", self.path("link.html")).returncode, 0)
            self.assertTrue(os.path.islink(self.path("link.html")) and os.path.isfile(self.path("target/page.html")))
        os.symlink(self.path("circle"), self.path("circle"))
        self.refused(call("report", "results/reference/quickstart", "--out", self.path("circle")), 2, "leads nowhere")
        self.refused(call("report", "results/reference/quickstart", "--out", self.path("target")), 2, "is a folder")
        os.symlink(self.path("nowhere"), self.path("dangling"))
        recording = self.recording()
        self.refused(call("replay", recording, "--out", self.path("dangling")), 3, "dangling", "leads nowhere")
        os.symlink(self.path("target"), self.path("r"))
        self.assertEqual(call("replay", recording, "--out", self.path("r"), "--quiet").returncode, 0)
        self.assertTrue(os.path.exists(self.path("target/manifest.json")))

    def test_schedulers_that_cannot_run_are_known_before(self):
        alone = ("--set", 'candidates=["resnet-w8","resnet-w16"]')
        plan = call("run", "scenarios/smoke.json", "--dry-run", *alone)
        self.assertEqual(plan.returncode, 0, plan.stderr)
        self.assertEqual([s for s in ("alert", "alert-any", "app-only", "no-coord", "sys-only") if s in json.loads(plan.stdout)["schedulers"]],
                         ["alert", "sys-only"])
        self.assertRegex(plan.stderr, "note: scheduler alert-any is omitted: it needs an anytime network")
        nested = call("run", "scenarios/smoke.json", "--dry-run", "--set", 'candidates=["nested-w64"]')
        self.assertNotIn("alert-trad", json.loads(nested.stdout)["schedulers"])
        for named in (("--schedulers", "alert,app-only"), ("--set", 'schedulers=["app-only"]')):
            self.refused(call("run", "scenarios/smoke.json", *alone, *named, "--out", self.path("r")), 2, "app-only",
                         "an anytime network")
        self.assertFalse(os.path.exists(self.path("r")))

    def test_too_few_files_may_be_open(self):
        def files(soft, hard):
            return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        self.refused(call("run", "scenarios/smoke.json", "--out", self.path("r"), preexec_fn=files(60, 60)), 3, f"{2 * len(schedulers())} traces", "ulimit -n")
        self.assertFalse(os.path.exists(self.path("r")))
        goals = [{"name": f"g{i}", "deadline_x": 1.5, "accuracy": 0.87} for i in range(9)]
        many = call("replay", self.recording(), "--set", "goals=" + json.dumps(goals), "--out", self.path("m"), "--quiet", preexec_fn=files(20, 40))
        self.assertEqual(many.returncode, 0, many.stderr)
        self.assertEqual(len(glob.glob(self.path("m/traces/*"))), 9 * len(schedulers()))

    def test_result_folder_that_cannot_be(self):
        blocked = self.write("file", "x")
        self.refused(call("run", "scenarios/smoke.json", "--out", blocked + "/result"), 3, blocked)

    def test_recording_that_is_none(self):
        self.refused(call("replay", self.path("absent")), 2, "absent")
        self.refused(call("report", self.path("absent")), 2, "absent", "summary.json")
        self.refused(call("validate", self.folder), 2, "not a recording or a result")

    def evaluation(self, name, energy_j=1.0, cell="w/s/min_energy/seed-1"):
        result = {"inputs": 10, "groups": 10, "violated": False, "late_share": 0.0, "mean_energy_j": energy_j, "mean_error": 0.1,
                  "mean": {"violated": False, "violated_exact": False, "shortfall": {"late": 0.0}},
                  "strict": {"violated": False, "satisfaction": 1.0, "violations_deadline": 0.0}}
        cells = [{"id": cell, "workload": "w", "scenario": "s", "task": "min_energy", "seed": 1, "recording_sha256": "00",
                  "inputs": 10, "warmup_inputs": 0, "configurations": 2, "co_runner": "none", "energy_source": "model",
                  "accuracy_source": "assumed", "judge": "mean", "goal_tolerance": {"accuracy": 0.001, "energy": 0.01}, "schedulers": {},
                  "settings": [{"name": f"g{i}", "deadline_s": 0.01, "feasible": True, "ideals": {},
                                "results": {"alert": result, "oracle": result}} for i in range(3)]}]
        os.makedirs(self.path(name))
        self.write(name + "/evaluation.json", {
            "schema_version": "2.0", "kind": "evaluation", "schedulers": ["alert", "oracle"], "scheduler_settings": {},
            "bootstrap": {"seed": 1, "resamples": 100, "confidence": 0.95}, "overall": {}, "cells": cells})
        return self.path(name)

    def test_report_of_an_evaluation(self):
        folder = self.evaluation("e")
        self.assertIn("energy from model; accuracy from assumed", call("report", folder).stdout)
        self.assertIn("| alert | 3 |", call("report", folder, "--format", "markdown").stdout)
        rows = list(csv.DictReader(io.StringIO(call("report", folder, "--format", "csv").stdout)))
        self.assertEqual(len(rows), 6)
        self.assertEqual((rows[0]["scheduler"], rows[0]["mean_energy_j"], rows[0]["normalised"]), ("alert", "1", ""))
        self.assertEqual(json.loads(call("report", folder, "--json").stdout),
                         json.loads(call("report", folder + "/evaluation.json", "--format", "json").stdout))
        os.makedirs(folder + "/figures")
        shutil.copy(os.path.join(ROOT, "results/reference/quickstart/figures/bars.png"), folder + "/figures")
        result = call("report", folder, "--format", "html", "--out", self.path("page.html"))
        self.assertEqual((result.returncode, result.stdout), (0, ""), result.stderr)
        with open(self.path("page.html")) as f:
            page = f.read()
        with open(folder + "/figures/bars.png", "rb") as f:
            self.assertIn(base64.b64encode(f.read()).decode(), page)
        tags = []
        parser = html.parser.HTMLParser()
        parser.handle_starttag = lambda tag, attributes: tags.append((tag, dict(attributes)))
        parser.feed(page)
        self.assertEqual({"script", "link", "iframe", "object"} & {tag for tag, _ in tags}, set())
        self.assertEqual([a["src"][:22] for _, a in tags if "src" in a], ["data:image/png;base64,"])
        self.write("e/figures/torn.png", "torn")
        self.refused(call("report", folder, "--format", "html"), 2, "torn.png")
        os.remove(folder + "/figures/torn.png")
        self.refused(call("report", folder, "--format", "html", "--out", self.path("absent/page.html")), 1, "absent/page.html")

    def test_report_of_a_summary_in_every_format(self):
        for name, part in (("text", "Live versus replay"), ("markdown", "## Live versus replay"), ("csv", "live,energy,"),
                           ("json", '"live_against_replay"'), ("html", "data:image/png;base64,")):
            result = call("report", "results/reference/quickstart", "--format", name)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn(part, result.stdout, name)

    def test_report_refuses(self):
        folder = self.evaluation("e")
        self.assertEqual(call("report", folder, "--format", "pdf").returncode, 2)
        self.assertEqual(call("report", folder, "--format", "csv", "--json").returncode, 2)
        self.refused(call("report", self.folder), 2, "neither evaluation.json nor summary.json")
        self.refused(call("report", self.write("torn.json", '{"kind": "eval')), 2, "torn.json", "line 1")
        self.refused(call("report", self.write("other.json", {"kind": "evaluation"})), 2, "other.json", "schema_version")

    def test_compare(self):
        a, b = self.evaluation("a"), self.evaluation("b", 1.1)
        self.assertEqual(call("compare", a, a, "--tolerance", "0").returncode, 0)
        result = call("compare", a, b)
        self.assertEqual(result.returncode, 5, result.stderr)
        self.assertIn("min_energy, alert: mean objective B / A 1.1000 over 3 settings", result.stdout)
        self.assertEqual(call("compare", a, b, "--tolerance", "0.2").returncode, 0)
        result = call("compare", a, b, "--json")
        self.assertEqual(result.returncode, 5)
        self.assertEqual(len(json.loads(result.stdout)["outside"]), 2)
        quickstart = "results/reference/quickstart"
        self.assertEqual(call("compare", quickstart, quickstart, "--tolerance", "0").returncode, 0)
        self.refused(call("compare", a, quickstart), 2, "an evaluation", "a summary")
        self.refused(call("compare", a, self.evaluation("c", 1.0, "other/s/min_energy/seed-1")), 2, "in common")
        self.refused(call("compare", a, self.path("absent")), 2, "absent")
        self.refused(call("compare", a, b, "--tolerance", "-1"), 2, "--tolerance", "-1")
        self.refused(call("compare", a, b, "--tolerance", "nan"), 2, "--tolerance", "nan")

    def test_compare_claims(self):
        reference = "results/reference/claims/claims.json"
        result = call("compare", "results/reference", reference)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, r"Same conclusion in all \d+ judged readings")
        with open(os.path.join(ROOT, reference)) as f:
            claims = json.load(f)
        other = next(c for c in claims["claims"] if c["holds"])
        other["holds"] = False
        os.makedirs(self.path("own/claims"))
        self.write("own/claims/claims.json", claims)
        result = call("compare", "results/reference", self.path("own"))
        self.assertEqual(result.returncode, 5, result.stderr)
        self.assertIn("OTHER: holds in A only", result.stdout)
        self.assertRegex(result.stdout, r"Other conclusion in 1 of \d+ judged readings")
        result = json.loads(call("compare", "results/reference", self.path("own"), "--json").stdout)
        self.assertFalse(result["within"])
        self.assertEqual([c["claim"] for c in result["claims"] if c["same_conclusion"] is False], [other["claim"]])
        self.refused(call("compare", "results/reference", self.evaluation("a")), 2, "a table of claims")
        self.refused(call("compare", reference, self.path("absent")), 2, "absent", "no such result")
        claims["claims"].append(other)
        self.refused(call("compare", reference, self.write("twice.json", claims)), 2, "twice.json", "duplicate")
        self.refused(call("compare", reference, self.write("old.json", {"kind": "claims", "claims": []})), 2, "old.json", "schema_version")
        self.refused(call("compare", reference, self.write("none.json", {"schema_version": "1.0", "kind": "claims", "claims": []})),
                     2, "no claim in common")

    def squad(self):
        questions = [{"id": i, "question": "?", "answers": [{"answer_start": 0, "text": "The Elbe"}]} for i in ("q1", "q2", "q3")]
        return self.write("dev.json", {"version": "1.1", "data": [{"paragraphs": [{"context": "The Elbe.", "qas": questions}]}]})

    def test_score_squad(self):
        data, answers = self.squad(), self.write("p.json", {"q1": "elbe!", "q2": "Elbe river", "other": "x"})
        result = call("score", "squad", "--data", data, answers)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, r"questions +3\nmissing +1 \(count as 0\)\nexact match +33\.333 %\nF1 +55\.556 %\n")
        self.assertIn("does not contain: 1", result.stderr)
        scores = json.loads(call("score", "squad", "--data", data, answers, "--json").stdout)
        self.assertEqual(scores, {"questions": 3, "missing": 1, "exact_match": 100 / 3, "f1": 100 * (1 + 2 / 3) / 3})

    def test_score_estimators(self):
        recording, out = self.path("recording"), self.path("calibration")
        tiny_recording.make(recording, "tiny", 1, 60)
        result = call("score", "estimators", recording, recording, "--inputs", "40", "--out", out)
        self.assertEqual(result.returncode, 0, result.stderr)
        for name in ("gaussian, paper", "student", "regimes, conformal", "quantiles"):
            self.assertIn(name, result.stdout)
        self.assertEqual(sorted(os.listdir(out)), ["calibration.json", "calibration.md"])
        with open(os.path.join(out, "calibration.json")) as f:
            found = json.load(f)
        self.assertEqual((found["kind"], len(found["recordings"]), len(found["all"])), ("calibration", 2, 12))
        self.assertEqual([len(r["fixed"]["coverage"]) for r in found["all"]], [len(found["levels"])] * 12)
        self.assertEqual(json.loads(call("score", "estimators", recording, recording, "--inputs", "40", "--json").stdout), found)
        self.refused(call("score", "estimators", recording, "--inputs", "30"), 2, "30 inputs", "more")
        self.refused(call("score", "estimators", self.path("absent")), 2, "absent")

    def test_score_takes_answers_that_are_misplaced(self):
        with open(self.squad()) as f:
            data = json.load(f)
        answers = [a for article in data["data"] for p in article["paragraphs"] for q in p["qas"] for a in q["answers"]]
        answers[0]["answer_start"] += 1
        answers[1]["answer_start"] = -1
        del answers[2]["answer_start"]
        result = call("score", "squad", "--data", self.write("off.json", data), self.write("p.json", {"q1": "elbe!"}))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("off.json: warning: answer_start is missing or wrong in 3 answers", result.stderr)
        self.assertRegex(result.stdout, r"exact match +33\.333 %")

    def test_score_refuses_bad_files(self):
        data, answers = self.squad(), self.write("p.json", {"q1": "x"})
        self.assertEqual(call("score").returncode, 2)
        self.assertEqual(call("score", "squad", answers).returncode, 2)
        self.refused(call("score", "squad", "--data", self.path("absent"), answers), 2, "absent")
        self.refused(call("score", "squad", "--data", answers, answers), 2, "p.json: data: is missing")
        self.refused(call("score", "squad", "--data", data, self.write("n.json", {"q1": 1})), 2, "n.json", "q1", "number")
        self.refused(call("score", "squad", "--data", data, self.write("o.json", {"x": "y"})), 2, "o.json", "none of the 3")


class Sweeps(Folder):
    """Over made-up recordings: no network is needed."""

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("recordings"))

    def record(self, name, seed=1, inputs=60, folder=None):
        tiny_recording.make(self.path(folder or f"recordings/{name}-{seed}"), name, seed, inputs)

    def sweep(self, out, *more, **changes):
        return call("sweep", self.write("sweep.json", tiny_recording.sweep(**changes)), "--out", self.path(out), *more)

    def done(self, result, code=0):
        self.assertEqual(result.returncode, code, result.stderr)
        return result

    def read(self, name):
        with open(self.path(name)) as f:
            return json.load(f)

    def content(self, folder):
        with open(self.path(folder) + "/evaluation.json", "rb") as f:
            return f.read()

    def cells(self, folder):
        return sorted(glob.glob(self.path(folder) + "/cells/*.json"))

    def test_mistakes_are_named(self):
        self.refused(self.sweep("o"), 2, "no folder with a recording.json matches", "recordings/*")
        self.record("a")
        for shard in ("0/3", "4/3", "x", "1/0", "1/3x", "-1/3", "1.5/2"):
            self.refused(self.sweep("o", "--shard", shard), 2, "--shard " + shard, "2/8")
        self.refused(self.sweep("o", recordingz=[]), 2, "sweep.json", "recordingz", 'did you mean "recordings"')
        self.refused(self.sweep("o", grid={"dedlines": 3}), 2, "grid", 'did you mean "deadlines"')
        self.refused(self.sweep("o", grid={"levels": 1}), 2, "levels", "1")
        self.refused(self.sweep("o", grid={"deadline_low_x": 3}), 2, "deadline_high_x", "2", "3")
        self.refused(self.sweep("o", schedulers=["alrt"]), 2, "alrt", 'did you mean "alert"')
        self.refused(self.sweep("o", scheduler_settings={"alert": {"presett": "tuned"}}), 2, "presett", "preset")
        self.refused(self.sweep("o", tasks=["min_eror"]), 2, "min_eror", 'did you mean "min_error"')
        self.refused(self.sweep("o", kind="swep"), 2, "kind", "swep")
        self.refused(self.sweep("o", recordings=[]), 2, "recordings")
        self.assertFalse(os.path.exists(self.path("o")))
        self.refused(call("sweep", self.path("sweep.json")), 2)
        self.refused(call("sweep", self.path("absent.json"), "--out", self.path("o")), 2, "absent.json")
        self.refused(call("merge", self.path("absent"), "--out", self.path("o")), 2, "absent")

    def test_validate(self):
        self.record("a")
        self.done(self.sweep("o"))
        for name, said in (("sweep.json", "sweep file, 2 cells"), ("o/plan.json", "2 cells"), ("o/evaluation.json", "2 cells"),
                           ("o", "2 of 2 cells finished; evaluation, 2 cells, 12 settings")):
            self.assertIn(said, self.done(call("validate", self.path(name))).stdout)
        with open(self.cells("o")[0], "a") as f:
            f.write("}")
        self.refused(call("validate", self.path("o")), 2, os.path.basename(self.cells("o")[0]))
        self.write("bad.json", dict(self.read("o/evaluation.json"), kind="evaluations"))
        self.refused(call("validate", self.path("bad.json")), 2, "bad.json")
        self.write("absent.json", tiny_recording.sweep(recordings=["recordings/none"]))
        self.refused(call("validate", self.path("absent.json")), 2, "recordings/none", "does not exist")
        self.refused(call("merge", self.path("recordings"), "--out", self.path("o")), 2, "evaluation.json")
        blocked = self.write("file", "x")
        self.refused(call("sweep", self.write("sweep.json", tiny_recording.sweep()), "--out", blocked + "/o"), 3, blocked)

    def test_schedulers_that_cannot_run_on_every_recording(self):
        self.record("both")
        with unittest.mock.patch.object(tiny_recording, "MODELS", tiny_recording.MODELS[:2]):
            self.record("plain")
        self.refused(self.sweep("o", schedulers=["alert", "alert-any"]), 2, "alert-any", "recordings/plain-1 has no anytime network")
        self.assertFalse(os.path.exists(self.path("o")))
        self.assertIn("alert-any is omitted", self.done(self.sweep("o", schedulers=[])).stderr)
        schedulers = self.read("o/evaluation.json")["schedulers"]
        self.assertIn("alert", schedulers)
        self.assertNotIn("alert-any", schedulers)
        ran = self.done(call("replay", self.path("recordings/plain-1"), "--grid", "--deadlines", "2", "--levels", "2"))
        self.assertIn("alert-any is omitted", ran.stderr)

    def test_a_plan_of_another_program_stays(self):
        self.record("a")
        self.done(self.sweep("part"))
        for name, text in (("words", "seven plans"), ("other", '{"kind": "floor plan"}'), ("list", "[]")):
            os.mkdir(self.path(name))
            path = self.write(name + "/plan.json", text)
            for command in (("sweep", self.path("sweep.json")), ("merge", self.path("part"))):
                for more in ((), ("--overwrite",)):
                    self.refused(call(*command, "--out", self.path(name), *more), 2, "plan.json", "did not write it")
                    with open(path) as f:
                        self.assertEqual(f.read(), text)

    def test_recordings_with_one_id_are_refused(self):
        self.record("a")
        self.record("a", folder="recordings/copy")
        self.refused(self.sweep("o"), 2, "recordings/a-1", "recordings/copy", "fashion-mnist/a/min_energy/seed-1")
        # The same folder twice is one recording.
        self.done(self.sweep("o", recordings=["recordings/a-1", "recordings/a*"]))
        self.assertEqual(len(self.cells("o")), 2)

    def test_merged_shards_equal_the_sweep(self):
        self.record("a", 1)
        self.record("a", 2)
        self.record("b", 1)
        self.done(self.sweep("whole"))
        manifest = self.read("whole/manifest.json")
        self.assertEqual(manifest["status"], "complete")
        self.assertTrue(manifest["verdict"]["valid"])
        self.assertEqual(len(manifest["files"]), 4)
        whole = json.loads(self.content("whole"))
        ids = [c["id"] for c in whole["cells"]]
        self.assertEqual(len(ids), 6)
        self.assertEqual(ids, sorted(ids))
        self.assertEqual({len(c["settings"]) for c in whole["cells"]}, {6})
        for n in (1, 2, 8):  # with 8, two of the shards have no cell
            for i in range(1, n + 1):
                result = self.done(self.sweep(f"part-{i}-of-{n}", "--shard", f"{i}/{n}", "--threads", str(i % 3 + 1)))
                if i > 6:
                    self.assertIn("this one has none", result.stderr)
            parts = [self.path(f"part-{i}-of-{n}") for i in range(n, 0, -1)]
            self.done(call("merge", *parts, "--out", self.path(f"merged-{n}")))
            self.assertEqual(self.content(f"merged-{n}"), self.content("whole"))
        # Merging what is merged, and a duplicate cell change nothing.
        self.done(call("merge", self.path("merged-2"), self.path("merged-8"), self.path("whole/evaluation.json"), parts[0],
                       "--out", self.path("again")))
        self.assertEqual(self.content("again"), self.content("whole"))
        self.refused(call("merge", *parts, "--out", self.path("again")), 2, "--overwrite")
        self.done(call("merge", *parts, "--out", self.path("again"), "--overwrite"))
        self.refused(call("merge", *parts, "--out", parts[0]), 2, "--out")
        self.refused(call("merge", self.path("again"), "--out", parts[0], "--overwrite"), 2, "contains the cells of a sweep")

    def test_dry_run_lists_cells(self):
        self.record("a")
        result = self.done(self.sweep("o", "--dry-run", "--shard", "2/2"))
        self.assertRegex(result.stdout, r"  1/2 +fashion-mnist/a/min_energy/seed-1 +recordings/a-1\n"
                                        r"\* 2/2 +fashion-mnist/a/min_error/seed-1 +recordings/a-1\n")
        self.assertFalse(os.path.exists(self.path("o")))

    def test_failed_cells_do_not_stop_the_rest(self):
        self.record("good")
        self.record("damaged")
        with open(self.path("recordings/damaged-1/stage_end_s.npy"), "r+b") as f:
            f.seek(200)
            f.write(b"\x01")
        recordings = ["recordings/absent", "recordings/*", "none/*"]
        result = self.sweep("whole", recordings=recordings)
        self.refused(result, 4, "4 of 6 cells failed", "recordings/absent: does not exist", "stage_end_s.npy: damaged",
                     '"none/*" matches no folder')
        manifest = self.read("whole/manifest.json")
        self.assertEqual((manifest["status"], manifest["verdict"]["valid"]), ("complete", False))
        failed = {c["id"]: c["failed"] for c in self.read("whole/evaluation.json")["cells"]}
        self.assertEqual(sum(f is None for f in failed.values()), 2)
        self.assertNotIn(self.folder, json.dumps(failed))
        for i in (1, 2):
            self.done(self.sweep(f"part-{i}", "--shard", f"{i}/2", recordings=recordings), 4)
        merge = call("merge", self.path("part-1"), self.path("part-2"), "--out", self.path("merged"))
        self.refused(merge, 4, "4 of 6 cells failed")
        self.assertEqual(self.content("merged"), self.content("whole"))
        # Once mended, the same command evaluates what failed, and only that.
        shutil.rmtree(self.path("recordings/damaged-1"))
        self.record("damaged")
        self.record("late", folder="recordings/absent")
        kept = [p for p in self.cells("whole") if ".good." in p]
        before = [os.stat(p).st_mtime_ns for p in kept]
        result = self.done(self.sweep("whole", recordings=recordings))
        self.assertIn("Finished before: 2 of 6 cells", result.stderr)
        self.assertEqual([os.stat(p).st_mtime_ns for p in kept], before)
        self.done(self.sweep("fresh", recordings=recordings))
        self.assertEqual(self.content("fresh"), self.content("whole"))

    def test_merge_names_what_is_missing(self):
        self.record("a")
        self.record("b")
        for i in (1, 3):
            self.done(self.sweep(f"part-{i}", "--shard", f"{i}/3"))
        result = call("merge", self.path("part-1"), self.path("part-3"), "--out", self.path("merged"))
        self.refused(result, 4, "1 of 4 cells are missing: fashion-mnist/a/min_error/seed-1", "shard 2 of 3")
        self.assertEqual(len(self.read("merged/evaluation.json")["cells"]), 3)
        self.assertFalse(self.read("merged/manifest.json")["verdict"]["valid"])

    def test_merge_refuses_what_differs(self):
        self.record("a")
        self.done(self.sweep("a"))
        both = (self.path("a"), self.path("b"))
        for changes in ({"schedulers": ["alert"]}, {"scheduler_settings": {"alert": {"preset": "tuned"}}},
                        {"grid": {"deadlines": 4, "levels": 2}}):
            self.done(self.sweep("b", "--overwrite", **changes))
            self.refused(call("merge", *both, "--out", self.path("m")), 2, *both, "differ in", *[k for k in changes])
        shutil.rmtree(self.path("recordings/a-1"))
        self.record("a", inputs=61, folder="recordings/a-1")
        self.done(self.sweep("b", "--overwrite"))
        self.refused(call("merge", *both, "--out", self.path("m")), 2, *both, "fashion-mnist/a/min_energy/seed-1",
                     "different recordings")
        self.assertFalse(os.path.exists(self.path("m")))

    def test_a_folder_of_another_sweep_is_refused(self):
        self.record("a")
        self.done(self.sweep("o"))
        content = self.content("o")
        self.refused(self.sweep("o", name="other"), 2, "another sweep", '"tiny"', '"other"', "--overwrite")
        self.refused(self.sweep("o", "--shard", "1/2"), 2, "contains shard 1 of 1, not 1 of 2")
        self.refused(self.sweep("o", grid={"deadlines": 5}), 2, "grid", "5 deadlines")
        self.refused(self.sweep("o", schedulers=["alert"]), 2, "schedulers")
        self.assertEqual(self.content("o"), content)
        self.done(self.sweep("o", "--overwrite", name="other"))
        self.assertEqual(self.content("o"), content)
        os.mkdir(self.path("run"))
        self.write("run/manifest.json", "{}")
        self.refused(self.sweep("run", "--overwrite"), 2, "not a sweep")

    def test_changed_recordings_and_damaged_cells_are_evaluated_anew(self):
        self.record("a")
        self.record("b")
        self.done(self.sweep("o"))
        before = self.content("o")
        with open(self.cells("o")[0], "r+b") as f:
            f.truncate(1000)
        self.assertIn("Finished before: 3 of 4 cells", self.done(self.sweep("o", "--resume")).stderr)
        self.assertEqual(self.content("o"), before)
        shutil.rmtree(self.path("recordings/a-1"))
        self.record("a", inputs=70)
        self.assertIn("Finished before: 2 of 4 cells", self.done(self.sweep("o")).stderr)
        self.assertNotEqual(self.content("o"), before)

    def stopped_in_the_middle(self, out, how):
        """A sweep of 8 cells that got a signal when its first cell was there; how many it finished."""
        for name in "abcd":
            self.record(name, inputs=100)
        changes = {"grid": {"deadlines": 12, "levels": 12}}
        sweep = self.write("sweep.json", tiny_recording.sweep(**changes))
        process = subprocess.Popen([PROGRAM, "sweep", sweep, "--out", self.path(out), "--threads", "1"], cwd=ROOT,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.time() + 120
        while not self.cells(out) and time.time() < deadline and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(how)
        code = process.wait(60)
        finished = len(self.cells(out))
        self.assertTrue(0 < finished < 8, finished)
        self.assertEqual(self.read(out + "/plan.json")["shard"], {"index": 1, "of": 1})
        return code, finished, changes

    def test_kill_9_then_resume_equals_the_sweep(self):
        code, finished, changes = self.stopped_in_the_middle("o", signal.SIGKILL)
        self.assertEqual(code, -signal.SIGKILL)
        self.assertEqual(self.read("o/manifest.json")["status"], "running")
        # What it finished can be merged as it is.
        merge = call("merge", self.path("o"), "--out", self.path("m"))
        self.refused(merge, 4, "did not finish", f"{8 - finished} of 8 cells are missing")
        self.assertIn(f"Finished before: {finished} of 8 cells", self.done(self.sweep("o", **changes)).stderr)
        self.done(self.sweep("fresh", **changes))
        self.assertEqual(self.content("o"), self.content("fresh"))

    def test_interrupt_leaves_finished_cells(self):
        code, finished, changes = self.stopped_in_the_middle("o", signal.SIGINT)
        self.assertEqual(code, 1)
        manifest = self.read("o/manifest.json")
        self.assertEqual((manifest["status"], manifest["verdict"]["valid"]), ("partial", False))
        self.assertIn("repeat the command to continue", json.dumps(manifest["verdict"]))
        self.assertEqual(len(self.read("o/evaluation.json")["cells"]), finished)
        self.assertIn(f"Finished before: {finished} of 8 cells", self.done(self.sweep("o", **changes)).stderr)
        self.assertEqual(len(self.read("o/evaluation.json")["cells"]), 8)


class Judges(Folder):
    """How goals are judged, from recordings."""

    def setUp(self):
        super().setUp()
        tiny_recording.make(self.path("r"), "calm", 1, 60)

    def grid(self, *more):
        done = call("replay", self.path("r"), "--grid", "--json", "--schedulers", "alert", *more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_means_by_default_and_the_strict_reading_beside_them(self):
        mean, strict = self.grid(), self.grid("--judge", "strict")
        for e, judge, other in ((mean, "mean", "feasible_mean"), (strict, "strict", "feasible_strict")):
            self.assertEqual({c["judge"] for c in e["cells"]}, {judge})
            for s in (s for c in e["cells"] for s in c["settings"]):
                self.assertEqual(s["feasible"], s[other], s["name"])
                for r in s["results"].values():
                    self.assertEqual(r["violated"], r[judge]["violated"], s["name"])
        self.assertEqual(self.grid("--set", "goals.0.judge=strict")["cells"], strict["cells"])
        # Decisions do not depend on the judge, but for the oracles'.
        for a, b in zip((s for c in mean["cells"] for s in c["settings"]), (s for c in strict["cells"] for s in c["settings"])):
            self.assertEqual(a["results"]["alert"]["mean_energy_j"], b["results"]["alert"]["mean_energy_j"])
            self.assertEqual(a["results"]["alert"]["strict"], b["results"]["alert"]["strict"])

    def test_tolerance(self):
        exact = self.grid("--set", "goals.0.goal_tolerance={\"accuracy\":0,\"energy\":0}")
        for s in (s for c in exact["cells"] for s in c["settings"]):
            self.assertEqual(s["feasible_mean"], s["feasible_exact"])
            for r in s["results"].values():
                self.assertEqual(r["mean"]["violated"], r["mean"]["violated_exact"])
        self.assertTrue(any(r["violated"] != r["mean"]["violated_exact"]
                            for c in self.grid()["cells"] for s in c["settings"] for r in s["results"].values()))

    def test_what_cannot_be_is_refused(self):
        self.refused(call("replay", self.path("r"), "--set", "goals.0.judge=median"), 2, "judge", "median", "mean, strict")
        for fixed, key in (('candidates=["resnet-w8"]', "candidates"), ("power.caps_w=[100]", "power"), ("seeds.co_runner=9", "seeds/co_runner"),
                           ('seeds={"inputs": 77}', "seeds/inputs")):
            self.refused(call("replay", self.path("r"), "--set", fixed), 2, key, "alert-bench record")
        self.refused(call("replay", self.path("r"), "--set", "goals.0.goal_tolerance.acuracy=0"), 2, "acuracy", "accuracy")
        self.assertEqual(call("replay", self.path("r"), "--grid", "--judge", "median").returncode, 2)
        self.assertEqual(call("replay", self.path("r"), "--judge", "mean").returncode, 2)

    def test_a_sweep_says_how_it_judges(self):
        os.makedirs(self.path("recordings"))
        shutil.move(self.path("r"), self.path("recordings/r"))
        for judge in ("mean", "strict"):
            sweep = self.write("sweep.json", tiny_recording.sweep(grid={"deadlines": 2, "levels": 2, "judge": judge}))
            done = call("sweep", sweep, "--out", self.path(judge))
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(self.path(judge) + "/evaluation.json") as f:
                self.assertEqual({c["judge"] for c in json.load(f)["cells"]}, {judge})
        self.refused(call("sweep", sweep, "--out", self.path("mean")), 2, "judged")
        compared = call("compare", self.path("mean"), self.path("strict"))
        self.assertEqual(compared.returncode, 5)
        self.assertIn("judged", compared.stdout)

    def test_traces_say_what_each_input_and_the_run_came_to(self):
        done = call("replay", self.path("r"), "--out", self.path("out"), "--schedulers", "alert")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("violated", done.stdout)
        with open(glob.glob(self.path("out") + "/traces/*.jsonl")[0]) as f:
            lines = [json.loads(line) for line in f]
        goal, verdict = lines[0]["goals"], lines[-1]["verdict"]
        judged = [line for line in lines[1:-1] if not line["warmup"]]
        self.assertEqual((verdict["inputs"], verdict["groups"]), (len(judged), len(judged)))
        self.assertAlmostEqual(verdict["late_share"], sum(line["violations"]["deadline"] for line in judged) / len(judged))
        total = 0
        for n, line in enumerate(judged, 1):
            total += line["accuracy"]
            self.assertEqual(line["violations"]["mean_accuracy"], total / n < goal["accuracy"] - 0.001)
        self.assertTrue(all(line["violations"]["mean_accuracy"] is None for line in lines[1:-1] if line["warmup"]))


class OwnSchedulers(Folder):
    """Schedulers of the user's own: shared objects and programs, over made-up recordings."""

    GOOD = "{'input': m['input'], 'model': 'nested', 'stage': 2, 'cap': 1}"

    def setUp(self):
        super().setUp()
        tiny_recording.make(self.path("r"), "tiny", 1, 30)

    def library(self, name):
        return os.path.join(os.path.dirname(PROGRAM), f"scheduler-{name}.so")

    def program(self, on_decide, name="own.py"):
        self.write(name, "import json, os, subprocess, sys, time\ndef say(x): print(json.dumps(x), flush=True)\n"
                         "hello = json.loads(sys.stdin.readline())\nsay({'protocol': 1})\nfor line in sys.stdin:\n"
                         f"  m = json.loads(line)\n  if m['type'] == 'decide': {on_decide}\n")
        return f"cmd:/usr/bin/python3 '{self.path(name)}'"

    def replay(self, scheduler, *more):
        return call("replay", self.path("r"), "--scheduler", scheduler, "--allow-commands", *more)

    def manifest(self, name="o"):
        with open(self.path(name) + "/manifest.json") as f:
            return json.load(f)

    def decisions(self, name):
        with open(self.path(name)) as f:
            return [(x["model"], x["stage_target"], x["cap_w"]) for x in map(json.loads, f) if x["record"] == "input"]

    def nothing_is_left(self):
        for _ in range(1000):  # a supervisor whose harness was killed takes a moment
            left = subprocess.run(["pgrep", "-f", self.folder], capture_output=True, text=True).stdout.split()
            if not left:
                break
            time.sleep(0.01)
        self.assertEqual(left, [])

    def test_examples(self):
        out = self.path("o")
        greedy = "cmd:/usr/bin/python3 examples/scheduler/greedy.py"
        done = call("replay", self.path("r"), "--schedulers", "alert,oracle-static", "--scheduler", "lib:" + self.library("fastest"),
                    "--scheduler", greedy, "--out", out, "--allow-commands")
        self.assertEqual(done.returncode, 0, done.stderr)
        names = ["alert", "oracle-static", "lib-scheduler-fastest", "cmd-greedy"]
        for name in names:
            self.assertIn(name, done.stdout)
        self.assertEqual(sorted(os.listdir(out + "/traces")), sorted(f"{n}.energy.replay.jsonl" for n in names))
        self.assertEqual({d[0] for d in self.decisions("o/traces/lib-scheduler-fastest.energy.replay.jsonl")}, {"plain-small"})
        self.assertEqual({d[0] for d in self.decisions("o/traces/cmd-greedy.energy.replay.jsonl")}, {"nested", "plain-small"})
        self.assertEqual(call("validate", out).returncode, 0)
        manifest = self.manifest()
        library, command = manifest["external_schedulers"]
        self.assertEqual((library["name"], library["scheduler"], library["command"]),
                         ("lib-scheduler-fastest", "lib:" + self.library("fastest"), None))
        self.assertEqual([f["sha256"] for f in library["files"]], [tiny_recording.sha256(self.library("fastest"))])
        self.assertEqual((command["name"], command["scheduler"]), ("cmd-greedy", greedy))
        self.assertEqual(command["command"], ["/usr/bin/python3", "examples/scheduler/greedy.py"])
        self.assertEqual([f["path"] for f in command["files"]], command["command"])
        self.assertEqual(command["files"][1]["sha256"], tiny_recording.sha256(os.path.join(ROOT, "examples/scheduler/greedy.py")))
        self.assertEqual(manifest["scenario"]["scheduler_settings"][greedy], {"timeout_s": 30})
        self.assertEqual(call("replay", self.path("r"), "--schedulers", "alert", "--out", out, "--overwrite").returncode, 0)
        self.assertIsNone(self.manifest()["external_schedulers"])
        self.nothing_is_left()

    def test_what_is_wrong_is_told_before_anything_is_measured(self):
        good = "lib:" + self.library("fastest")
        self.refused(call("replay", self.path("r"), "--scheduler", good, "--out", self.path("o")), 2, good, "--allow-commands")
        self.refused(call("replay", self.path("r"), "--grid", "--scheduler", good, "--out", self.path("o")), 2, good, "--allow-commands")
        for name, parts in {"of-another-version": ("version 7", "version 1", "build it again"), "without-decide": ("no decide",),
                            "too-small": ("struct_size",), "without-entry": ("alert_bench_scheduler",), "absent": ("No such file",)}.items():
            self.refused(self.replay("lib:" + self.library(name), "--out", self.path("o")), 2, name + ".so", *parts)
        self.refused(self.replay("lib:" + self.write("text.so", "text"), "--out", self.path("o")), 2, "text.so", "shared object")
        self.refused(self.replay("cmd:no-such-program", "--out", self.path("o")), 2, "no executable program no-such-program")
        self.refused(self.replay("cmd:'no end", "--out", self.path("o")), 2, "close the quote")
        self.refused(self.replay("cmd:", "--out", self.path("o")), 2, "cmd:PROGRAM")
        self.refused(self.replay("own.py", "--out", self.path("o")), 2, "unknown scheduler", "lib:FILE.so")
        self.refused(self.replay(good, "--scheduler", good, "--out", self.path("o")), 2, "duplicate")
        self.refused(self.replay(good, "--set", 'scheduler_settings.lib-scheduler-fastest={"slack":-1}'), 2, "slack must be above 0")
        self.assertFalse(os.path.exists(self.path("o")))

    def test_a_scenario_names_them_and_settings_reach_them(self):
        os.mkdir(self.path("scenarios"))
        shutil.copy(self.library("odd"), self.path("scenarios/odd.so"))
        own = self.program("sys.stderr.write(json.dumps(hello['settings']) + chr(10)); say(" + self.GOOD + ")")
        scenario = smoke(schedulers=["alert", "lib:odd.so", own],
                         scheduler_settings={"lib:odd.so": {"do": "log"}, own: {"x": [1, None]}})
        path = self.write("scenarios/s.json", scenario)
        with open(os.path.join(ROOT, "scenarios/scenario.schema.json")) as f:
            jsonschema.validate(scenario, json.load(f))
        self.assertEqual(call("validate", path).returncode, 0)  # runs nothing
        planned = call("run", path, "--dry-run")
        self.assertEqual(planned.returncode, 0, planned.stderr)
        self.refused(call("run", path, "--out", self.path("o")), 2, "s.json: schedulers", "odd.so", "--allow-commands")
        effective = json.loads(planned.stdout)
        odd = "lib:" + self.path("scenarios/odd.so")
        self.assertEqual(effective["schedulers"], ["alert", odd, own])
        self.assertEqual(effective["scheduler_settings"][odd], {"do": "log"})
        self.assertEqual(effective["scheduler_settings"][own], {"x": [1, None], "timeout_s": 30})
        # From the recording's scenario, and by the names in results.
        with open(self.path("r/recording.json")) as f:
            recording = json.load(f)
        recording["info"]["scenario"].update({k: effective[k] for k in ("schedulers", "scheduler_settings")})
        tiny_recording.write_json(self.path("r/recording.json"), recording)
        self.refused(call("replay", self.path("r")), 2, odd, "--allow-commands")
        done = call("replay", self.path("r"), "--allow-commands", "--set", "scheduler_settings.cmd-own.x=7")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('cmd-own: {"timeout_s": 30.0, "x": 7}\n', done.stderr)
        done = call("replay", self.path("r"), "--allow-commands")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("lib-odd: 1 alive, log for plain-small at 100 W\n", done.stderr)
        self.assertIn('cmd-own: {"timeout_s": 30.0, "x": [1, null]}\n', done.stderr)
        # A sweep runs its own schedulers only: what a recording names is not started.
        self.write("sweep.json", tiny_recording.sweep(recordings=["r"], schedulers=["alert"]))
        done = call("sweep", self.path("sweep.json"), "--out", self.path("sweep"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("cmd-own", done.stderr)

    def test_the_schema_describes_the_lines(self):
        with open(os.path.join(ROOT, "examples/scheduler/protocol.schema.json")) as f:
            schema = json.load(f)

        def check(kind, line):
            jsonschema.validate(line, {**{k: v for k, v in schema.items() if k != "anyOf"}, "$ref": "#/definitions/" + kind})

        answer = {"input": 3, "model": "nested", "stage": 2, "cap": 0, "predicted": {"latency_s": 0.1, "energy_j": None}}
        self.write("own.py", "import json, sys\nlog = open(sys.argv[0] + '.log', 'w')\nfor line in sys.stdin:\n  log.write(line)\n"
                             "  m = json.loads(line)\n  if m['type'] == 'hello': print('{\"protocol\": 1}', flush=True)\n"
                             f"  if m['type'] == 'decide': print(json.dumps({{**{answer}, 'input': m['input']}}), flush=True)\n")
        done = self.replay("cmd:/usr/bin/python3 " + self.path("own.py"))
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path("own.py.log")) as f:
            lines = [json.loads(line) for line in f]
        self.assertEqual([x["type"] for x in lines], ["hello"] + ["decide", "observe"] * 30)
        for line in lines:
            check(line["type"], line)
        check("ready", {"protocol": 1})
        check("decision", answer)
        for wrong in ({**answer, "x": 1}, {**answer, "stage": 0}, {**answer, "cap": 0.5}, {k: v for k, v in answer.items() if k != "input"}):
            with self.assertRaises(jsonschema.ValidationError):
                check("decision", wrong)

    def test_names_in_results_differ(self):
        same = [self.program("say(" + self.GOOD + ")", f"{n}/own.py") for n in "ab" if not os.mkdir(self.path(n))]
        done = call("replay", self.path("r"), "--scheduler", same[0], "--scheduler", same[1], "--out", self.path("o"), "--allow-commands")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sorted(os.listdir(self.path("o/traces"))), ["cmd-own-2.energy.replay.jsonl", "cmd-own.energy.replay.jsonl"])
        self.assertEqual([(s["name"], s["scheduler"]) for s in self.manifest()["external_schedulers"]],
                         [("cmd-own", same[0]), ("cmd-own-2", same[1])])

    def test_a_program_that_fails_ends_the_run_and_keeps_what_was_done(self):
        for what, parts in {"time.sleep(1000)": ("did not answer within 5 s", "timeout_s"),
                            "sys.exit(3)": ("exited with status 3",), "os.kill(0, 9)": ("killed by signal 9",),
                            "broken": ("exited with status 1", "NameError: name 'broken' is not defined"),
                            "print('nonsense', flush=True)": ("its answer, nonsense",),
                            "say({'input': 7, 'model': 'x', 'stage': 1, 'cap': 0})": ('"x" is no network', "plain-small, plain-large, nested"),
                            "say({'input': 7, 'model': 'nested', 'stage': 4, 'cap': 0})": ("stage", "4"),
                            "say({'input': 7, 'model': 'nested', 'stage': 1, 'cap': 0, 'x': 1})": ("unknown key", "x"),
                            "(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1000)', '" + self.folder +
                            "'], start_new_session=True), sys.exit(0))":
                                ("exited with status 0",)}.items():
            own = self.program(f"{what} if m['input'] == 7 else say({self.GOOD})")
            failed = self.replay(own, "--schedulers", "alert", "--set", "scheduler_settings.cmd-own.timeout_s=5", "--out",
                                 self.path("o"), "--overwrite")
            self.refused(failed, 1, own, *parts)
            manifest = self.manifest()
            self.assertEqual((manifest["status"], manifest["verdict"]["valid"]), ("failed", False))
            self.assertIn(parts[0], manifest["verdict"]["reasons"][0])
            self.assertEqual(len(self.decisions("o/traces/alert.energy.replay.jsonl")), 30)
            self.assertEqual(len(self.decisions("o/traces/cmd-own.energy.replay.jsonl")), 7)
            with open(self.path("o/traces/cmd-own.energy.replay.jsonl")) as f:
                end = json.loads(f.readlines()[-1])
            self.assertEqual((end["record"], end["status"]), ("end", "partial"))
            self.assertIn(parts[0], end["reason"])
            self.nothing_is_left()
        self.refused(self.replay("lib:" + self.library("odd"), "--set", "scheduler_settings.lib-scheduler-odd.do=network"), 1,
                     "scheduler-odd.so: input 2: decided on network 1000")

    def test_nothing_is_left_of_an_interrupted_or_killed_replay(self):
        own = self.program(f"time.sleep(1000) if m['input'] == 7 else say({self.GOOD})")
        for sent in (signal.SIGINT, signal.SIGKILL):
            replay = subprocess.Popen([PROGRAM, "replay", self.path("r"), "--scheduler", own, "--allow-commands", "--out", self.path("o"),
                                       "--overwrite"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
            ours = ["pgrep", "-f", "^/usr/bin/python3 " + self.path("own.py")]
            for _ in range(1000):
                if subprocess.run(ours, stdout=subprocess.DEVNULL).returncode == 0:
                    break
                time.sleep(0.01)
            replay.send_signal(sent)
            self.assertEqual(replay.wait(timeout=60), 1 if sent == signal.SIGINT else -9)
            for _ in range(1000):
                if subprocess.run(ours, stdout=subprocess.DEVNULL).returncode != 0:
                    break
                time.sleep(0.01)
            self.nothing_is_left()

    def test_grids_and_sweeps(self):
        own, library = self.program("say(" + self.GOOD + ")"), "lib:" + self.library("alert")
        done = self.replay(own, "--schedulers", "alert", "--scheduler", library, "--grid", "--deadlines", "2", "--levels", "2", "--out",
                           self.path("grid"), "--trace", "energy-t1.04-a0.8700", "--threads", "4")
        if "no setting of the grid" in done.stderr:
            setting = done.stderr.split("The settings are: ")[1].split(",")[0]
            done = self.replay(own, "--schedulers", "alert", "--scheduler", library, "--grid", "--deadlines", "2", "--levels", "2",
                               "--out", self.path("grid"), "--overwrite", "--trace", setting, "--threads", "4")
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path("grid/evaluation.json")) as f:
            evaluation = json.load(f)
        self.assertEqual(evaluation["schedulers"][-2:], ["cmd-own", "lib-scheduler-alert"])
        for cell in evaluation["cells"]:
            for s in cell["settings"]:
                self.assertEqual(s["results"]["alert"], s["results"]["lib-scheduler-alert"])
        self.assertEqual(len(glob.glob(self.path("grid/traces/*cmd-own*"))), 1)

        tiny_recording.make(self.path("r2"), "tiny", 2, 30)
        sweep = self.write("sweep.json", tiny_recording.sweep(recordings=["r", "r2"], schedulers=["alert", own, library],
                                                              scheduler_settings={own: {"x": 1}, "lib-scheduler-alert": {"preset": "tuned"}}))
        self.refused(call("sweep", sweep, "--out", self.path("whole")), 2, "sweep.json", "--allow-commands")
        self.assertEqual(call("sweep", sweep, "--dry-run").returncode, 0)
        for out, more in {"whole": (), "again": (), "part-1": ("--shard", "1/2"), "part-2": ("--shard", "2/2")}.items():
            done = call("sweep", sweep, "--out", self.path(out), "--allow-commands", *more)
            self.assertEqual(done.returncode, 0, done.stderr)
        merged = call("merge", self.path("part-1"), self.path("part-2"), "--out", self.path("merged"))
        self.assertEqual(merged.returncode, 0, merged.stderr)

        def content(name):
            with open(self.path(name) + "/evaluation.json", "rb") as f:
                return f.read()

        self.assertEqual(content("whole"), content("again"))
        self.assertEqual(content("whole"), content("merged"))
        with open(self.path("merged/plan.json")) as f:
            plan = json.load(f)
        self.assertEqual(plan["external_schedulers"], self.manifest("whole")["external_schedulers"])
        self.assertEqual([s["scheduler"] for s in plan["external_schedulers"]], [own, library])
        self.assertEqual(plan["scheduler_settings"]["cmd-own"], {"timeout_s": 30, "x": 1})
        # The same scheduler with other code is another one.
        self.program("say(" + self.GOOD + ")  # a change")
        self.refused(call("sweep", sweep, "--out", self.path("part-1"), "--allow-commands", "--shard", "1/2"), 2, "external_schedulers")
        done = call("sweep", sweep, "--out", self.path("part-1"), "--allow-commands", "--shard", "1/2", "--overwrite")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.refused(call("merge", self.path("part-1"), self.path("part-2"), "--out", self.path("m2")), 2, "external_schedulers", "cmd-own")
        # A cell whose scheduler fails does not stop the others.
        self.program("sys.exit(3)")
        self.refused(call("sweep", sweep, "--out", self.path("failing"), "--allow-commands"), 4, "4 of 4 cells failed", "status 3")
        self.nothing_is_left()


class Training(Folder):
    """alert-train on questions: which word stands after a colour."""

    COLOURS, WORDS = ("red", "blue", "green", "black"), ("one", "two", "three", "four", "five")
    OPTIONS = {"--network": "tiny", "--lr": "0.003", "--batch": "4", "--epochs": "2", "--test-articles": "1", "--checkpoint-every": "4"}

    def train(self, networks, **others):
        """`others`: options beside or instead of OPTIONS, with _ for -; None leaves one out."""
        options = {**self.OPTIONS, **{"--" + k.replace("_", "-"): v for k, v in others.items()}}
        program = os.path.join(os.path.dirname(PROGRAM), "alert-train")
        return subprocess.run([program, networks, *(x for k, v in options.items() if v is not None for x in (k, v))], capture_output=True,
                              text=True, timeout=300)

    def question(self, article, paragraph, colour):
        begin = 0
        words = []
        for k, c in enumerate(self.COLOURS):
            words += [c, self.WORDS[(article + paragraph * k) % 5]]
            if c == colour:
                begin, answer = len(" ".join(words)) - len(words[-1]), words[-1]
        return " ".join(words), {"id": f"{article}-{paragraph}-{colour}", "question": colour, "answers": [{"answer_start": begin, "text": answer}]}

    def data(self, name):
        """A folder with four articles, each of four paragraphs with three questions."""
        def paragraph(a, p):
            asked = [self.question(a, p, c) for c in self.COLOURS[:3]]
            return {"context": asked[0][0], "qas": [q for _, q in asked]}
        os.makedirs(self.path(name))
        self.write(name + "/dev-v1.1.json", {"version": "1.1", "data": [
            {"title": f"Article {a}", "paragraphs": [paragraph(a, p) for p in range(4)]} for a in range(4)]})
        self.write(name + "/vocab.txt", "\n".join(("[PAD]", "[UNK]", "[CLS]", "[SEP]", *self.COLOURS, *self.WORDS)))
        return self.path(name)

    def networks(self, name, **config):
        os.makedirs(self.path(name), exist_ok=True)
        config = {"vocabulary": 20, "hidden": 16, "layers": 2, "heads": 2, "exits": [1, 2], **config}
        return self.write(name + "/squad.json", {"schema_version": "1.0", "workload": "squad", "networks": [
            {"name": "tiny", "architecture": "bert", "config": config, "weights": "tiny.pt"}]})

    def test_a_network_for_questions(self):
        data = self.data("data")
        whole = self.networks("whole")
        trained = self.train(whole, data=data)
        self.assertEqual(trained.returncode, 0, trained.stderr)
        self.assertIn("36 training questions in 36 windows (0 left out), 12 test questions", trained.stderr)
        with open(whole) as f:
            accuracy = json.load(f)["networks"][0]["accuracy"]
        self.assertEqual((len(accuracy["f1"]), len(accuracy["exact"]), accuracy["source"]), (2, 2, "measured"))
        self.assertIn("the last 1 of 4 articles, 12 questions", accuracy["on"])
        with open(self.path("whole/tiny.train.json")) as f:
            log = json.load(f)
        self.assertEqual((log["test_articles"], log["word_embeddings"], len(log["epochs"])), (["Article 3"], "trained", 2))
        self.assertEqual((len(log["test_f1_as_stored"]), len(log["epochs"][1]["train_loss"])), (2, 2))
        self.assertFalse(os.path.exists(self.path("whole/tiny.checkpoint")))

        # In two legs, the second from a checkpoint within the first epoch.
        legs = self.networks("legs")
        for stop_after in ("1", None):
            again = self.train(legs, data=data, stop_after=stop_after)
            self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn("continues after step 8", again.stderr)
        with open(self.path("whole/tiny.pt"), "rb") as one, open(self.path("legs/tiny.pt"), "rb") as other:
            self.assertEqual(one.read(), other.read())

        # A scenario measures the same with the questions that were held back.
        profile = self.path("profile.json")
        measured = call("profile", "scenarios/squad.json", "--networks", whole, "--data", "squad=" + self.path("whole/tiny.test"),
                        "--set", 'candidates=["tiny"]', "--accuracy", "--inputs", "12", "--set", "warmup_inputs=0",
                        "--set", "profile_repetitions=2", "--set", "power.caps_w=[100]", "--out", profile)
        self.assertEqual(measured.returncode, 0, measured.stderr)
        with open(profile) as f:
            for got, wanted in zip(json.load(f)["models"][0]["accuracy"], accuracy["f1"]):
                self.assertAlmostEqual(got, wanted, 6)

        rounded = self.networks("rounded")
        trained = self.train(rounded, data=data, epochs="1", precision="bfloat16")
        self.assertEqual(trained.returncode, 0, trained.stderr)
        with open(self.path("rounded/tiny.train.json")) as f:
            rounded_log = json.load(f)
        self.assertEqual(rounded_log["precision"], "bfloat16")
        self.assertNotIn("precision", log)
        exact_loss, rounded_loss = log["epochs"][0]["train_loss"][1], rounded_log["epochs"][0]["train_loss"][1]
        self.assertAlmostEqual(rounded_loss / exact_loss, 1, 1)

        # The weights are a beginning for others.
        more = self.networks("more")
        begun = self.train(more, data=data, init=self.path("whole/tiny.pt"))
        self.assertEqual(begun.returncode, 0, begun.stderr)
        with open(self.path("more/tiny.train.json")) as f:
            log = json.load(f)
        self.assertEqual((log["word_embeddings"], log["new_heads"], log["begun_from"]["network"]), ("as they were", [], "tiny"))

    def test_what_questions_cannot_be_trained_with(self):
        data, networks = self.data("data"), self.networks("n")

        def refused(*parts, file=networks, **others):
            self.refused(self.train(file, **{"data": data, **others}), 2, *parts)
        refused("--data", "dev-v1.1.json", data=None)
        refused("has only 4 articles", test_articles="4")
        refused("--method orthogonalized", method="orthogonalized")
        refused("--steps", "does not apply", steps="3")
        refused("--batch 64", "36 windows", batch="64")
        refused("vocabulary: 12", "13 word pieces", file=self.networks("m", vocabulary=12))
        refused("12 tokens", "\"positions\"", file=self.networks("p", positions=11))
        lstm = os.path.join(ROOT, "networks/ptb/lstm-w50.pt")
        refused(lstm, "do not fit", "missing: bert.embeddings", init=lstm)
        os.makedirs(self.path("empty"))
        refused("empty/dev-v1.1.json: no such file", data=self.path("empty"))
        shutil.copytree(data, self.path("n/tiny.test"), dirs_exist_ok=True)
        refused("n/tiny.test: is where", data=self.path("n/tiny.test"))
        with open(data + "/dev-v1.1.json", "rb") as one, open(self.path("n/tiny.test/dev-v1.1.json"), "rb") as other:
            self.assertEqual(one.read(), other.read())
        shutil.copy(data + "/dev-v1.1.json", data + "/train-v1.1.json")
        refused("--test-articles", "train-v1.1.json")
        os.remove(data + "/train-v1.1.json")
        with open(data + "/dev-v1.1.json") as f:
            file = json.load(f)
        for paragraph in file["data"][0]["paragraphs"]:
            for question in paragraph["qas"]:
                del question["answers"][0]["answer_start"]
        self.write(data + "/dev-v1.1.json", file)
        refused("question \"0-0-red\" and 11 more of 36", "answer_start")
        self.assertFalse(os.path.exists(self.path("n/tiny.pt")))

    def test_a_file_to_train_on_and_one_to_test_on(self):
        data, networks = self.data("data"), self.networks("n")
        shutil.copy(data + "/dev-v1.1.json", data + "/train-v1.1.json")
        trained = self.train(networks, data=data, epochs="1", test_articles=None, checkpoint_every="0")
        self.assertEqual(trained.returncode, 0, trained.stderr)
        self.assertIn("48 training questions in 48 windows (0 left out), 48 test questions", trained.stderr)
        self.assertFalse(os.path.exists(self.path("n/tiny.test")))


class WithNetworks(Folder):
    result = None

    @classmethod
    def setUpClass(cls):
        cls.result = tempfile.mkdtemp(prefix="alert-bench-cli-result-")
        cls.ran = call("run", "scenarios/smoke.json", "--out", cls.result + "/r")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.result, ignore_errors=True)

    def test_profile_measures_accuracy(self):
        out = self.path("p.json")
        small = ("--inputs", "12", "--set", "profile_repetitions=2", "--set", "power.caps_w=[100]")
        result = call("profile", "scenarios/smoke.json", "--accuracy", "--out", out, *small)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("top-5 %", result.stdout)
        with open(out) as f:
            for model in json.load(f)["models"]:
                self.assertEqual(model["accuracy_source"], "measured")
                self.assertIn("; 12 inputs", model["accuracy_on"])
                for value in model["accuracy"]:  # twelfths, and far above a guess
                    self.assertAlmostEqual(12 * value, round(12 * value))
                    self.assertGreater(value, 0.5)
        self.refused(call("profile", "scenarios/default.json", "--accuracy", "--out", self.path("q.json"), *small), 2,
                     "its weights are random")

    def test_a_cascade_is_as_accurate_as_its_members(self):
        with open(ROOT + "/networks/fashion-mnist.json") as f:
            w8, w16 = json.load(f)["networks"][:2]
        for network in (w8, w16):
            network["weights"] = os.path.join(ROOT, "networks", network["weights"])
        members = [w8["name"], w16["name"]]
        last, one, mean = ({"name": name, "architecture": "cascade", "config": {"members": of, "answer": answer}}
                           for name, of, answer in (("last", members, "last"), ("one", members[1:], "average"), ("mean", members, "average")))
        networks = {"schema_version": "1.0", "workload": "fashion-mnist", "networks": [last, w8, w16, one, mean]}
        path = self.write("n.json", networks)
        options = ("scenarios/smoke.json", "--networks", path, "--set", "candidates=[]", "--set", "co_runner.kind=none", "--set",
                   "profile_repetitions=3", "--set", "power.caps_w=[50,100]", "--set", "record.pace=none")
        # Nobody knows how accurate averaged answers are until they are measured.
        for command in (("validate", path), ("run", *options, "--out", self.path("r")), ("run", *options, "--dry-run"),
                        ("record", *options, "--out", self.path("r")), ("profile", *options, "--out", self.path("p.json"))):
            self.refused(call(*command), 2, "n.json: networks[4]: accuracy: is missing", "--accuracy")
        self.assertEqual(os.listdir(self.folder), ["n.json"])
        listed = call("list", "models", "--folder", self.folder)
        self.assertRegex(listed.stdout, r"\nmean +fashion-mnist .* 2 +present +- +unknown\n")
        self.assertRegex(listed.stdout, r"\nlast +fashion-mnist .* 2 +present +90.7 91.5 % top-1 +measured: ")
        profiled = call("profile", *options, "--inputs", "300", "--accuracy", "--out", self.path("p.json"))
        self.assertEqual(profiled.returncode, 0, profiled.stderr)
        with open(self.path("p.json")) as f:
            models = json.load(f)["models"]
        accuracy = {model["name"]: model["accuracy"] for model in models}
        self.assertEqual(accuracy["last"], accuracy["resnet-w8"] + accuracy["resnet-w16"])
        self.assertEqual(accuracy["one"], accuracy["resnet-w16"])
        self.assertEqual(accuracy["mean"][0], accuracy["resnet-w8"][0])
        self.assertGreater(accuracy["mean"][1], accuracy["resnet-w8"][0])
        for model in models:  # the second member takes its own time as well
            if model["name"] in ("last", "mean"):
                ends = [stage["median_s"][1] for stage in model["stages"]]
                self.assertGreater(ends[1], 1.5 * ends[0])
        # Its profile is as good as the accuracy in the file, and so are the printed lines once they are there.
        ran = call("run", *options, "--schedulers", "alert,oracle", "--profile", self.path("p.json"), "--inputs", "12", "--out", self.path("r"))
        self.assertIn(ran.returncode, (0, 4), ran.stderr)
        with open(self.path("r/manifest.json")) as f:
            manifest = json.load(f)
        facts = {network["name"]: network for network in manifest["networks"]}
        self.assertEqual(facts["mean"]["answer"], "average")
        self.assertEqual([(m["name"], m["weights"]) for m in facts["mean"]["members"]], [(n["name"], n["weights"]) for n in (w8, w16)])
        self.assertIsNone(facts["mean"]["accuracy_source"])
        self.assertNotIn("weights", facts["mean"])
        self.assertEqual(sum(f["path"] == w16["weights"] for f in manifest["files"]), 1)
        self.assertEqual(call("validate", self.path("r")).returncode, 0)
        lines = [line for line in profiled.stdout.splitlines() if line.startswith('  "accuracy": ')]
        self.assertEqual(len(lines), 1, profiled.stdout)
        mean.update(json.loads("{" + lines[0] + "}"))
        for stated, measured in zip(mean["accuracy"]["top1"], accuracy["mean"], strict=True):
            self.assertAlmostEqual(stated, measured, places=6)
        self.write("n.json", networks)
        check = call("validate", path, "--load")
        self.assertEqual(check.returncode, 0, check.stderr)
        self.assertEqual(call("run", *options, "--dry-run").returncode, 0)

    def test_cascades_of_words_and_questions(self):
        texts = {"train": ["a b c d e", "b c a", "a a e"] * 5, "valid": ["a b c", "e a"] * 5}
        for split, lines in texts.items():
            self.write(f"ptb.{split}.txt", "".join(f" {line} \n" for line in lines))
        words = [{"name": f"lstm-{layers}", "architecture": "lstm", "config": {"vocabulary": 6, "units": 64, "layers": layers, "stripes": layers},
                  "accuracy": {"perplexity": [5.0 - stage for stage in range(layers)], "guess_perplexity": 6, "source": "assumed", "on": "x"}}
                 for layers in (1, 2)]
        questions = [{"name": f"bert-{layers}", "architecture": "bert", "config": {"hidden": 32, "layers": layers},
                      "accuracy": {"f1": [layers / 4], "exact": [layers / 4], "source": "assumed", "on": "x"}} for layers in (1, 2)]
        for workload, networks, data, size in (("ptb", words, ("--data", f"ptb={self.folder}"), "14"), ("squad", questions, (), "8")):
            names = [network["name"] for network in networks]
            stated = {"accuracy": {key: networks[0]["accuracy"][key] + networks[1]["accuracy"][key][-1:] if isinstance(value, list) else value
                                   for key, value in networks[0]["accuracy"].items()}}
            networks += [{"name": "last", "architecture": "cascade", "config": {"members": names}},
                         {"name": "mean", "architecture": "cascade", "config": {"members": names, "answer": "average"}, **stated}]
            path = self.write(f"{workload}.json", {"schema_version": "1.0", "workload": workload, "networks": networks})
            out = self.path(workload)
            ran = call("run", f"scenarios/{workload}.json", "--networks", path, *data, "--inputs", size, "--set", "candidates=[]", "--set",
                       "profile_repetitions=3", "--set", "co_runner.kind=none", "--schedulers", "alert-any,oracle", "--out", out)
            self.assertIn(ran.returncode, (0, 4), ran.stderr)
            self.assertEqual(call("validate", out).returncode, 0)
            with open(out + "/profile.json") as f:
                models = json.load(f)["models"]
            self.assertEqual([len(model["accuracy"]) for model in models[2:]], [2, 2])
            self.assertEqual(models[2]["accuracy"], models[3]["accuracy"])
            self.assertEqual(models[2]["accuracy"][1], models[1]["accuracy"][-1])
            self.refused(call("profile", f"scenarios/{workload}.json", "--networks", path, *data, "--inputs", size, "--set", "candidates=[]",
                              "--accuracy", "--out", self.path("p.json")), 2, "its weights are random")

    def test_schedulers_of_the_users_own_decide_live(self):
        library = "lib:" + os.path.join(os.path.dirname(PROGRAM), "scheduler-fastest.so")
        few = ("--inputs", "10", "--set", "profile_repetitions=2", "--set", "power.caps_w=[60,100]", "--schedulers", "alert")
        run = ("run", "scenarios/smoke.json", *few, "--scheduler", library, "--out", self.path("r"))
        self.refused(call(*run), 2, library, "--allow-commands")
        self.assertFalse(os.path.exists(self.path("r")))
        ran = call(*run, "--scheduler", "cmd:examples/scheduler/greedy.py", "--allow-commands")
        self.assertIn(ran.returncode, (0, 4), ran.stderr)
        self.assertEqual(call("validate", self.path("r")).returncode, 0)
        for name in ("lib-scheduler-fastest", "cmd-greedy"):
            for path in glob.glob(self.path("r/traces/") + name + ".*.live.jsonl"):
                with open(path) as f:
                    self.assertTrue(all(x["decide_s"] > 0 for x in map(json.loads, f) if x["record"] == "input"))
            self.assertEqual(len(glob.glob(self.path("r/traces/") + name + ".*")), 4)
        # One that fails live: profile, recording and the traces so far stay.
        own = self.write("own.py", "import json, sys\nsys.stdin.readline()\nprint('{\"protocol\": 1}', flush=True)\nsys.stdin.readline()\n")
        failed = call(*run, "--scheduler", "cmd:/usr/bin/python3 " + own, "--allow-commands", "--overwrite", "--recording",
                      self.path("r/recording"))
        self.refused(failed, 1, "exited with status 0")
        self.assertEqual(call("validate", self.path("r/recording")).returncode, 0)
        with open(glob.glob(self.path("r/traces/") + "alert.*.live.jsonl")[0]) as f:
            end = json.loads(f.readlines()[-1])
        self.assertEqual((end["record"], end["status"]), ("end", "partial"))
        self.assertEqual(generators(), [])

    def test_run_leaves_a_sound_result(self):
        folder = self.result + "/r"
        self.assertEqual(self.ran.returncode, 0, self.ran.stderr)
        self.assertIn("Live versus replay", self.ran.stdout)
        self.assertEqual(generators(), [])
        check = call("validate", folder)
        self.assertEqual(check.returncode, 0, check.stderr)
        with open(folder + "/manifest.json") as f:
            manifest = json.load(f)
        self.assertEqual(manifest["status"], "complete")
        self.assertTrue(manifest["verdict"]["valid"], manifest["verdict"])
        inference = manifest["libraries"]["inference"]
        self.assertTrue(inference["blas"], inference)
        self.assertTrue(any("OpenMP" in line for line in inference["libtorch_build"]), inference)
        self.assertEqual(len(inference["openmp"]), 1, "two OpenMP runtimes disturb each other")
        for network in manifest["networks"]:
            self.assertIn("prepacked", network)
            self.assertTrue(network["prepacked"] is not False or not inference["onednn"], network)
        self.assertNotIn("NaN", json.dumps(manifest))
        with open(folder + "/summary.json") as f:
            summary = json.load(f)
        modes = {(r["scheduler"], r["setting"], r["mode"]) for r in summary["results"]}
        self.assertEqual(len(modes), len(schedulers()) * 2 * 2)
        self.assertEqual(len(glob.glob(folder + "/traces/*.jsonl")), len(schedulers()) * 2 * 2)
        for path in glob.glob(folder + "/traces/*.jsonl"):
            with open(path) as f:
                lines = [json.loads(line) for line in f]
            self.assertEqual(lines[0]["energy_source"], "model")
            self.assertEqual(lines[-1]["status"], "complete")
            self.assertEqual(lines[0]["goals"]["judge"], "mean")
            judged = [line for line in lines if line["record"] == "input" and not line["warmup"]]
            self.assertEqual(lines[-1]["verdict"]["inputs"], len(judged))
            self.assertAlmostEqual(lines[-1]["verdict"]["mean_accuracy"], sum(line["accuracy"] for line in judged) / len(judged))
            self.assertEqual(sum(line["record"] == "input" for line in lines), 18)
            on = {line["input"] for line in lines if line["record"] == "input" and line["co_runner"]}
            self.assertEqual(on, set(range(6, 12)))
            self.assertTrue(all(line["correct"] is not None for line in lines if line["record"] == "input"))

    def test_profile_and_recording_say_how_they_were_paced(self):
        self.assertIn("Profiling at the pace of live runs (record.pace): about", self.ran.stderr)
        self.assertIn("Recording at the pace of live runs (record.pace): about", self.ran.stderr)
        with open(self.result + "/r/profile.json") as f:
            profile = json.load(f)
        with open(self.result + "/r/summary.json") as f:
            deadline_s = json.load(f)["goals"][0]["deadline_s"]
        with open(self.result + "/r/recording/recording.json") as f:
            info = json.load(f)["info"]
        self.assertEqual((profile["pace"], info["pace"]), ("live", "live"))
        self.assertAlmostEqual(info["pace_deadline_s"], deadline_s)
        # An older profile does not say: then it was not.
        del profile["pace"]
        older = self.write("older.json", profile)
        small = ("--profile", older, "--inputs", "4", "--set", "co_runner.kind=none")
        mixed = call("record", "scenarios/smoke.json", *small, "--out", self.path("m"))
        self.assertEqual(mixed.returncode, 0, mixed.stderr)
        self.assertIn('measured at pace "none", this scenario\'s record.pace is "live"', mixed.stderr)
        alike = call("record", "scenarios/smoke.json", *small, "--set", "record.pace=none", "--out", self.path("a"))
        self.assertEqual(alike.returncode, 0, alike.stderr)
        self.assertNotIn("pace", alike.stderr)
        with open(self.path("a/recording/recording.json")) as f:
            info = json.load(f)["info"]
        self.assertEqual((info["pace"], info["pace_deadline_s"]), ("none", None))

    def test_inputs_arrive_live_as_in_replay(self):
        times = [0, 0, 0.05, *(0.05 + 0.03 * n for n in range(1, 8))]
        path = self.write("times.txt", "".join(f"{2 * t}\n" for t in times))
        result = call("run", "scenarios/smoke.json", "--inputs", "10", "--set", "profile_repetitions=2", "--set", "co_runner.kind=none",
                      "--set", "arrivals=" + json.dumps({"kind": "file", "path": path, "speed": 2}), "--schedulers", "alert,oracle-static",
                      "--out", self.path("r"))
        self.assertEqual(result.returncode, 0, result.stderr)
        with open(self.path("r/manifest.json")) as f:
            manifest = json.load(f)
        with open(path, "rb") as f:
            sha256 = hashlib.sha256(f.read()).hexdigest()
        self.assertIn(sha256, [f["sha256"] for f in manifest["files"] if f["path"] == path])
        self.assertEqual((manifest["scenario"]["arrivals"]["sha256"], manifest["scenario"]["arrivals"]["speed"]), (sha256, 2))
        for mode in ("live", "replay"):
            with open(self.path(f"r/traces/alert.energy.{mode}.jsonl")) as f:
                rows = [r for r in map(json.loads, f) if r["record"] == "input"]
            for r, t in zip(rows, times):
                self.assertAlmostEqual(r["arrival_s"], t)
            # The second comes with the first, and waits for it; live, also for its decision and cap.
            self.assertGreaterEqual(rows[1]["wait_s"], rows[0]["busy_s"] - 1e-9)
            if mode == "replay":
                self.assertAlmostEqual(rows[1]["wait_s"], rows[0]["busy_s"])
        self.refused(call("run", "scenarios/ptb.json", "--set", 'arrivals={"kind": "poisson", "mean_period_s": 1}', "--out", self.path("p")), 2,
                     "ptb.json", "share deadlines")
        self.assertFalse(os.path.exists(self.path("p")))

    def test_sentences_share_a_deadline(self):
        texts = {"train": ["a b c d e", "b c a", "a a e"] * 5, "valid": ["a b c", "e a"] * 5}
        for split, lines in texts.items():
            self.write(f"ptb.{split}.txt", "".join(f" {line} \n" for line in lines))
        # <eos> and five words.
        lstm = {"architecture": "lstm", "random_seed": 1}
        accuracy = {"guess_perplexity": 5, "source": "assumed", "on": "made up"}
        networks = self.write("networks.json", {"schema_version": "1.0", "workload": "ptb", "networks": [
            {"name": "plain", "config": {"vocabulary": 6, "units": 64, "layers": 1, "stripes": 1},
             "accuracy": {"perplexity": [4.2], **accuracy}, **lstm},
            {"name": "nested", "config": {"vocabulary": 6, "units": 64, "layers": 2, "stripes": 2},
             "accuracy": {"perplexity": [4.5, 3], **accuracy}, **lstm}]})
        result = call("run", "scenarios/ptb.json", "--networks", networks, "--data", f"ptb={self.folder}", "--inputs", "14",
                      "--set", "profile_repetitions=3", "--set", "co_runner.kind=none", "--out", self.path("r"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(call("validate", self.path("r")).returncode, 0)
        with open(self.path("r/traces/alert.energy.replay.jsonl")) as f:
            lines = [json.loads(line) for line in f]
        words, deadline_s = lines[1:-1], lines[0]["goals"]["deadline_s"]
        self.assertIn("sentence 1, word 1", words[0]["input_id"])
        self.assertAlmostEqual(words[0]["deadline_s"], deadline_s)
        # Four words (with <eos>): the second begins where the first ends, and shares what that left with two more.
        end_s = words[0]["arrival_s"] + words[0]["busy_s"]
        self.assertAlmostEqual(words[1]["arrival_s"], end_s)
        self.assertAlmostEqual(words[1]["deadline_s"], max(0, 4 * deadline_s - end_s) / 3)
        self.assertIsNone(words[0]["correct"])  # random weights
        self.assertIn("random weights", result.stderr)
        self.assertIn("language quality", result.stdout)
        with open(self.path("r/profile.json")) as f:
            profile = json.load(f)
        self.assertEqual((profile["accuracy_unit"], profile["fail_accuracy"]), ("language_quality", 0))
        for stage, perplexity in enumerate((4.5, 3)):
            self.assertAlmostEqual(profile["models"][1]["accuracy"][stage], 1 - math.log(perplexity) / math.log(5))
        # A profile in another unit is refused: the goals would mean something else.
        profile["accuracy_unit"] = "top1"
        self.refused(call("run", "scenarios/ptb.json", "--networks", networks, "--data", f"ptb={self.folder}", "--inputs", "14",
                          "--set", "co_runner.kind=none", "--profile", self.write("p.json", profile), "--out", self.path("r2")), 2,
                     "p.json", "accuracy_unit", "language_quality", "alert-bench profile")

    def test_questions_differ_in_size(self):
        networks = self.write("networks.json", {"schema_version": "1.0", "workload": "squad", "networks": [
            {"name": f"bert-{layers}", "architecture": "bert", "random_seed": 1,
             "config": {"hidden": 32, "layers": layers, "exits": exits},
             "accuracy": {"f1": f1, "exact": f1, "source": "assumed", "on": "made up"}}
            for layers, exits, f1 in ((1, [1], [0.5]), (2, [1, 2], [0.4, 0.6]))]})
        result = call("run", "scenarios/squad.json", "--networks", networks, "--set", "candidates=[]", "--inputs", "8",
                      "--set", "profile_repetitions=8", "--set", "co_runner.kind=none", "--out", self.path("r"))
        self.assertEqual(result.returncode, 0, result.stderr)
        with open(self.path("r/profile.json")) as f:
            profile = json.load(f)
        self.assertEqual(profile["size_unit"], "tokens")
        self.assertGreater(profile["mean_size"], 50)
        with open(self.path("r/recording/recording.json")) as f:
            self.assertIn("size", json.load(f)["arrays"])
        again = call("replay", self.path("r/recording"), "--json")
        self.assertEqual(again.returncode, 0, again.stderr)

    def test_report_and_replay_say_the_same_again(self):
        folder = self.result + "/r"
        self.assertEqual(call("report", folder).stdout, self.ran.stdout)
        for out in ("a", "b"):
            done = call("replay", folder + "/recording", "--out", self.path(out))
            self.assertEqual(done.returncode, 0, done.stderr)
        first = sorted(os.path.basename(p) for p in glob.glob(self.path("a") + "/traces/*"))
        self.assertEqual(len(first), len(schedulers()) * 2)
        for name in first:
            with open(self.path("a") + "/traces/" + name, "rb") as a, open(self.path("b") + "/traces/" + name, "rb") as b, \
                    open(folder + "/traces/" + name, "rb") as original:
                text = a.read()
                self.assertEqual(text, b.read(), name)
                self.assertEqual(text, original.read(), name)

    def test_a_result_is_not_overwritten_unasked(self):
        self.refused(call("run", "scenarios/smoke.json", "--out", self.result + "/r"), 2, "overwrite")

    def test_a_damaged_recording_is_refused(self):
        shutil.copytree(self.result + "/r/recording", self.path("rec"))
        with open(self.path("rec/stage_end_s.npy"), "r+b") as f:
            f.seek(200)
            f.write(b"\x01")
        self.refused(call("replay", self.path("rec")), 2, "stage_end_s.npy")

    def test_a_scenario_longer_than_the_data(self):
        """Each input counts once for the accuracy; a run says that it repeats them."""
        folder = self.path("images")
        os.mkdir(folder)
        for name, magic, content in (("t10k-images-idx3-ubyte", 0x803, bytes([0, 0, 0, 28, 0, 0, 0, 28]) + bytes(3 * 784)),
                                     ("t10k-labels-idx1-ubyte", 0x801, bytes([0, 1, 2]))):
            with open(os.path.join(folder, name), "wb") as f:
                f.write(magic.to_bytes(4, "big") + (3).to_bytes(4, "big") + content)
        result = call("profile", "scenarios/smoke.json", "--accuracy", "--out", self.path("p.json"), "--data", "fashion-mnist=" + folder,
                      "--inputs", "11", "--quiet", "--set", "profile_repetitions=2", "--set", "power.caps_w=[100]")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("inputs: 11 are requested, but the data has 3 ", result.stderr)
        with open(self.path("p.json")) as f:
            for model in json.load(f)["models"]:
                self.assertIn("; 3 inputs", model["accuracy_on"])
                self.assertAlmostEqual(3 * model["accuracy"][0], round(3 * model["accuracy"][0]))

    def test_torn_weights_and_wrong_classes(self):
        with open(ROOT + "/networks/fashion-mnist.json") as f:
            networks = json.load(f)
        one = networks["networks"][0]
        with open(os.path.join(ROOT, "networks", one["weights"]), "rb") as f:
            whole = f.read()
        with open(self.path("torn.pt"), "wb") as f:
            f.write(whole[:len(whole) // 2])
        networks["networks"] = [dict(one, weights="torn.pt")]
        scenario = smoke(networks=self.write("n.json", networks), candidates=[], schedulers=["oracle"])
        path = self.write("s.json", scenario)
        self.refused(call("run", path, "--out", self.path("r")), 2, "torn.pt")
        with open(self.path("r/manifest.json")) as f:
            self.assertEqual(json.load(f)["status"], "failed")
        bad = dict(one, config=dict(one["config"], classes=12))
        del bad["weights"]
        networks["networks"] = [bad]
        self.write("n.json", networks)
        self.refused(call("run", path, "--out", self.path("r2")), 2, "12 scores", "10 classes")

    def test_missing_data_and_forbidden_command(self):
        for command in ("run", "record"):
            self.refused(call(command, "scenarios/smoke.json", "--data", "fashion-mnist=" + self.path("absent"), "--out",
                              self.path("r")), 2, "absent")
            self.assertFalse(os.path.exists(self.path("r")), "the same command with the right folder must not need --overwrite")
        path = self.write("s.json", smoke(co_runner={"kind": "command", "command": ["sleep", "1000"]}))
        for command in ("run", "record"):
            self.refused(call(command, path, "--out", self.path("r2")), 2, "--allow-commands")
            self.refused(call(command, "scenarios/smoke.json", "--set", "placement.inference_cpu=4000", "--out", self.path("r2")), 3,
                         "placement: inference_cpu", "4000")
        self.assertFalse(os.path.exists(self.path("r2")))

    def test_networks_that_are_native_code_need_a_permission(self):
        package = {"name": "fast", "architecture": "aotinductor", "weights": "fast.pt2",
                   "input": {"channels": 1, "height": 28, "width": 28, "mean": [73], "scale": [0.011]},
                   "accuracy": {"top1": [0.5], "source": "assumed", "on": "nothing"}}
        networks = self.write("n.json", {"schema_version": "1.0", "workload": "fashion-mnist", "networks": [package]})
        self.write("fast.pt2", {})
        for command in (("run", "scenarios/smoke.json", "--out", self.path("r")), ("record", "scenarios/smoke.json", "--out", self.path("r")),
                        ("profile", "scenarios/smoke.json", "--out", self.path("p.json"))):
            self.refused(call(*command, "--networks", networks, "--set", 'candidates=["fast"]', "--set", "co_runner.kind=none"), 2,
                         "n.json: networks: fast: ", "fast.pt2 is native code", "--allow-commands")
        self.assertFalse(os.path.exists(self.path("r")))
        self.refused(call("validate", networks, "--load"), 2, "fast.pt2 is native code", "--allow-commands")
        self.assertEqual(call("validate", networks).returncode, 0)

    def test_real_caps_and_counters(self):
        with FakeMachine(self.path("m")) as machine:
            ran = call("run", "scenarios/smoke.json", "--out", self.path("r"), "--schedulers", "alert,oracle-static", "--set",
                       "power.backend=auto", "--set", "power.root=" + machine.root, "--allow-commands", "--set", "co_runner.kind=none")
            self.assertEqual(ran.returncode, 0, ran.stderr)
            self.assertEqual(machine.caps(), machine.found)
            self.assertFalse(os.path.exists(machine.state_file()))
            with open(self.path("r/manifest.json")) as f:
                manifest = json.load(f)
            self.assertEqual(manifest["energy_source"], "rapl")
            power = manifest["power"]
            self.assertEqual((power["backend"], power["caps"]["zones"][0]["limits"]["long_term"]["found_w"]), ("rapl", 125))
            self.assertEqual(power["meter"]["windows"], 2 * 2 * 18)
            self.assertIn("backend auto is rapl", " ".join(manifest["warnings"]))
            with open(self.path("r/profile.json")) as f:
                profile = json.load(f)
            self.assertEqual((profile["energy_source"], profile["power_backend"]), ("rapl", "rapl"))
            self.assertAlmostEqual(profile["idle_power_w"], 60, delta=6)
            with open(self.path("r/traces/alert.energy.live.jsonl")) as f:
                lines = [json.loads(line) for line in f]
            self.assertEqual(lines[0]["energy_source"], "rapl")
            # The counter is a thread of this test: on a busy machine it may stand still for the length of an input, not of a run.
            energies_j = [line["energy_j"] for line in lines[1:-1]]
            self.assertTrue(all(e >= 0 for e in energies_j))
            self.assertGreater(sum(energies_j), 0.2 * 35 * sum(line["busy_s"] for line in lines[1:-1]))
            observed = power["caps_observed"]["caps"]
            self.assertEqual([(c["cap_w"], c["in_force"]) for c in observed[:2]], [(35, True), (50, True)])
            self.assertEqual(call("validate", self.path("r")).returncode, 0)
            # Powers that were measured and powers that were made up do not mix.
            self.refused(call("run", "scenarios/smoke.json", "--profile", self.path("r/profile.json"), "--set",
                              'candidates=["resnet-w16","nested-w64"]', "--out", self.path("r2")), 2, "rapl", "emulated")

    def test_caps_are_put_back_whatever_ends_the_run(self):
        with FakeMachine(self.path("m")) as machine:
            power = ("--set", "power.backend=rapl", "--set", "power.root=" + machine.root, "--allow-commands", "--set", "co_runner.kind=none")
            for end in (signal.SIGINT, signal.SIGHUP, signal.SIGKILL):
                process = self.start_long_run(self.path(f"r{int(end)}"), *power)
                self.assertTrue(os.path.exists(machine.state_file()))
                if end == signal.SIGINT:
                    self.refused(call("run", "scenarios/smoke.json", "--out", self.path("second"), *power), 3,
                                 f"process {process.pid}", "since")
                    self.refused(call("restore", "--root", machine.root), 3, f"process {process.pid}")
                process.send_signal(end)
                self.assertEqual(process.wait(60), -9 if end == signal.SIGKILL else 1)
                deadline = time.time() + 3
                while end == signal.SIGKILL and os.path.exists(machine.state_file()) and time.time() < deadline:
                    time.sleep(0.02)
                self.assertFalse(os.path.exists(machine.state_file()), end)
                self.assertEqual(machine.caps(), machine.found, end)

    def test_caps_and_counter_of_a_gpu(self):
        gpu = FakeGpu(self.folder)
        run = ("run", "scenarios/smoke.json", *gpu.options, "--set", "co_runner.kind=none")
        self.refused(call(*run, "--out", self.path("r1")), 2, "nvml_library", "--allow-commands")
        self.refused(call(*run, "--set", "power.nvml_library=libnvidia-ml.so.1", "--out", self.path("r3")), 2, "power: root", gpu.root,
                     "--allow-commands")
        self.refused(call("run", "scenarios/smoke.json", "--set", "power.backend=nvml", "--out", self.path("r2")), 3,
                     "libnvidia-ml.so.1 cannot be opened")
        few = ("--inputs", "8", "--schedulers", "alert", "--set", "profile_repetitions=2")
        ran = call(*run, *few, "--out", self.path("r"), "--allow-commands", env=gpu.environment)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertEqual(gpu.get("limit_mw"), "380000")
        self.assertFalse(os.path.exists(gpu.state_file()))
        with open(self.path("r/manifest.json")) as f:
            manifest = json.load(f)
        self.assertEqual(manifest["energy_source"], "nvml")
        power = manifest["power"]
        self.assertEqual((power["backend"], power["caps"]["gpu"]["uuid"], power["caps"]["found_w"]), ("nvml", gpu.UUID, 380))
        self.assertGreater(power["caps"]["changes"]["count"], 0)
        self.assertIn("run on the processor", " ".join(manifest["warnings"]))
        with open(self.path("r/profile.json")) as f:
            profile = json.load(f)
        self.assertEqual((profile["energy_source"], profile["power_backend"]), ("nvml", "nvml"))
        with open(self.path("r/traces/alert.energy.live.jsonl")) as f:
            lines = [json.loads(line) for line in f]
        self.assertEqual(lines[0]["energy_source"], "nvml")
        self.assertTrue(all(line["energy_j"] > 0 for line in lines[1:-1]))
        self.assertEqual(call("validate", self.path("r")).returncode, 0)

        process = self.start_long_run(self.path("lost"), *gpu.options, "--set", "co_runner.kind=none", "--set", "profile_repetitions=2",
                                      "--allow-commands", env=gpu.environment)
        gpu.put("lost", 1)
        self.ended_badly(process, self.path("lost"), 1, "GPU is lost")
        self.assertTrue(os.path.exists(gpu.state_file()), "what could not be put back must stay known")
        os.remove(os.path.join(gpu.folder, "lost"))
        self.assertEqual(call("restore", "--root", gpu.root, "--nvml-library", gpu.library, env=gpu.environment).returncode, 0)
        self.assertEqual(gpu.get("limit_mw"), "380000")

    def test_own_networks_without_an_anytime_one(self):
        small = ("--inputs", "6", "--set", "profile_repetitions=2", "--set", "co_runner.kind=none")
        ran = call("run", "scenarios/smoke.json", *small, "--set", 'candidates=["resnet-w8","resnet-w16"]', "--out", self.path("r"))
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("note: scheduler app-only is omitted", ran.stderr)
        with open(self.path("r/manifest.json")) as f:
            manifest = json.load(f)
        self.assertNotIn("app-only", manifest["scenario"]["schedulers"])
        self.assertIn("app-only", json.dumps(manifest["schedulers_left_out"]))
        for name in manifest["outputs"]:
            self.assertFalse(os.path.isabs(name))
        written = {os.path.relpath(os.path.join(at, f), self.path("r")) for at, _, files in os.walk(self.path("r")) for f in files}
        self.assertLessEqual(written, set(manifest["outputs"]))
        for more in ((), ("--grid",)):
            again = call("replay", self.path("r/recording"), *more)
            self.assertEqual(again.returncode, 0, again.stderr)

    def test_processors_given_from_outside(self):
        allowed = sorted(os.sched_getaffinity(0))
        if len(allowed) < 2:
            self.skipTest("needs two processors")
        small = ("--inputs", "6", "--set", "profile_repetitions=2", "--schedulers", "oracle-static")

        def only_the_last():
            os.sched_setaffinity(0, {allowed[-1]})
        ran = call("run", "scenarios/smoke.json", *small, "--out", self.path("r"), preexec_fn=only_the_last)
        self.assertIn(ran.returncode, (0, 4), ran.stderr)  # beside other work the co-runner may starve
        with open(self.path("r/manifest.json")) as f:
            placement = json.load(f)["placement"]
        self.assertEqual((placement["inference_cpus"], placement["co_runner_cpus"]), ([allowed[-1]], [[allowed[-1]]]))
        for setting, key in ((f"placement.inference_cpu={allowed[0]}", "inference_cpu"), (f"placement.harness_cpu={allowed[0]}", "harness_cpu")):
            self.refused(call("run", "scenarios/smoke.json", *small, "--set", setting, "--out", self.path(key), preexec_fn=only_the_last), 3,
                         f"placement: {key}: processor {allowed[0]} cannot be used", f"may use are {allowed[-1]} ", "--set placement.")
        self.refused(call("run", "scenarios/smoke.json", *small, "--set", "co_runner.kind=memory", "--out", self.path("memory"),
                          preexec_fn=only_the_last), 3, "placement: other_cpu", "--set placement.other_cpu=-1")
        self.assertEqual(generators(), [])

    def test_nobody_reads_what_a_run_says(self):
        out = self.path("r")
        process = subprocess.Popen([PROGRAM, "run", "scenarios/smoke.json", "--inputs", "6", "--set", "profile_repetitions=2", "--schedulers",
                                    "oracle-static", "--set", "co_runner.kind=none", "--out", out], cwd=ROOT, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
        process.stdout.readline()
        process.stdout.close()
        self.assertEqual(process.wait(120), 1)  # its summary did not arrive
        with open(out + "/manifest.json") as f:
            manifest = json.load(f)
        self.assertEqual((manifest["status"], manifest["verdict"]["valid"]), ("complete", True))
        self.assertEqual(call("validate", out).returncode, 0)

    def test_two_runs_in_one_folder(self):
        out = self.path("r")
        process = self.start_long_run(out)
        for command in (("run", "scenarios/smoke.json"), ("run", "scenarios/smoke.json", "--resume"), ("record", "scenarios/smoke.json", "--resume"),
                        ("run", "scenarios/smoke.json", "--overwrite"), ("replay", self.result + "/r/recording", "--overwrite")):
            self.refused(call(*command, "--out", out), 3, f"process {process.pid} ({PROGRAM} run", "--out")
        self.assertTrue(os.path.exists(out + "/recording/inputs.part.jsonl"))
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 1)
        self.assertEqual(call("validate", out + "/recording").returncode, 0)
        self.assertFalse(os.path.exists(out + "/.lock"))

    def test_a_folder_that_is_replaced_by_a_link_is_noticed(self):
        out, other = self.path("r"), self.path("other")
        process = self.start_long_run(out)
        os.mkdir(other)
        os.rename(out, self.path("moved"))
        os.symlink(other, out)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 1)
        with open(out + ".said") as said:
            self.assertIn("is no longer the folder", said.read())
        self.assertEqual(os.listdir(other), [])

    def test_killed_before_the_first_input_or_behind_the_last(self):
        out = self.path("r")
        record = ("record", "scenarios/smoke.json", "--inputs", "6", "--set", "profile_repetitions=2", "--set", "co_runner.kind=none", "--out", out)
        self.assertEqual(call(*record).returncode, 0)
        self.assertIn("nothing to continue", call(*record, "--resume").stderr)
        with open(out + "/manifest.json") as f:
            manifest = json.load(f)
        manifest.update(status="running", verdict={"valid": None, "reasons": []})
        self.write(out + "/manifest.json", manifest)
        again = call(*record, "--resume")
        self.assertEqual(again.returncode, 0, again.stderr)
        with open(out + "/manifest.json") as f:
            manifest = json.load(f)
        self.assertEqual((manifest["status"], manifest["verdict"]["valid"]), ("complete", True))
        self.assertIn("cut off after its recording", json.dumps(manifest["warnings"]))
        with open(out + "/recording/recording.json") as f:
            recording = json.load(f)
        recording.update(status="running", inputs=0, input_ids=[], arrays={})
        self.write(out + "/recording/recording.json", recording)
        self.write(out + "/recording/inputs.part.jsonl", "")
        manifest["status"] = "running"
        self.write(out + "/manifest.json", manifest)
        self.assertIn("recording, 0 of 6 inputs", call("validate", out + "/recording").stdout)
        self.refused(call("replay", out + "/recording"), 2, "0 inputs", "nothing to judge")
        self.assertEqual(call(*record, "--resume").returncode, 0)
        self.assertIn("recording, 6 of 6 inputs", call("validate", out + "/recording").stdout)

    def start_long_run(self, out, *more, inputs=100000, **options):
        part = out + "/recording/inputs.part.jsonl"
        with open(out + ".said", "w+") as said:
            process = subprocess.Popen([PROGRAM, "run", "scenarios/smoke.json", "--inputs", str(inputs), "--out", out, *more], cwd=ROOT,
                                       stdout=said, stderr=said, **options)
            self.addCleanup(process.kill)
            deadline = time.time() + 120
            while time.time() < deadline and process.poll() is None:
                if os.path.exists(part) and os.path.getsize(part) > 2000:
                    return process
                time.sleep(0.1)
            process.kill()
            process.wait()
            said.seek(0)
            self.fail(f"the run never began to record; its status: {process.returncode}; it said: {said.read()}")

    def test_interrupt_keeps_what_was_measured(self):
        out = self.path("r")
        process = self.start_long_run(out)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 1)
        self.assertEqual(generators(), [])
        with open(out + "/manifest.json") as f:
            manifest = json.load(f)
        self.assertEqual(manifest["status"], "partial")
        check = call("validate", out + "/recording")
        self.assertEqual(check.returncode, 0, check.stderr)

    def test_kill_9_leaves_no_co_runner_and_a_readable_recording(self):
        out = self.path("r")
        process = self.start_long_run(out)
        self.assertNotEqual(generators(), [])
        process.kill()
        process.wait()
        deadline = time.time() + 3
        while generators() and time.time() < deadline:
            time.sleep(0.05)
        self.assertEqual(generators(), [])
        check = call("validate", out + "/recording")
        self.assertEqual(check.returncode, 0, check.stderr)

    def ended_badly(self, process, out, code, *parts):
        """Its verdict says so, and what was recorded can be read."""
        with open(out + ".said") as said:
            self.assertEqual(process.wait(60), code, said.read())
        with open(out + "/manifest.json") as f:
            manifest = json.load(f)
        self.assertIs(manifest["verdict"]["valid"], False)
        for part in parts:
            self.assertIn(part, json.dumps(manifest["verdict"]["reasons"]))
        check = call("validate", out + "/recording")
        self.assertEqual(check.returncode, 0, check.stderr)
        self.assertEqual(generators(), [])
        return manifest

    def test_a_run_that_was_stopped_is_not_valid(self):
        out = self.path("r")
        process = self.start_long_run(out, "--schedulers", "alert", inputs=40)
        process.send_signal(signal.SIGSTOP)
        time.sleep(5)
        process.send_signal(signal.SIGCONT)
        manifest = self.ended_badly(process, out, 4, "SIGCONT")
        self.assertEqual(manifest["status"], "complete")
        self.assertEqual(call("validate", out).returncode, 0)

    @staticmethod
    def faulty(**faults):
        return {**os.environ, "LD_PRELOAD": os.path.dirname(PROGRAM) + "/faults.so", **faults}

    def goes_on(self, out, inputs, *more):
        """Also where it did not end in order, or failed."""
        resumed = call("run", "scenarios/smoke.json", "--inputs", str(inputs), "--schedulers", "alert", "--out", out, "--resume", *more)
        self.assertEqual(resumed.returncode, 0, resumed.stderr)
        self.assertIn("Continuing at input", resumed.stderr)
        self.assertEqual(call("validate", out).returncode, 0)

    def test_a_model_that_runs_out_of_memory(self):
        out, fault = self.path("r"), self.path("fault")
        # Widths that are no multiple of 8 are run by LibTorch, which takes memory in every execution.
        with open(os.path.join(ROOT, "networks/fashion-mnist.json")) as f:
            networks = json.load(f)
        wide = networks["networks"][0]
        del wide["weights"]
        wide["name"] = "resnet-w28"
        wide["config"].update(stem_width=28, groups=[{"blocks": 4, "width": 28}, {"blocks": 4, "width": 52, "stride": 2}])
        wide["accuracy"].update(source="assumed", top1=[0.88])
        networks["networks"] = [wide]
        options = ("--networks", self.write("networks.json", networks), "--set", 'candidates=["resnet-w28"]')
        process = self.start_long_run(out, "--schedulers", "alert", *options, inputs=60, env=self.faulty(FAULT_MEMORY=fault))
        open(fault, "w").close()
        manifest = self.ended_badly(process, out, 1, "memory")
        self.assertEqual(manifest["status"], "failed")
        self.assertNotIn("frame #", json.dumps(manifest))  # LibTorch's backtrace
        self.goes_on(out, 60, *options)
        # The file is there from the start: nothing can be loaded.
        self.refused(call("run", "scenarios/smoke.json", "--out", self.path("s"), env=self.faulty(FAULT_MEMORY=fault)), 1,
                     'network "resnet-w16"', "memory")

    def test_a_wall_clock_that_is_set_changes_no_latency(self):
        out, fault = self.path("r"), self.path("fault")
        process = self.start_long_run(out, "--schedulers", "alert", inputs=40, env=self.faulty(FAULT_CLOCK=fault))
        open(fault, "w").close()
        with open(out + ".said") as said:
            self.assertEqual(process.wait(60), 0, said.read())
        with open(out + "/manifest.json") as f:
            manifest = json.load(f)
        self.assertIn("the wall clock was set back by 3600", " ".join(manifest["warnings"]))
        self.assertEqual(manifest["placement"], {"inference_cpus": [0], "harness_cpus": sorted(os.sched_getaffinity(0)),
                                                 "co_runner_cpus": [[0]], "notes": []})
        self.assertAlmostEqual(manifest["machine_use"]["clock_step_s"], -3600, delta=5)
        with open(out + "/traces/alert.energy.live.jsonl") as f:
            lines = [json.loads(line) for line in f][1:-1]
        self.assertTrue(all(0 < line["busy_s"] < 10 for line in lines))
        self.assertEqual(call("validate", out).returncode, 0)

    def test_a_co_runner_killed_from_outside(self):
        out = self.path("r")
        process = self.start_long_run(out, "--schedulers", "alert", inputs=40)
        os.kill(int(generators()[0]), signal.SIGKILL)
        self.ended_badly(process, out, 4, "co-runner", "killed by signal 9")
        self.assertEqual(call("validate", out).returncode, 0)

    def test_a_full_disk_keeps_whole_inputs(self):
        out = self.path("r")
        process = self.start_long_run(out, "--schedulers", "alert", inputs=60,
                                      preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (30000, 30000)))
        self.ended_badly(process, out, 1, "File too large", "complete lines are kept")
        self.goes_on(out, 60)

    def test_an_interrupted_run_goes_on(self):
        out = self.path("r")
        more = ("--schedulers", "alert,oracle-static")
        process = self.start_long_run(out, *more, inputs=60)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 1)
        with open(out + "/profile.json") as f:
            profile = json.load(f)
        self.refused(call("run", "scenarios/smoke.json", "--inputs", "50", *more, "--out", out, "--resume"), 2, "differs in: inputs")
        resumed = call("run", "scenarios/smoke.json", "--inputs", "60", *more, "--out", out, "--resume")
        self.assertEqual(resumed.returncode, 0, resumed.stderr)
        self.assertIn("Continuing at input", resumed.stderr)
        with open(out + "/profile.json") as f:
            self.assertEqual(json.load(f), profile)
        with open(out + "/interrupted-1/manifest.json") as f:
            self.assertEqual(json.load(f)["status"], "partial")
        self.assertEqual(call("validate", out).returncode, 0)
        again = call("run", "scenarios/smoke.json", "--inputs", "60", *more, "--out", out, "--resume")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn("is complete", again.stderr)

    def test_meter_and_permission_that_go_away(self):
        with FakeMachine(self.path("m")) as machine:
            power = ("--set", "power.backend=rapl", "--set", "power.root=" + machine.root, "--allow-commands", "--set", "co_runner.kind=none")
            out = self.path("permission")
            process = self.start_long_run(out, *power)
            for n in (0, 1):  # a folder in its place refuses root too
                os.rename(machine.path(f"constraint_{n}_power_limit_uw"), self.path(f"limit-{n}"))
                os.mkdir(machine.path(f"constraint_{n}_power_limit_uw"))
            self.ended_badly(process, out, 3 if process.wait(60) == 3 else 1, "constraint_")
            self.assertTrue(os.path.exists(machine.state_file()), "what could not be put back must stay known")
            for n in (0, 1):
                os.rmdir(machine.path(f"constraint_{n}_power_limit_uw"))
                os.rename(self.path(f"limit-{n}"), machine.path(f"constraint_{n}_power_limit_uw"))
            self.assertEqual(call("restore", "--root", machine.root).returncode, 0)
            self.assertEqual(machine.caps(), machine.found)

            out = self.path("meter")
            process = self.start_long_run(out, *power, "--schedulers", "alert", inputs=60)
            machine.ending.set()
            machine.thread.join()
            os.remove(machine.path("energy_uj"))
            self.ended_badly(process, out, 4, "package-0 can no longer be read")
            self.assertEqual(machine.caps(), machine.found)

    def test_a_build_without_cuda_says_what_is_missing(self):
        self.refused(call("run", "scenarios/smoke.json", "--device", "cuda", "--out", self.path("r")), 3, "sees no GPU", "nvidia-smi",
                     "CMAKE_PREFIX_PATH")
        self.refused(call("run", "scenarios/smoke.json", "--device", "cuda", "--set", "co_runner.kind=gpu-memory", "--out", self.path("g")), 3,
                     "gpu-memory worker 0", "sees no GPU")
        self.refused(call("run", "scenarios/smoke.json", "--device", "tpu", "--out", self.path("r")), 2, "cuda")

    def test_too_little_memory(self):
        def few(megabytes):
            return lambda: resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
        self.refused(call("run", "scenarios/smoke.json", "--out", self.path("r"), preexec_fn=few(300)), 3, "memory")
        result = call("run", "scenarios/smoke.json", "--out", self.path("map"), preexec_fn=few(600))
        self.refused(result, 3, "failed to map", "ulimit -v", "600 MiB")
        self.assertNotIn("ALERT_TORCH", result.stderr)
        result = call("profile", "scenarios/default.json", "--networks", "networks/imagenet-zoo.json", "--set", 'candidates=["vgg-16"]',
                      "--set", "inputs=6", "--out", self.path("p.json"), preexec_fn=few(1000))
        self.assertIn(result.returncode, (1, 3), result.stderr)
        self.assertIn("memory", result.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--torch", action="store_true", help="the build has LibTorch: run the tests that need networks")
    options, rest = parser.parse_known_args()
    PROGRAM = os.path.abspath(options.program)
    if not options.torch:
        print("skipped aloud: WithNetworks, Training (this build has no LibTorch)", file=sys.stderr)
        del WithNetworks, Training
    unittest.main(argv=[sys.argv[0], "-v", *filter(None, rest)])
