#!/usr/bin/python3
"""How ALERT's results depend on the constants of its slow-down filter, from recordings. See --help."""

import argparse
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

SYSTEM_PYTHON = "/usr/bin/python3"
FLOORS = [0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001]  # of the process noise; the first is the published one
NOISES = [0.001, 0.01, 0.1]                               # of the measurement; the first is the published one
THRESHOLDS = [None, 0.9]                                  # probability with which goals must hold; none as published
TASKS = {"min_energy": "least energy", "min_error": "least error"}

EPILOG = """example:
  scripts/sensitivity.py --choose results/reference/recordings/*-{default,compute-2} \\
      --show results/reference/recordings/*-{compute-1,memory-1,memory-2} --out results/reference/sensitivity

Replays `alert` over the whole grid of goals of every recording, once for each choice of constants: floor of the process noise
(published: 0.1), measurement noise (0.001), and the probability with which goals must hold (none). Constants are chosen on one set of
recordings and shown on the other: the fewest settings in violation over both tasks; among choices within one percentage point of
that, those nearest to oracle-causal (harmonic mean of both tasks). Writes OUT/sensitivity.{json,md,pdf,png}.
"""


def variants():
    return [(floor, noise, threshold) for threshold in THRESHOLDS for noise in NOISES for floor in FLOORS]


def label(variant):
    floor, noise, threshold = variant
    return f"floor {floor:g}, noise {noise:g}" + (f", probability {threshold:g}" if threshold else "")


def sweep(program, folders, variant):
    """evaluation.json of every recording with these constants, joined to totals of each task."""
    floor, noise, threshold = variant
    settings = ["--set", f"scheduler_settings.alert.slowdown.process_noise_floor={floor}",
                "--set", f"scheduler_settings.alert.slowdown.measurement_noise={noise}"]
    if threshold:
        settings += ["--set", f"scheduler_settings.alert.probability_threshold={threshold}"]
    totals = {task: {"feasible": 0, "violated": 0, "satisfied": [], "over_causal": []} for task in TASKS}
    for folder in folders:
        command = [program, "replay", folder, "--grid", "--schedulers", "alert", "--json", *settings]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"sensitivity: {' '.join(command)}: exit code {done.returncode}: {done.stderr.strip()}")
        for cell in json.loads(done.stdout)["cells"]:
            total, alert = totals[cell["task"]], cell["schedulers"]["alert"]
            total["feasible"] += alert["feasible_settings"]
            total["violated"] += alert["violated_settings"]
            if alert["satisfaction"]:
                total["satisfied"].append(alert["satisfaction"]["value"])
            if alert["over_oracle_causal"]:
                total["over_causal"].append(alert["over_oracle_causal"]["value"])
    mean = lambda values: sum(values) / len(values) if values else None
    harmonic = lambda values: len(values) / sum(1 / v for v in values) if values else None
    return {task: {"feasible_settings": t["feasible"], "violated_settings": t["violated"], "satisfaction": mean(t["satisfied"]),
                   "over_oracle_causal": harmonic(t["over_causal"])} for task, t in totals.items()}


def rate(totals):
    feasible = sum(t["feasible_settings"] for t in totals.values())
    return sum(t["violated_settings"] for t in totals.values()) / feasible if feasible else 1.0


def distance(totals):
    values = [t["over_oracle_causal"] for t in totals.values()]
    return float("inf") if None in values else len(values) / sum(1 / v for v in values)


def choose(table):
    fewest = min(rate(totals) for totals in table.values())
    return min((v for v in table if rate(table[v]) <= fewest + 0.01), key=lambda v: distance(table[v]))


def markdown(chosen, tables):
    def figures(totals):
        cells = []
        for task in TASKS:
            t = totals[task]
            over = "-" if t["over_oracle_causal"] is None else f"{t['over_oracle_causal']:.3f}"
            cells.append(f"{t['violated_settings']} of {t['feasible_settings']} | {100 * t['satisfaction']:.1f} | {over}")
        return " | ".join(cells)

    paper = variants()[0]
    best_published_noise = min((v for v in variants() if v[1] == paper[1] and v[2] is None), key=lambda v: rate(tables["choose"][v]))
    rows = dict.fromkeys([paper, best_published_noise, chosen])
    text = "| recordings | constants | " + " | ".join(
        f"{name}: settings violated | inputs within goals, % | over oracle-causal" for name in TASKS.values()) + " |\n|" + "---|" * 8 + "\n"
    for which in tables:
        for v in rows:
            name = {paper: " (published)", chosen: " (chosen)"}.get(v, "")
            text += f"| {'chosen on' if which == 'choose' else 'shown on'} | {label(v)}{name} | {figures(tables[which][v])} |\n"
    return text


def draw(chosen, tables, counts, out):
    from alert_figures import style

    fig, axes = style.figure(style.PAGE_IN, 3.6, 2, 2, sharex=True)
    colors = dict(zip(NOISES, (style.BLUE, style.GREEN, style.VERMILLION)))
    table = tables["show"]
    for column, (task, name) in enumerate(TASKS.items()):
        for threshold in THRESHOLDS:
            for noise in NOISES:
                line = dict(color=colors[noise], ls="-" if threshold is None else "--", marker="o", ms=2.5)
                violated = [100 * table[f, noise, threshold][task]["violated_settings"] /
                            max(1, table[f, noise, threshold][task]["feasible_settings"]) for f in FLOORS]
                axes[0][column].plot(FLOORS, violated, **line)
                over = [table[f, noise, threshold][task]["over_oracle_causal"] for f in FLOORS]
                axes[1][column].plot([f for f, o in zip(FLOORS, over) if o], [o for o in over if o], **line)
        axes[0][column].set_title(name)
        axes[0][column].set_ylim(bottom=0)
        axes[1][column].axhline(1, color=style.BLACK, lw=0.7, ls=":")
        axes[1][column].set_xscale("log")
        axes[1][column].set_xlabel("floor of the process noise")
        for row, key in ((0, lambda t: 100 * t["violated_settings"] / max(1, t["feasible_settings"])), (1, lambda t: t["over_oracle_causal"])):
            y = key(table[chosen][task])
            if y is not None:
                axes[row][column].plot([chosen[0]], [y], marker="s", ms=7, mfc="none", mec=style.BLACK, mew=1, ls="none")
            axes[row][column].axvline(FLOORS[0], color=style.LIGHT, lw=0.8, zorder=0)
    axes[0][0].set_ylabel("settings violated, %")
    axes[1][0].set_ylabel("objective over oracle-causal's")
    handle = lambda **keys: style.Line2D([], [], **keys)
    legend = [(handle(color=c, marker="o", ms=2.5), f"measurement noise {n:g}") for n, c in colors.items()]
    legend += [(handle(color=style.GREY, ls="--"), f"goals must hold with probability {THRESHOLDS[1]:g}"),
               (handle(color=style.BLACK, marker="s", mfc="none", ls="none", ms=6), "chosen (on other recordings)"),
               (handle(color=style.LIGHT), "published floor")]
    style.finish(fig, "ALERT's constants: floor and noise of the slow-down filter",
                 [f"{counts['show']} recordings that the choice did not see; chosen on {counts['choose']} others",
                  "distance to oracle-causal over settings that both meet", "energy: model"], legend=legend)
    for kind in ("pdf", "png"):
        fig.savefig(f"{out}/sensitivity.{kind}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--choose", nargs="+", required=True, metavar="RECORDING", help="recordings that constants are chosen on")
    parser.add_argument("--show", nargs="+", required=True, metavar="RECORDING", help="recordings that they are shown on")
    parser.add_argument("--out", required=True, help="folder for sensitivity.{json,md,pdf,png}")
    parser.add_argument("--program", default=os.path.join(os.path.dirname(os.path.realpath(__file__)), "../build/bin/alert-bench"),
                        help="alert-bench (default: that of build/)")
    arguments = parser.parse_args()
    both = set(map(os.path.realpath, arguments.choose)) & set(map(os.path.realpath, arguments.show))
    if both:
        parser.error(f"{', '.join(sorted(both))}: in --choose and in --show; constants must be shown on recordings that they were not chosen on")
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        if os.path.realpath(sys.executable) == os.path.realpath(SYSTEM_PYTHON):
            sys.exit("sensitivity: matplotlib is missing: apt-get install python3-matplotlib")
        os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON, *sys.argv])

    tables = {"choose": {}, "show": {}}
    for number, v in enumerate(variants(), 1):
        for which in tables:
            tables[which][v] = sweep(arguments.program, getattr(arguments, which), v)
        print(f"sensitivity: {number} of {len(variants())}: {label(v)}", file=sys.stderr)
    chosen = choose(tables["choose"])
    os.makedirs(arguments.out, exist_ok=True)
    text = markdown(chosen, tables)
    with open(f"{arguments.out}/sensitivity.md", "w") as f:
        f.write(text)
    with open(f"{arguments.out}/sensitivity.json", "w") as f:
        json.dump({"chosen": dict(zip(("process_noise_floor", "measurement_noise", "probability_threshold"), chosen)),
                   "recordings": {w: [os.path.basename(p.rstrip("/")) for p in getattr(arguments, w)] for w in tables},
                   "results": [{"process_noise_floor": v[0], "measurement_noise": v[1], "probability_threshold": v[2],
                                **{w: tables[w][v] for w in tables}} for v in variants()]}, f, indent=1)
        f.write("\n")
    draw(chosen, tables, {w: len(getattr(arguments, w)) for w in tables}, arguments.out)
    print(text, end="")


if __name__ == "__main__":
    main()
