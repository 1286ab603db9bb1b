#!/usr/bin/python3
"""scripts/sweep.sbatch on a real Slurm: munged, slurmctld and slurmd of its own, on this machine, in a temporary folder.

Any user may run it. Where Slurm is not installed or does not start, it is skipped aloud, with exit code 77."""
import argparse
import ctypes
import getpass
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import tiny_recording

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIPPED = 77
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "squeue", "sinfo", "scancel")
LIMIT_S = 100


class CannotRun(Exception):
    """Slurm cannot work here: no fault of ours."""


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def die_with_parent():
    os.setsid()
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: also if this test is killed


class Slurm:
    """The three daemons, for as long as the `with` lasts."""

    def __init__(self, folder):
        self.folder, self.daemons = folder, []
        self.environment = dict(os.environ, SLURM_CONF=folder + "/slurm.conf", PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
        for name in [n for n in self.environment if n.startswith(("SLURM_", "SBATCH_")) and n != "SLURM_CONF"]:
            del self.environment[name]  # where the tests themselves run in a job

    def __enter__(self):
        try:
            missing = [p for p in PROGRAMS if not shutil.which(p, path=self.environment["PATH"])]
            if missing:
                raise CannotRun(f"not installed: {', '.join(missing)} (Debian: slurmctld slurmd slurm-client munge)")
            self.configure()
            munge = self.folder + "/munge"
            self.start("munged", "--foreground", "--force", "--num-threads=2", f"--key-file={munge}/key",
                       f"--socket={munge}/socket", f"--pid-file={munge}/pid", f"--seed-file={munge}/seed",
                       f"--log-file={munge}/log")
            self.wait_for("munged", lambda: os.path.exists(munge + "/socket"))
            self.start("slurmctld", "-D", "-c")
            self.start("slurmd", "-D", "-N", "node1")
            self.wait_for("slurmd", lambda: self.call("sinfo", "-h", "-o", "%T").stdout.strip() == "idle", 30)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if len(self.daemons) == 3:
            self.call("scancel", "--user", getpass.getuser())
            self.call("scancel", "--signal=KILL", "--full", "--user", getpass.getuser())
        for _, daemon in reversed(self.daemons):
            daemon.terminate()
            try:
                daemon.wait(5)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def configure(self):
        user, (controller, node) = getpass.getuser(), free_ports(2)
        for name in ("munge", "state", "spool", "log"):
            os.mkdir(f"{self.folder}/{name}", 0o700)
        os.chmod(self.folder, 0o755)  # munged refuses a socket behind a folder that others may not pass
        os.chmod(self.folder + "/munge", 0o711)
        with open(os.open(self.folder + "/munge/key", os.O_WRONLY | os.O_CREAT, 0o600), "wb") as f:
            f.write(os.urandom(128))
        lines = {
            "ClusterName": "test", "SlurmctldHost": f"{socket.gethostname()}(127.0.0.1)", "SlurmUser": user, "SlurmdUser": user,
            "SlurmctldPort": controller, "SlurmdPort": node, "AuthType": "auth/munge",
            "AuthInfo": f"socket={self.folder}/munge/socket", "StateSaveLocation": self.folder + "/state",
            "SlurmdSpoolDir": self.folder + "/spool", "SlurmctldPidFile": self.folder + "/slurmctld.pid",
            "SlurmdPidFile": self.folder + "/slurmd.pid", "SlurmctldLogFile": self.folder + "/log/slurmctld",
            "SlurmdLogFile": self.folder + "/log/slurmd", "ProctrackType": "proctrack/linuxproc", "TaskPlugin": "task/none",
            "SwitchType": "switch/none", "MpiDefault": "none", "JobAcctGatherType": "jobacct_gather/none",
            "SchedulerType": "sched/builtin", "SelectType": "select/cons_tres", "SelectTypeParameters": "CR_CPU",
            "KillWait": 5, "ReturnToService": 2, "SlurmdParameters": "config_overrides",
            # Two shards at once whatever the machine has.
            "NodeName": f"node1 NodeAddr=127.0.0.1 NodeHostname={socket.gethostname()} CPUs=4 RealMemory=65536 State=UNKNOWN",
            "PartitionName": "test Nodes=node1 Default=YES MaxTime=INFINITE State=UP"}
        with open(self.folder + "/slurm.conf", "w") as f:
            f.writelines(f"{key}={value}\n" for key, value in lines.items())
        with open(self.folder + "/cgroup.conf", "w") as f:
            f.write("CgroupPlugin=disabled\n" if self.version() >= 23 else "CgroupAutomount=no\n")  # each refuses the other's

    def version(self):
        slurmd = shutil.which("slurmd", path=self.environment["PATH"])
        return int(re.search(r"\d+", subprocess.run([slurmd, "-V"], capture_output=True, text=True, check=True).stdout)[0])

    def start(self, name, *arguments):
        output = open(f"{self.folder}/log/{name}.out", "w")
        program = shutil.which(name, path=self.environment["PATH"])
        self.daemons.append((name, subprocess.Popen([program, *arguments], stdout=output, stderr=subprocess.STDOUT,
                                                    env=self.environment, preexec_fn=die_with_parent)))

    def wait_for(self, name, ready, limit_s=10):
        end = time.time() + limit_s
        while time.time() < end:
            for daemon, process in self.daemons:
                if process.poll() is not None:
                    raise CannotRun(f"{daemon} ended with {process.returncode}:\n{self.logs()}")
            if ready():
                return
            time.sleep(0.1)
        raise CannotRun(f"{name} is not ready after {limit_s} s:\n{self.logs()}")

    def logs(self):
        text = ""
        for name in sorted(os.listdir(self.folder + "/log")):
            with open(f"{self.folder}/log/{name}", errors="replace") as f:
                text += f"--- {name}\n" + "".join(f.readlines()[-15:])
        return text

    def call(self, *command, **options):
        environment = {**self.environment, **options.pop("env", {})}
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, **options)

    def state(self, job):
        """("COMPLETED", exit code) and so on."""
        shown = self.call("scontrol", "show", "job", job).stdout
        return re.search(r"JobState=(\w+)", shown).group(1), int(re.search(r"ExitCode=(\d+):", shown).group(1))

    def wait_until_ended(self, job, end):
        while time.time() < end:
            if self.state(job)[0] not in ("PENDING", "RUNNING", "COMPLETING", "CONFIGURING", "REQUEUED"):
                return self.state(job)
            time.sleep(0.2)
        raise AssertionError(f"job {job} did not end: {self.call('squeue').stdout}\n{self.logs()}")


def check(condition, *what):
    if not condition:
        raise AssertionError(" ".join(map(str, what)))


def read(path):
    with open(path, "rb") as f:
        return f.read()


def test(slurm, program, folder):
    end = time.time() + LIMIT_S
    os.mkdir(folder + "/recordings")
    for name in "abcd":
        tiny_recording.make(f"{folder}/recordings/{name}", name, inputs=3000)
    sweep = folder + "/sweep.json"
    tiny_recording.write_json(sweep, tiny_recording.sweep(grid={"deadlines": 12, "levels": 12}))
    whole = subprocess.run([program, "sweep", sweep, "--out", folder + "/whole", "--quiet"], capture_output=True, text=True)
    check(whole.returncode == 0, whole.stderr)

    def submit(out, shards):
        done = slurm.call(ROOT + "/scripts/sweep.sbatch", sweep, out, str(shards), "--time=00:05:00", "--cpus-per-task=1",
                          env={"ALERT_BENCH": program})
        check(done.returncode == 0, done.stdout, done.stderr)
        found = re.search(r"shards (\d+)_\[1-\d+\], then merge (\d+)", done.stdout)
        check(found, done.stdout)
        return found.groups()

    def log(name):
        return read(f"{out}/logs/{name}.log").decode()

    # Three shards; the second is cancelled behind its first cell, while the others go on.
    out = folder + "/out put"  # paths may hold spaces
    array, merge = submit(out, 3)
    cells = out + "/shard-2-of-3/cells"
    while not (os.path.isdir(cells) and any(n.endswith(".json") for n in os.listdir(cells))):
        check(time.time() < end, "shard 2 finished no cell:", slurm.call("squeue").stdout, slurm.logs())
        time.sleep(0.01)
    slurm.call("scancel", array + "_2")
    state, code = slurm.wait_until_ended(merge, end)
    finished = sum(name.endswith(".json") for name in os.listdir(cells))
    check(0 < finished < 3, "cancelled too late:", finished, "of 3 cells; state", slurm.state(array + "_2"))
    check(slurm.state(array + "_2")[0] == "CANCELLED", slurm.state(array + "_2"))
    check((state, code) == ("FAILED", 4), "merge of a cancelled shard:", state, code, log("merge"))
    check(f"{3 - finished} of 8 cells are missing" in log("merge"), log("merge"))
    print(f"cancelled shard 2 behind {finished} of 3 cells; the merge named {3 - finished} missing ones, exit code 4")

    # The same command again: the cancelled shard goes on, the others are done, the merge is whole.
    array, merge = submit(out, 3)
    state, code = slurm.wait_until_ended(merge, end)
    check((state, code) == ("COMPLETED", 0), "merge:", state, code, log("merge"))
    check(f"Finished before: {finished} of 3 cells" in log("shard-2-of-3"), log("shard-2-of-3"))
    check("Finished before: 3 of 3 cells" in log("shard-1-of-3"), log("shard-1-of-3"))
    check(read(out + "/merged/evaluation.json") == read(folder + "/whole/evaluation.json"),
          "merged differs from the sweep in one piece")
    print("resubmitted: merged equals the sweep in one piece, byte for byte")

    # Mistakes are told at submission.
    for arguments, code, part in ((["0"], 2, '"0"'), (["x"], 2, '"x"'), (["2", "--array=oops"], 1, "array")):
        done = slurm.call(ROOT + "/scripts/sweep.sbatch", sweep, folder + "/bad", *arguments, env={"ALERT_BENCH": program})
        check(done.returncode == code and part in done.stderr, arguments, done.returncode, done.stderr)
    tiny_recording.write_json(folder + "/bad.json", tiny_recording.sweep(gird={}))
    done = slurm.call(ROOT + "/scripts/sweep.sbatch", folder + "/bad.json", folder + "/bad", "2", env={"ALERT_BENCH": program})
    check(done.returncode == 2 and "gird" in done.stderr and "submitted" not in done.stdout, done.stdout, done.stderr)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    program = os.path.abspath(parser.parse_args().program)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the daemons are stopped
    # Sockets have short names.
    folder = tempfile.mkdtemp(prefix="alert-slurm-", dir="/tmp")
    began = time.time()
    try:
        os.mkdir(folder + "/slurm")
        with Slurm(folder + "/slurm") as slurm:
            print(slurm.call("sinfo", "--version").stdout.strip(), f"is up after {time.time() - began:.1f} s")
            os.mkdir(folder + "/work")
            test(slurm, program, folder + "/work")
        print(f"ok, {time.time() - began:.1f} s")
    except CannotRun as e:
        print(f"SKIPPED ALOUD: no Slurm to test with: {e}")
        return SKIPPED
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
