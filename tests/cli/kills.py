#!/usr/bin/python3
"""Kills runs at random moments, and looks at what they leave: no power cap, no process, no recording that cannot be gone on with.

Runs with caps on a made-up powercap tree are killed once each; recordings are killed, resumed and killed again until one comes to
its end, and that must be valid and equal in structure to a recording that was never killed. Takes some ten seconds a kill.

    tests/cli/kills.py --program build/bin/alert-bench --runs 200 --records 200
"""
import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid

import test_cli

MARK = "ALERT_BENCH_KILLS"
PATIENCE_S = 5  # for the watchdog to put caps back, for co-runners to end
SMALL = ("--set", "profile_repetitions=2", "--schedulers", "alert,oracle-static", "--quiet")


class Killer:
    def __init__(self, program, folder, seed):
        self.program, self.folder = program, folder
        self.random = random.Random(seed)
        self.mark = f"{MARK}={uuid.uuid4()}"
        self.failures = []
        self.busy = 0  # recordings that were complete, while others kept their co-runner from its duty

    def start(self, *arguments):
        name, value = self.mark.split("=")
        with open(os.path.join(self.folder, "said"), "w") as said:
            return subprocess.Popen([self.program, *arguments], cwd=test_cli.ROOT, stdout=subprocess.DEVNULL, stderr=said,
                                    env={**os.environ, name: value})

    def said(self):
        with open(os.path.join(self.folder, "said")) as f:
            return f.read().strip()

    @staticmethod
    def progress(what, killed, wanted):
        if sys.stderr.isatty():
            print(f"\r{killed} of {wanted} {what} killed", end="\n" if killed >= wanted else "", file=sys.stderr)

    def survivors(self):
        """Processes that a killed run began, by the environment that they inherited."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as f:
                    ours = self.mark.encode() in f.read().split(b"\0")
                with open(f"/proc/{pid}/stat") as f:
                    state = f.read().rsplit(")", 1)[1].split()[0]
            except OSError:
                continue
            if ours and state not in "ZX":
                found.append(int(pid))
        return found

    def kill(self, process, longest_s):
        """After a random time; whether it was still running."""
        try:
            process.wait(self.random.uniform(0, longest_s))
            return False
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return True

    def check(self, what, holds):
        deadline = time.monotonic() + PATIENCE_S
        while not holds() and time.monotonic() < deadline:
            time.sleep(0.02)
        if not holds():
            self.failures.append(what)
            print(f"FAILED: {what}", file=sys.stderr)

    def no_survivors(self, what):
        self.check(f"{what}: processes left: {self.survivors()}", lambda: not self.survivors())
        for pid in self.survivors():
            os.kill(pid, signal.SIGKILL)

    def time_of(self, *arguments):
        begin = time.monotonic()
        process = self.start(*arguments)
        if process.wait() != 0:
            sys.exit(f"a run that nobody killed ended with {process.returncode}: {self.said()}")
        return time.monotonic() - begin

    def kill_runs(self, wanted):
        with test_cli.FakeMachine(os.path.join(self.folder, "machine")) as machine:
            command = ("run", "scenarios/smoke.json", *SMALL, "--set", "power.backend=rapl", "--set", "power.root=" + machine.root,
                       "--allow-commands", "--inputs", "6")
            out = os.path.join(self.folder, "run")
            whole_s = self.time_of(*command, "--out", out)
            killed = 0
            while killed < wanted:
                shutil.rmtree(out, ignore_errors=True)
                was_running = self.kill(self.start(*command, "--out", out), whole_s)
                killed += was_running
                what = f"run {killed}"
                self.check(f"{what}: caps left", lambda: machine.caps() == machine.found and not os.path.exists(machine.state_file()))
                self.no_survivors(what)
                self.progress("runs", killed, wanted)
            return killed

    @staticmethod
    def structure(folder):
        with open(os.path.join(folder, "recording/recording.json")) as f:
            j = json.load(f)
        arrays = {name: (a["file"], a["dtype"], a["shape"], a["unit"]) for name, a in j["arrays"].items()}
        return {"arrays": arrays, **{key: j[key] for key in ("status", "workload", "planned_inputs", "inputs", "rows", "caps_w", "input_ids")}}

    def kill_records(self, wanted):
        command = ("record", "scenarios/smoke.json", *SMALL, "--inputs", "12")
        reference = os.path.join(self.folder, "reference")
        whole_s = self.time_of(*command, "--out", reference)
        expected = self.structure(reference)
        out, killed, chains = os.path.join(self.folder, "record"), 0, 0
        while killed < wanted:
            chains += 1
            shutil.rmtree(out, ignore_errors=True)
            for _ in range(self.random.randint(1, 4)):
                killed += self.kill(self.start(*command, "--out", out, "--resume"), whole_s)
                self.no_survivors(f"recording {chains}")
            self.progress("recordings", killed, wanted)
            process = self.start(*command, "--out", out, "--resume")
            code = process.wait()
            # A starved co-runner says that this machine was busy, not that anything was lost.
            starved = code == 4 and "starved" in self.said()
            self.busy += starved
            self.check(f"recording {chains}: the last --resume ended with {code}: {self.said()}", lambda: code == 0 or starved)
            valid = subprocess.run([self.program, "validate", out], capture_output=True, text=True)
            self.check(f"recording {chains}: {valid.stderr.strip()}", lambda: valid.returncode == 0)
            if valid.returncode == 0:
                found = self.structure(out)
                different = {key: (found[key], expected[key]) for key in expected if found[key] != expected[key]}
                self.check(f"recording {chains}: another structure than one that was never killed: {different}", lambda: not different)
        return killed, chains


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--records", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="alert-bench-kills-") as folder:
        killer = Killer(os.path.abspath(options.program), folder, options.seed)
        begin = time.monotonic()
        runs = killer.kill_runs(options.runs) if options.runs else 0
        records, chains = killer.kill_records(options.records) if options.records else (0, 0)
        print(f"killed: {runs} runs with caps, {records} recordings ({chains} brought to their end); "
              f"failures: {len(killer.failures)}; "
              f"recordings beside which the machine was too busy: {killer.busy}; {time.monotonic() - begin:.0f} s")
        return 1 if killer.failures else 0


if __name__ == "__main__":
    sys.exit(main())
