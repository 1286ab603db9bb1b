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
      --quickstart results/reference/quickstart --out results/reference/claims/claims

Writes OUT.json and OUT.md: one line per claim and reading, with the value found, its 95 % interval (from evaluation.json: recordings
resampled, then settings within each) and the number of settings it rests on. "holds" compares only the value with the claim;
a separate column says whether the interval reaches it. Where a claim does not hold, ARTIFACT.md says why, as far as we can tell.
"""

TASKS = ("min_energy", "min_error")
DOMAINS = {"vision": 99.9, "nlp": 98.5}  # what the talk claims for each, % of inputs within constraints


class Bad(Exception):
    pass


def read(path):
    def refuse(word):
        raise ValueError(f"{word} is not valid JSON")

    try:
        with open(path) as f:
            return json.load(f, parse_constant=refuse)
    except (OSError, ValueError) as e:
        raise Bad(f"{path}: cannot read this file: {e}") from e


def estimate(values, seed=1):
    """Mean, 95 % interval by a bootstrap over the values, and their number: for values that exist once per recording."""
    if not values:
        return None
    mean = sum(values) / len(values)
    draw = random.Random(seed)
    means = sorted(sum(draw.choices(values, k=len(values))) / len(values) for _ in range(1000))
    return {"value": mean, "low": means[25], "high": means[974], "settings": len(values)}


def through(figure, estimated):
    """An estimate of evaluation.json with its value and both ends through `figure`, which rises or falls; None stays None."""
    if estimated is None:
        return None
    ends = [None if estimated[k] is None else figure(estimated[k]) for k in ("low", "high")]
    if None not in ends:
        ends.sort()
    return {"value": figure(estimated["value"]), "low": ends[0], "high": ends[1], "settings": estimated["settings"]}


def anytime_shares(program, recordings):
    """Share of inputs for which alert chooses an anytime network, with and without the co-runner, one value per recording: in the
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
    if not str(evaluation.get("schema_version")).startswith("2."):
        raise Bad(f"{arguments.evaluation}/evaluation.json: schema_version {evaluation.get('schema_version')!r} is not read, only '2.x'; "
                  "evaluate the recordings again (alert-bench sweep, or replay --grid)")
    claims = []

    def claim(name, reading, said, found, reaches, unit="%", note=""):
        """`reaches`: whether a value meets the claim; None: nothing was claimed."""
        best = [] if found is None else [v for v in (found["low"], found["high"], found["value"]) if v is not None]
        claims.append({"claim": name, "reading": reading, "said": said, "found": found, "unit": unit,
                       "holds": None if found is None or reaches is None else bool(reaches(found["value"])),
                       "interval_reaches": None if found is None or reaches is None or found["low"] is None else any(map(reaches, best)),
                       "note": note})

    overall = evaluation["overall"]
    present = [d for d in DOMAINS if d in overall] or ["all"]
    share = lambda v: 100 * v
    for domain in present:
        said = DOMAINS.get(domain)
        reaches = None if said is None else lambda v, s=said: v >= s
        for task in TASKS:
            totals = overall[domain].get(task, {}).get("schedulers", {}).get("alert")
            if not totals:
                continue
            text = "-" if said is None else f"{said} %"
            name = f"{domain}, {task}: constraints met"
            claim(name, "inputs (sentences) in time", text, through(share, totals["in_time"]), reaches)
            claim(name, "settings met", text, through(lambda v: 100 * (1 - v), totals["violation_rate"]), reaches,
                  note=f"{totals['violated_settings']} of {totals['feasible_settings']} violated; without tolerance "
                       f"{totals['exact']['violated_settings']} of {totals['exact']['feasible_settings']}")
            claim(name, "inputs strictly within goals", text, through(share, totals["satisfaction"]), reaches,
                  note="each input by itself, which ALERT does not promise")
    for domain in dict.fromkeys(["all", *present]):
        for task in TASKS:
            totals = overall[domain].get(task, {}).get("schedulers", {}).get("alert")
            if not totals:
                continue
            name = f"{domain}, {task}: of what an oracle reaches"
            reached = lambda key: through(lambda v: 100 / v, totals[key])
            claim(name, "oracle (clairvoyant, input by input)", "93 to 99 %", reached("over_oracle"), lambda v: v >= 93)
            claim(name, "oracle-mean (the true bound under mean goals)", "-", reached("over_oracle_mean"), None)
            claim(name, "oracle-causal (a bound that a scheduler could reach)", "-", reached("over_oracle_causal"), None)
            said = 3 if task == "min_energy" else 2
            claim(f"{domain}, {task}: above the oracle (abstract)", "oracle", f"{said} %", through(lambda v: 100 * (v - 1), totals["over_oracle"]),
                  lambda v, s=said: v <= s)
    for task, said, what in (("min_energy", 13, "energy"), ("min_error", 27, "error")):
        for saving in overall["all"].get(task, {}).get("savings", []):
            if saving["rival"] not in ("app-only", "sys-only", "no-coord"):
                continue
            one_level = saving["rival"] != "no-coord"
            for key, reading in (("own_settings", "(a) each over the settings it keeps itself"), ("both_keep", "(b) settings that both keep"),
                                 ("all_feasible", "(c) all feasible settings")):
                claim(f"{what} saved against {saving['rival']}", reading, f"{said} % against one level" if one_level else "-",
                      through(share, saving[key]), (lambda v, s=said: v >= s) if one_level else None,
                      note=f"violated: alert {saving['violated_settings']}, {saving['rival']} {saving['rival_violated_settings']} "
                           f"of {saving['feasible_settings']}" if key == "all_feasible" else "")
    if arguments.quickstart:
        summary = read(f"{arguments.quickstart}/summary.json")
        live = [r for r in summary["results"] if r["scheduler"] == "alert" and r["mode"] == "live"]
        if not live:
            raise Bad(f"{arguments.quickstart}/summary.json: it contains no live run of alert")
        worst = max(100 * r["decide_s"]["median"] / r["latency_s"]["median"] for r in live)
        claim("time of a decision over latency", "live, medians", "at most 1.7 %",
              {"value": worst, "low": None, "high": None, "settings": len(live)}, lambda v: v <= 1.7, note="the worst of the live settings of the quickstart")
    if arguments.recordings:
        shares = anytime_shares(arguments.program, arguments.recordings)
        on, off = (estimate([100 * v for v in shares[k]]) for k in ("with", "without"))
        if on and off:
            claim("anytime networks are preferred when the environment is unstable", "share with the co-runner less share without",
                  "more when unstable", estimate([100 * (a - b) for a, b in zip(shares["with"], shares["without"])]), lambda v: v > 0,
                  unit="points",
                  note=f"{on['value']:.0f} % with, {off['value']:.0f} % without; one value a recording")
    if arguments.statistics:
        reaction = [r["reaction"]["paper"]["median_inputs"] for r in read(arguments.statistics)["recordings"]
                    if r["reaction"]["paper"]["median_inputs"] is not None]
        claim("contention is detected quickly", "inputs until the filter has covered 90 % of a step", "quickly", estimate(reaction),
              lambda v: v <= 3, unit="inputs",
              note="median over phases, one value a recording")
    return claims


def markdown(claims):
    text = "| claim | reading | said | found here | 95 % interval | n | holds | interval reaches it |\n|---|---|---|---|---|---|---|---|\n"
    word = {None: "-", True: "yes", False: "**no**"}
    for c in claims:
        f = c["found"]
        unit = "" if c["unit"] == "points" else (" %" if c["unit"] == "%" else f" {c['unit']}")
        value = "-" if f is None else f"{f['value']:.3g}{unit}" if abs(f["value"]) < 1 else f"{f['value']:.1f}{unit}"
        interval = "-" if f is None or f["low"] is None else f"{f['low']:.1f} to {f['high']:.1f}"
        reading = c["reading"] + (f" ({c['note']})" if c["note"] else "")
        text += (f"| {c['claim']} | {reading} | {c['said']} | {value} | {interval} | {f['settings'] if f else 0} | {word[c['holds']]} | "
                 f"{word[c['interval_reaches']]} |\n")
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("evaluation", metavar="EVALUATION", help="folder with evaluation.json")
    parser.add_argument("--recordings", nargs="*", default=[], metavar="RECORDING", help="recordings, for claims that need traces")
    parser.add_argument("--quickstart", metavar="RESULT", help="result folder of a live run, for the overhead")
    parser.add_argument("--statistics", metavar="FILE", help="JSON from scripts/input_statistics.py, for the reaction time")
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
        json.dump({"schema_version": "1.0", "kind": "claims", "claims": claims}, f, indent=1)
        f.write("\n")
    with open(arguments.out + ".md", "w") as f:
        f.write(markdown(claims))
    print(markdown(claims), end="")


if __name__ == "__main__":
    main()
