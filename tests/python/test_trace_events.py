"""Tests of `alert-bench report --format perfetto`, against the rules of the Trace Event Format and the traces themselves.

    ALERT_BENCH=build/bin/alert-bench python3 -m unittest discover -s tests/python -p test_trace_events.py
"""

import glob
import json
import os
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
RECORDINGS = os.path.join(ROOT, "results", "reference", "recordings")
BENCH = os.environ.get("ALERT_BENCH")
NUMBER = (int, float)
# What each kind of event must have, and may have.
KEYS = {"X": ({"ph", "name", "pid", "tid", "ts", "dur", "cat"}, {"args"}), "C": ({"ph", "name", "pid", "ts", "args"}, set()),
        "M": ({"ph", "name", "pid", "args"}, {"tid"})}


def setUpModule():
    if not BENCH:
        raise unittest.SkipTest("ALERT_BENCH is not set")


def bench(*arguments):
    return subprocess.run([BENCH, *arguments], capture_output=True, text=True)


class TraceEvents(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def replay(self, recording, *more):
        """A result with traces of 60 inputs, one of them as a live run writes it."""
        result = os.path.join(self.folder, recording)
        made = bench("replay", os.path.join(RECORDINGS, recording), "--out", result, "--schedulers", "alert,alert-any,oracle-static", "--quiet",
                     *more)
        self.assertEqual(made.returncode, 0, made.stderr)
        for path in glob.glob(result + "/traces/*.jsonl"):
            with open(path, encoding="utf-8") as f:
                lines = f.readlines()
            with open(path, "w", encoding="utf-8") as f:
                f.writelines(lines[:61])
        path = sorted(glob.glob(result + "/traces/alert.*.jsonl"))[0]
        with open(path, encoding="utf-8") as f:
            header, *inputs = [json.loads(line) for line in f]
        for n, r in enumerate(inputs):
            r["decide_s"] = min(1e-5 * (n % 3), r["busy_s"])
            r["busy_s"] -= r["decide_s"]
        header["mode"] = "live"
        os.remove(path)
        self.live = path.replace("replay", "live")
        with open(self.live, "w", encoding="utf-8") as f:
            f.writelines(json.dumps(r) + "\n" for r in [header, *inputs])
        return result

    def events(self, *arguments):
        out = os.path.join(self.folder, "events.json")
        written = bench("report", *arguments, "--format", "perfetto", "--out", out)
        self.assertEqual(written.returncode, 0, written.stderr)
        with open(out, encoding="utf-8") as f:
            text = f.read()
        printed = bench("report", *arguments, "--format", "perfetto")
        self.assertEqual(printed.stdout, text)

        def refuse(word):
            raise ValueError(word)

        return json.loads(text, parse_constant=refuse)

    def check_format(self, document):
        self.assertEqual(set(document), {"displayTimeUnit", "traceEvents"})
        for e in document["traceEvents"]:
            need, may = KEYS[e["ph"]]
            self.assertTrue(need <= set(e) <= need | may, e)
            self.assertIsInstance(e["name"], str)
            for key in ("pid", "tid"):
                self.assertIsInstance(e.get(key, 0), int)
            for key in ("ts", "dur"):
                self.assertIsInstance(e.get(key, 0), NUMBER)
                self.assertGreaterEqual(e.get(key, 0), 0)
            if e["ph"] == "C":
                self.assertTrue(e["args"] and all(isinstance(v, NUMBER) for v in e["args"].values()), e)
            if e["ph"] == "M":
                self.assertIn(e["name"], ("process_name", "thread_name"))
                self.assertEqual(list(e["args"]), ["name"])
                self.assertEqual("tid" in e, e["name"] == "thread_name")
        self.assertEqual({e["ph"] for e in document["traceEvents"]}, {"X", "C", "M"})

    def check_nesting(self, events):
        """Spans of one thread contain or follow each other, in whole nanoseconds."""
        threads = {}
        for e in events:
            if e["ph"] == "X":
                begin, dur = round(e["ts"] * 1000), round(e["dur"] * 1000)
                threads.setdefault((e["pid"], e["tid"]), []).append((begin, -dur, begin + dur, e))
        self.assertEqual(len({tid for _, tid in threads}), len(threads))
        for spans in threads.values():
            open_until = []
            for begin, _, end, e in sorted(spans, key=lambda s: s[:2]):
                while open_until and open_until[-1] <= begin:
                    open_until.pop()
                if open_until:
                    self.assertLessEqual(end, open_until[-1], e)
                open_until.append(end)

    def check_trace(self, events, path):
        """The events of one trace say what its lines say."""
        with open(path, encoding="utf-8") as f:
            header, *lines = [json.loads(line) for line in f]
        name = f"{header['scheduler']}, {header['setting']}, {header['mode']}"
        [pid] = [e["pid"] for e in events if e["name"] == "process_name" and e["args"]["name"] == name]
        own = [e for e in events if e["pid"] == pid]
        threads = {e["args"]["name"]: e["tid"] for e in own if e["name"] == "thread_name"}
        self.assertEqual(set(threads), {"execution"} | ({"co-runner"} if header["co_runner"] else set()))
        of = lambda category: [e for e in own if e["ph"] == "X" and e["cat"] == category]
        inputs = [r for r in lines if r["record"] == "input"]
        self.assertEqual([e["args"]["input"] for e in of("input")], [r["input"] for r in inputs])
        stages = [e for e in of("stage") if e["name"] != "stopped"]
        at, before = 0, None
        for e, r in zip(of("input"), inputs):
            self.assertTrue(e["name"].startswith(f"{r['model']}@{r['stage_target']} "))
            self.assertEqual(e["args"]["late"], r["violations"]["deadline"])
            start, end = e["ts"], e["ts"] + e["dur"]
            self.assertAlmostEqual(start, 1e6 * (r["arrival_s"] + r["wait_s"]), delta=0.01)
            if not r["stopped"]:
                self.assertAlmostEqual(end, 1e6 * (r["arrival_s"] + r["stage_end_s"][-1]), delta=0.01)
            for k, ends in enumerate(r["stage_end_s"]):
                self.assertEqual(stages[at]["name"], f"stage {k + 1}")
                self.assertAlmostEqual(stages[at]["ts"] + stages[at]["dur"], 1e6 * (r["arrival_s"] + ends), delta=0.01)
                at += 1
            if before is not None and start - before > 0.01:
                self.assertTrue(any(abs(i["ts"] - before) < 0.01 and abs(i["ts"] + i["dur"] - start) < 0.01 for i in of("idle")))
            before = end
        self.assertEqual(at, len(stages))
        self.assertEqual(len(of("decide")), len(inputs) if header["mode"] == "live" else 0)
        # One that was due before it could begin was stopped at once, in no time.
        self.assertEqual(sum(r["stopped"] and r["busy_s"] > 0 for r in inputs), len([e for e in of("stage") if e["name"] == "stopped"]))
        for counter, values in (("power cap, W", [r["cap_w"] for r in inputs]), ("energy of the period, J", [r["energy_j"] for r in inputs]),
                                ("slow-down factor", [r["slowdown"]["mean"] for r in inputs if r["slowdown"]])):
            self.assertEqual([e["args"]["value"] for e in own if e["ph"] == "C" and e["name"] == counter], values)
        phases = [(e["name"], e["ts"], e["ts"] + e["dur"]) for e in of("co-runner")]
        for (_, _, end), (_, begin, _) in zip(phases, phases[1:]):
            self.assertAlmostEqual(begin, end, delta=0.01)
        for e, r in zip(of("input"), inputs):
            if header["co_runner"]:
                middle = e["ts"] + e["dur"] / 2
                self.assertEqual([n for n, begin, end in phases if begin <= middle < end], [r["co_runner"] or "off"])

    def test_events_say_what_the_traces_say(self):
        for recording in ("fashion-mnist-compute-2-seed1", "ptb-compute-2-seed1"):
            with self.subTest(recording):
                result = self.replay(recording)
                document = self.events(result)
                self.check_format(document)
                self.check_nesting(document["traceEvents"])
                traces = glob.glob(result + "/traces/*.jsonl")
                self.assertGreaterEqual(len(traces), 3)
                for path in traces:
                    self.check_trace(document["traceEvents"], path)

    def test_inputs_that_wait(self):
        times = [0, 0, 0, *(0.004 * n for n in range(2000))]
        result = self.replay("fashion-mnist-compute-2-seed1", "--set", f'arrivals={json.dumps({"kind": "list", "times_s": times})}')
        document = self.events(result)
        self.check_nesting(document["traceEvents"])
        self.check_trace(document["traceEvents"], self.live)
        self.assertGreater(max(e["args"]["wait_s"] for e in document["traceEvents"] if e.get("cat") == "input"), 0)

    def test_one_trace_a_cut_off_one_and_none(self):
        result = self.replay("fashion-mnist-compute-2-seed1")
        document = self.events(self.live)
        self.assertEqual(len([e for e in document["traceEvents"] if e["name"] == "process_name"]), 1)
        with open(self.live, "a", encoding="utf-8") as f:
            f.write('{"record": "inp')
        written = bench("report", self.live, "--format", "perfetto")
        self.assertEqual((written.returncode, json.loads(written.stdout)), (0, document))
        self.assertIn("is partial (line 62 is truncated", written.stderr)
        with open(self.live, "a", encoding="utf-8") as f:
            f.write("\n{}\n")
        out = os.path.join(self.folder, "out.json")
        refused = bench("report", self.live, "--format", "perfetto", "--out", out)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("line 62", refused.stderr)
        self.assertEqual(glob.glob(out + "*"), [])
        shutil.rmtree(result + "/traces")
        refused = bench("report", result, "--format", "perfetto")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("has no traces", refused.stderr)


if __name__ == "__main__":
    unittest.main()
