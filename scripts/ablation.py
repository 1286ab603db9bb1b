#!/usr/bin/python3
"""Shows from recordings how `price` compares with ALERT and the bounds, and what each of its parts buys. See --help."""

import argparse
import json
import math
import os
import random
import subprocess
import sys

PROGRAM = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../build/bin/alert-bench")
TASKS = {"min_energy": "least energy", "min_error": "least error"}
BOUNDS = ["oracle-static", "oracle-causal", "oracle-mean"]
TUNED = {"alert": {"preset": "tuned"}}
VARIANTS = {  # settings of price
    "price": {},
    "no reserve (0.5)": {"reserve": {"start": 0.5, "step": 0}},
    "no bank": {"bank": {"on": False}},
    "no histogram": {"slowdown": {"histogram": False}},
    "one regime": {"slowdown": {"regimes": 1}},
    "three regimes": {"slowdown": {"regimes": 3}},
    "no late price": {"late": {"on": False}},
    "goal of each input": {"rule": "goal"},
    "known horizon": {"horizon": "known"},
}
RESAMPLES, SEED = 2000, 1

EPILOG = """example:
  scripts/ablation.py --choose results/reference/recordings/{fashion-mnist,ptb}-{compute-1,memory-1} \\
      --show results/reference/recordings/*-{default,compute-2,memory-2} --out results/reference/price

Replays the whole grid of goals of every recording, goals judged as means. The first table has ALERT (as published, and tuned), price and
the bounds, separately for the recordings on which constants were chosen and for the others. The second has price with one part changed at
a time, over all recordings. Ratios are geometric means over settings; the ratio to tuned ALERT is over the settings that both meet, with a
95 % bootstrap interval (recordings are drawn, then settings within each). Writes OUT/price.{json,md}.
"""


def replay(program, folder, schedulers, settings):
    """The settings of each task's grid; those that a scheduler cannot meet are among them."""
    command = [program, "replay", folder, "--grid", "--schedulers", ",".join(schedulers), "--json", "--quiet"]
    for scheduler, values in settings.items():
        command += ["--set", f"scheduler_settings.{scheduler}={json.dumps(values)}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"ablation: {' '.join(command)}: exit code {done.returncode}: {done.stderr.strip()}")
    return {cell["task"]: cell["settings"] for cell in json.loads(done.stdout)["cells"]}


def workload(folder):
    with open(os.path.join(folder, "recording.json")) as f:
        return json.load(f)["workload"]


def objective(result, task):
    return result["mean_energy_j" if task == "min_energy" else "mean_error"]


def geometric(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def interval(by_recording):
    """95 % bootstrap interval of the geometric mean."""
    by_recording = [values for values in by_recording if values]
    if not by_recording:
        return None
    source = random.Random(SEED)
    means = []
    for _ in range(RESAMPLES):
        drawn = [source.choices(values, k=len(values)) for values in source.choices(by_recording, k=len(by_recording))]
        means.append(geometric([v for values in drawn for v in values]))
    means.sort()
    return [means[int(0.025 * RESAMPLES)], means[int(0.975 * RESAMPLES)]]


def figures(recordings, name, rivals, task):
    """Figures of scheduler `name` in `recordings`, each {task: settings}; `rivals`: the same recordings with tuned ALERT."""
    feasible = violated = exact_feasible = exact_violated = 0
    late, over, ratios = [], {bound: [] for bound in BOUNDS}, []
    for recording, rival in zip(recordings, rivals):
        ratios.append([])
        for setting, other in zip(recording[task], rival[task]):
            result, alert = setting["results"][name], other["results"]["alert"]
            exact_feasible += setting["feasible_exact"]
            exact_violated += setting["feasible_exact"] and result["mean"]["violated_exact"]
            if not setting["feasible"]:
                continue
            feasible += 1
            violated += result["violated"]
            late.append(result["late_share"])
            if result["violated"]:
                continue
            for bound in BOUNDS:
                if not setting["results"][bound]["violated"]:
                    over[bound].append(objective(result, task) / objective(setting["results"][bound], task))
            if not alert["violated"]:
                ratios[-1].append(objective(result, task) / objective(alert, task))
    together = [v for values in ratios for v in values]
    return {"feasible_settings": feasible, "violated_settings": violated,
            "exact": {"feasible_settings": exact_feasible, "violated_settings": exact_violated},
            "late_share": sum(late) / len(late) if late else None,
            **{"over_" + bound.replace("-", "_"): geometric(over[bound]) for bound in BOUNDS},
            "over_alert_tuned": {"settings": len(together), "value": geometric(together), "interval": interval(ratios)}}


def row(first, f):
    def number(value):
        return "-" if value is None else f"{value:.3f}"

    ratio = f["over_alert_tuned"]
    low_high = " [" + ", ".join(map(number, ratio["interval"])) + "]" if ratio["interval"] else ""
    return " | ".join([*first, f"{f['violated_settings']} of {f['feasible_settings']} "
                       f"({f['exact']['violated_settings']} of {f['exact']['feasible_settings']})",
                       "-" if f["late_share"] is None else f"{100 * f['late_share']:.1f}",
                       *(number(f["over_" + bound.replace("-", "_")]) for bound in BOUNDS),
                       number(ratio["value"]) + low_high])


def table(heads, lines):
    heads = [*heads, "violated (without tolerance)", "late, %", *(f"/ {bound}" for bound in BOUNDS), "/ ALERT tuned"]
    return "".join(f"| {line} |\n" for line in [" | ".join(heads), " | ".join(["---"] * len(heads)), *lines])


def main():
    parser = argparse.ArgumentParser(description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--choose", nargs="+", required=True, metavar="RECORDING", help="recordings on which constants were chosen")
    parser.add_argument("--show", nargs="+", required=True, metavar="RECORDING", help="recordings on which none was chosen")
    parser.add_argument("--out", required=True, help="folder for price.{json,md}")
    parser.add_argument("--program", default=PROGRAM, help="alert-bench (default: the one in build/)")
    arguments = parser.parse_args()
    sets = {"choose": arguments.choose, "show": arguments.show}
    both = set(map(os.path.realpath, arguments.choose)) & set(map(os.path.realpath, arguments.show))
    if both:
        parser.error(f"{', '.join(sorted(both))}: in both --choose and --show; name each recording once")
    folders = [*arguments.choose, *arguments.show]
    workloads = {folder: workload(folder) for folder in folders}

    tuned, paper = {}, {}
    variants = {name: {} for name in VARIANTS}
    for number, folder in enumerate(folders, 1):
        tuned[folder] = replay(arguments.program, folder, ["alert"], TUNED)
        paper[folder] = replay(arguments.program, folder, ["alert"], {})
        for name, settings in VARIANTS.items():
            variants[name][folder] = replay(arguments.program, folder, ["price"], {"price": settings})
        print(f"ablation: {number} of {len(folders)}: {folder}", file=sys.stderr)

    compared = {"alert, as published": (paper, "alert"), "alert, tuned": (tuned, "alert"), "price": (variants["price"], "price"),
                **{bound: (tuned, bound) for bound in BOUNDS}}
    comparison, ablation = [], []
    for which in sets:
        for task in TASKS:
            for kind in dict.fromkeys(workloads.values()):
                chosen = [f for f in sets[which] if workloads[f] == kind]
                for label, (runs, name) in compared.items():
                    if chosen:
                        comparison.append({"recordings": which, "task": task, "workload": kind, "scheduler": label,
                                           **figures([runs[f] for f in chosen], name, [tuned[f] for f in chosen], task)})
    for task in TASKS:
        for kind in dict.fromkeys(workloads.values()):
            chosen = [f for f in folders if workloads[f] == kind]
            for name, runs in variants.items():
                ablation.append({"task": task, "workload": kind, "variant": name, "settings": VARIANTS[name],
                                 **figures([runs[f] for f in chosen], "price", [tuned[f] for f in chosen], task)})

    words = {"choose": "chosen on", "show": "shown on"}
    text = table(["recordings", "task", "workload", "scheduler"],
                 [row([words[f["recordings"]], TASKS[f["task"]], f["workload"], f["scheduler"]], f) for f in comparison])
    text += "\n" + table(["task", "workload", "price with"],
                         [row([TASKS[f["task"]], f["workload"], f["variant"]], f) for f in ablation])
    os.makedirs(arguments.out, exist_ok=True)
    with open(f"{arguments.out}/price.md", "w") as f:
        f.write(text)
    with open(f"{arguments.out}/price.json", "w") as f:
        json.dump({"recordings": {w: [os.path.basename(p.rstrip("/")) for p in sets[w]] for w in sets},
                   "bootstrap": {"resamples": RESAMPLES, "seed": SEED}, "comparison": comparison, "ablation": ablation}, f, indent=1)
        f.write("\n")
    print(text, end="")


if __name__ == "__main__":
    main()
