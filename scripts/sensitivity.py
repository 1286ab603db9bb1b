#!/usr/bin/python3
"""Shows from recordings how ALERT's results depend on its constants: slow-down filter, probability, goal window. See --help."""

import argparse
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

SYSTEM_PYTHON = "/usr/bin/python3"
FLOORS = [0.1, 0.03, 0.001]  # of the process noise; the first is the published one
NOISES = [0.001, 0.1]                      # of the measurement; the first is the published one
THRESHOLDS = [None, 0.9]                   # probability with which goals must hold; none as published
WINDOWS = [0, 20, 60]                      # inputs over which goals are kept on average; 0: each input for itself
TASKS = {"min_energy": "least energy", "min_error": "least error"}
BOUNDS = {"over_oracle_causal": "oracle-causal", "over_oracle_mean": "oracle-mean"}
KEYS = ("process_noise_floor", "measurement_noise", "probability_threshold", "goal_window")

EPILOG = """example:
  scripts/sensitivity.py --choose results/reference/recordings/*-{default,compute-2} \\
      --show results/reference/recordings/*-{compute-1,memory-1,memory-2} --out results/reference/sensitivity

Replays `alert` over the whole grid of goals of every recording, once for each choice of constants: floor of the process noise
(published: 0.1), measurement noise (0.001), the probability with which goals must hold (none), and the window of inputs over which
it meets its goals on average (0). Constants are chosen on one set of recordings and evaluated on the other. The choice has the fewest
violated settings over both tasks, goals judged as means (the number when judged input by input is shown too) and, among choices within
one percentage point of that, the smallest distance to oracle-causal (harmonic mean of both tasks). The distance to oracle-mean, the
bound under mean goals, is shown too. Writes OUT/sensitivity.{json,md,pdf,png}.
"""


def variants():
    return [(floor, noise, threshold, window) for window in WINDOWS for threshold in THRESHOLDS for noise in NOISES for floor in FLOORS]


def label(variant):
    floor, noise, threshold, window = variant
    return (f"floor {floor:g}, noise {noise:g}" + (f", probability {threshold:g}" if threshold else "")
            + (f", window {window}" if window else ""))


def sweep(program, folders, variant):
    """Totals of each task over the recordings with these constants."""
    floor, noise, threshold, window = variant
    settings = ["--set", f"scheduler_settings.alert.slowdown.process_noise_floor={floor}",
                "--set", f"scheduler_settings.alert.slowdown.measurement_noise={noise}",
                "--set", f"scheduler_settings.alert.goal_window={window}"]
    if threshold:
        settings += ["--set", f"scheduler_settings.alert.probability_threshold={threshold}"]
    totals = {task: {"feasible": 0, "violated": 0, "strict_feasible": 0, "strict_violated": 0, "in_time": [],
                     **{key: [] for key in BOUNDS}} for task in TASKS}
    for folder in folders:
        command = [program, "replay", folder, "--grid", "--schedulers", "alert", "--json", *settings]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"sensitivity: {' '.join(command)}: exit code {done.returncode}: {done.stderr.strip()}")
        for cell in json.loads(done.stdout)["cells"]:
            total, alert = totals[cell["task"]], cell["schedulers"]["alert"]
            total["feasible"] += alert["feasible_settings"]
            total["violated"] += alert["violated_settings"]
            total["strict_feasible"] += alert["strict"]["feasible_settings"]
            total["strict_violated"] += alert["strict"]["violated_settings"]
            for key in ("in_time", *BOUNDS):
                if alert[key]:
                    total[key].append(alert[key]["value"])
    mean = lambda values: sum(values) / len(values) if values else None
    return {task: {"feasible_settings": t["feasible"], "violated_settings": t["violated"],
                   "strict": {"feasible_settings": t["strict_feasible"], "violated_settings": t["strict_violated"]},
                   "in_time": mean(t["in_time"]), **{key: harmonic(t[key]) for key in BOUNDS}} for task, t in totals.items()}


def harmonic(values):
    return len(values) / sum(1 / v for v in values) if values else None


def rate(totals):
    feasible = sum(t["feasible_settings"] for t in totals.values())
    return sum(t["violated_settings"] for t in totals.values()) / feasible if feasible else 1.0


def distance(totals):
    values = [t["over_oracle_causal"] for t in totals.values()]
    return float("inf") if None in values else harmonic(values)


def violated_percent(totals):
    return 100 * totals["violated_settings"] / max(1, totals["feasible_settings"])


def choose(table):
    fewest = min(rate(totals) for totals in table.values())
    return min((v for v in table if rate(table[v]) <= fewest + 0.01), key=lambda v: distance(table[v]))


def markdown(chosen, tables):
    def figures(totals):
        cells = []
        for task in TASKS:
            t = totals[task]
            number = lambda value, form: "-" if value is None else form.format(value)
            cells += [f"{t['violated_settings']} of {t['feasible_settings']} "
                      f"({t['strict']['violated_settings']} of {t['strict']['feasible_settings']})",
                      number(t["in_time"] and 100 * t["in_time"], "{:.1f}"), *(number(t[key], "{:.3f}") for key in BOUNDS)]
        return " | ".join(cells)

    paper = variants()[0]
    best_floor = min((v for v in variants() if v[1:] == paper[1:]), key=lambda v: rate(tables["choose"][v]))
    best_without_window = choose({v: t for v, t in tables["choose"].items() if v[3] == 0})
    rows = dict.fromkeys([paper, best_floor, best_without_window, chosen])
    columns = [f"{name}: {what}" for name in TASKS.values() for what in
               ("settings violated (input by input)", "in time, %", *(f"over {bound}" for bound in BOUNDS.values()))]
    text = f"| recordings | constants | {' | '.join(columns)} |\n|" + "---|" * (2 + len(columns)) + "\n"
    for which in tables:
        for v in rows:
            name = " (published)" * (v == paper) + " (chosen)" * (v == chosen)
            text += f"| {'chosen on' if which == 'choose' else 'shown on'} | {label(v)}{name} | {figures(tables[which][v])} |\n"
    return text


def draw(chosen, tables, counts, out):
    from alert_figures import style

    columns = [(task, noise) for task in TASKS for noise in NOISES]
    fig, axes = style.figure(style.PAGE_IN, 4.6, 3, len(columns), sharex=True, sharey="row")
    colors = dict(zip(WINDOWS, (style.BLUE, style.GREEN, style.VERMILLION)))
    table = tables["show"]
    rows = [violated_percent, *(lambda t, key=key: t[key] for key in BOUNDS)]
    for column, (task, noise) in enumerate(columns):
        for row, figure in enumerate(rows):
            ax = axes[row][column]
            for threshold in THRESHOLDS:
                for window in WINDOWS:
                    points = [(f, figure(table[f, noise, threshold, window][task])) for f in FLOORS]
                    points = [(f, y) for f, y in points if y is not None]
                    if points:
                        ax.plot(*zip(*points), color=colors[window], ls="-" if threshold is None else "--", marker="o", ms=2.5)
            y = figure(table[chosen][task])
            if noise == chosen[1] and y is not None:
                ax.plot([chosen[0]], [y], marker="s", ms=7, mfc="none", mec=style.BLACK, mew=1, ls="none")
            ax.axvline(FLOORS[0], color=style.LIGHT, lw=0.8, zorder=0)
            ax.set_xscale("log")
            if row > 0:
                ax.axhline(1, color=style.BLACK, lw=0.7, ls=":")
        axes[0][column].set_title(f"{TASKS[task]}, noise {noise:g}", loc="left")
        axes[-1][column].set_xlabel("floor of the process noise")
    axes[0][0].set_ylim(bottom=0)
    axes[0][0].set_ylabel("settings violated, %")
    for row, bound in enumerate(BOUNDS.values(), 1):
        axes[row][0].set_ylabel(f"objective over\n{bound}'s")
    fig.align_ylabels(axes[:, 0])
    handle = lambda **keys: style.Line2D([], [], **keys)
    legend = [(handle(color=c, marker="o", ms=2.5), f"window of {w} inputs" if w else "no window") for w, c in colors.items()]
    legend += [(handle(color=style.GREY, ls="--"), f"goals must be met with probability {THRESHOLDS[1]:g}"),
               (handle(color=style.BLACK, marker="s", mfc="none", ls="none", ms=6), "chosen (on other recordings)"),
               (handle(color=style.LIGHT), "published floor")]
    style.finish(fig, "ALERT's constants: floor and noise of the slow-down filter, probability, window of the goals",
                 [f"{counts['show']} recordings that the choice did not use; chosen on {counts['choose']} others",
                  "violated: over 10 % are late or, on average, a goal is missed", "distances over settings that both keep",
                  "energy: model"], legend=legend)
    for kind in ("pdf", "png"):
        fig.savefig(f"{out}/sensitivity.{kind}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--choose", nargs="+", required=True, metavar="RECORDING", help="recordings to choose the constants on")
    parser.add_argument("--show", nargs="+", required=True, metavar="RECORDING", help="recordings to evaluate them on")
    parser.add_argument("--out", required=True, help="folder for sensitivity.{json,md,pdf,png}")
    parser.add_argument("--program", default=os.path.join(os.path.dirname(os.path.realpath(__file__)), "../build/bin/alert-bench"),
                        help="alert-bench (default: the one in build/)")
    arguments = parser.parse_args()
    both = set(map(os.path.realpath, arguments.choose)) & set(map(os.path.realpath, arguments.show))
    if both:
        parser.error(f"{', '.join(sorted(both))}: in both --choose and --show; constants must be evaluated on recordings that they were not chosen on")
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
        json.dump({"chosen": dict(zip(KEYS, chosen)),
                   "recordings": {w: [os.path.basename(p.rstrip("/")) for p in getattr(arguments, w)] for w in tables},
                   "results": [{**dict(zip(KEYS, v)), **{w: tables[w][v] for w in tables}} for v in variants()]}, f, indent=1)
        f.write("\n")
    draw(chosen, tables, {w: len(getattr(arguments, w)) for w in tables}, arguments.out)
    print(text, end="")


if __name__ == "__main__":
    main()
