#!/usr/bin/python3
"""Checks the claims of ARTIFACT.md against an evaluation and its recordings. See --help."""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile

EPILOG = """example:
  scripts/claims.py results/reference/evaluation --recordings results/reference/recordings/* \\
      --quickstart results/reference/quickstart --out results/reference/claims

Writes OUT.json and OUT.md: one line a claim, with the figure reached here, its 95 % interval (bootstrap over settings) and the number of
settings behind it. "holds" compares the figure with the claim, nothing else: where it does not, ARTIFACT.md says why we think so.
"""

TASKS = {"min_energy": "mean_energy_j", "min_error": "mean_error"}


class Bad(Exception):
    pass


def read(path):
    try:
        with open(path) as f:
            return json.load(f)
    except (OSError, ValueError) as e:
        raise Bad(f"{path}: cannot read this file: {e}") from e


def settings(evaluation, task):
    for cell in evaluation["cells"]:
        if cell["task"] == task and not cell["failed"]:
            yield from (s["results"] for s in cell["settings"] if s["feasible"])


def estimate(values, seed=1):
    """Mean, 95 % interval by a bootstrap over the values, and how many there are."""
    if not values:
        return None
    mean = sum(values) / len(values)
    draw = random.Random(seed)
    means = sorted(sum(draw.choices(values, k=len(values))) / len(values) for _ in range(1000))
    return {"value": mean, "low": means[25], "high": means[974], "settings": len(values)}


def ratios(evaluation, task, scheduler, rival):
    """scheduler over rival, setting by setting, where neither violates."""
    key = TASKS[task]
    return [r[scheduler][key] / r[rival][key] for r in settings(evaluation, task)
            if not r[scheduler]["violated"] and not r[rival]["violated"] and r[rival][key]]


def anytime_shares(program, recordings):
    """Share of inputs for which alert takes an anytime network, with and without the co-runner, one value a recording: in the
    least-energy settings of the middle deadlines."""
    shares = {"with": [], "without": []}
    for folder in recordings:
        profile = read(f"{folder}/profile.json")
        anytime = {m["name"] for m in profile["models"] if len(m["stages"]) > 1}
        described = read(f"{folder}/recording.json")
        if described["info"]["scenario"]["co_runner"]["kind"] == "none":
            continue
        with tempfile.TemporaryDirectory() as out:
            command = [program, "replay", folder, "--grid", "--schedulers", "alert", "--json", "--quiet"]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                raise Bad(f"{' '.join(command)}: exit code {done.returncode}: {done.stderr.strip()}")
            names = [s["name"] for c in json.loads(done.stdout)["cells"] if c["task"] == "min_energy" for s in c["settings"]
                     if s["feasible"] and 0.7 < s["deadline_x"] < 1.7]
            traced = [a for name in names for a in ("--trace", name)]
            done = subprocess.run([*command, "--out", f"{out}/r", *traced], capture_output=True, text=True)
            if done.returncode != 0:
                raise Bad(f"{' '.join(command)} --out ...: exit code {done.returncode}: {done.stderr.strip()}")
            counts = {True: [0, 0], False: [0, 0]}
            for name in names:
                with open(f"{out}/r/traces/alert.{name}.replay.jsonl") as f:
                    for line in map(json.loads, f):
                        if line["record"] == "input" and not line["warmup"]:
                            count = counts[line["co_runner"] is not None]
                            count[0] += line["model"] in anytime
                            count[1] += 1
        for on, key in ((True, "with"), (False, "without")):
            if counts[on][1]:
                shares[key].append(counts[on][0] / counts[on][1])
    return shares


def check(arguments):
    evaluation = read(f"{arguments.evaluation}/evaluation.json")
    claims = []

    def claim(name, said, found, holds, unit="%", note=""):
        claims.append({"claim": name, "said": said, "found": found, "unit": unit, "holds": None if found is None else bool(holds(found)),
                       "note": note})

    percent = lambda values: [100 * v for v in values]
    for task, said in (("min_energy", 99.9), ("min_error", 98.5)):
        found = estimate(percent(r["alert"]["satisfaction"] for r in settings(evaluation, task)))
        claim(f"inputs within constraints, {task}", f"{said} %", found, lambda f, s=said: f["high"] >= s)
        violated = estimate(percent(float(r["alert"]["violated"]) for r in settings(evaluation, task)))
        claim(f"settings violated by alert, {task}", "few", violated, lambda f: f["value"] <= 10)
    for task in TASKS:
        found = estimate(percent(1 / r for r in ratios(evaluation, task, "alert", "oracle")))
        claim(f"of what oracle reaches (its objective over alert's), {task}", "93 to 99 %", found, lambda f: f["high"] >= 93)
        found = estimate(percent(1 / r for r in ratios(evaluation, task, "alert", "oracle-causal")))
        claim(f"of what oracle-causal reaches, {task}", "-", found, lambda f: f["high"] >= 93,
              note="no claim of the talk; a bound that a scheduler could reach")
    for task, said, what in (("min_energy", 13, "energy"), ("min_error", 27, "error")):
        for rival in ("app-only", "sys-only", "no-coord"):
            found = estimate([100 * (1 - r) for r in ratios(evaluation, task, "alert", rival)])
            rate = estimate(percent(float(r[rival]["violated"]) for r in settings(evaluation, task)))
            claim(f"{what} saved against {rival}", f"{said} % against one-level adaptation", found, lambda f, s=said: f["high"] >= s,
                  note=f"over settings that neither violates; {rival} violates {rate['value']:.0f} %" if rate else "")
    if arguments.quickstart:
        summary = read(f"{arguments.quickstart}/summary.json")
        live = [r for r in summary["results"] if r["scheduler"] == "alert" and r["mode"] == "live"]
        if not live:
            raise Bad(f"{arguments.quickstart}/summary.json: no live run of alert in it")
        worst = max(100 * r["decide_s"]["median"] / r["latency_s"]["median"] for r in live)
        claim("time of a decision over latency, live, medians", "at most 1.7 %", {"value": worst, "low": None, "high": None, "settings": len(live)},
              lambda f: f["value"] <= 1.7, note="the worst of the live settings of the quickstart")
    if arguments.recordings:
        shares = anytime_shares(arguments.program, arguments.recordings)
        on, off = estimate(percent(shares["with"])), estimate(percent(shares["without"]))
        if on and off:
            claim("alert takes an anytime network: with co-runner less without, percentage points", "more when unstable",
                  estimate([100 * (a - b) for a, b in zip(shares["with"], shares["without"])]), lambda f: f["low"] > 0, unit="points",
                  note=f"{on['value']:.0f} % with, {off['value']:.0f} % without; one value a recording")
    if arguments.statistics:
        reaction = [r["reaction"]["paper"]["median_inputs"] for r in read(arguments.statistics)["recordings"]
                    if r["reaction"]["paper"]["median_inputs"] is not None]
        claim("inputs until the filter has covered 90 % of a step", "quick", estimate(reaction), lambda f: f["value"] <= 3, unit="inputs",
              note="median over phases, one value a recording")
    return claims


def markdown(claims):
    text = "| claim | said | found here | 95 % interval | n | holds here |\n|---|---|---|---|---|---|\n"
    for c in claims:
        f = c["found"]
        unit = "" if c["unit"] == "points" else (" %" if c["unit"] == "%" else f" {c['unit']}")
        value = "-" if f is None else f"{f['value']:.3g}{unit}" if f["value"] < 1 else f"{f['value']:.1f}{unit}"
        interval = "-" if f is None or f["low"] is None else f"{f['low']:.1f} to {f['high']:.1f}"
        name = c["claim"] + (f" ({c['note']})" if c["note"] else "")
        text += f"| {name} | {c['said']} | {value} | {interval} | {f['settings'] if f else 0} | {'-' if c['holds'] is None else 'yes' if c['holds'] else 'no'} |\n"
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("evaluation", metavar="EVALUATION", help="folder with evaluation.json")
    parser.add_argument("--recordings", nargs="*", default=[], metavar="RECORDING", help="for what needs traces")
    parser.add_argument("--quickstart", metavar="RESULT", help="result folder of a live run: overhead")
    parser.add_argument("--statistics", metavar="FILE", help="JSON of scripts/input_statistics.py: reaction time")
    parser.add_argument("--out", required=True, metavar="OUT", help="OUT.json and OUT.md")
    parser.add_argument("--program", default=os.path.join(os.path.dirname(os.path.realpath(__file__)), "../build/bin/alert-bench"))
    arguments = parser.parse_args()
    try:
        claims = check(arguments)
    except Bad as e:
        print(f"claims: {e}", file=sys.stderr)
        sys.exit(2)
    os.makedirs(os.path.dirname(os.path.abspath(arguments.out)), exist_ok=True)
    with open(arguments.out + ".json", "w") as f:
        json.dump(claims, f, indent=1)
        f.write("\n")
    with open(arguments.out + ".md", "w") as f:
        f.write(markdown(claims))
    print(markdown(claims), end="")


if __name__ == "__main__":
    main()
