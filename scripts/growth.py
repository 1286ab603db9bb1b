#!/usr/bin/python3
"""Draws how the time and memory of evaluating a recording grow, from the output of bench-grid. See --help."""

import argparse
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

EPILOG = """example:
  build/bin/bench-grid > results/reference/bench-grid.json
  scripts/growth.py results/reference/bench-grid.json --out results/reference/growth

One panel each for inputs, settings and configurations: seconds on one core (one recording, both tasks, every scheduler) and peak
memory, with the least-squares line and how far the points lie from it. Writes OUT.pdf and OUT.png.
"""

UNITS = {"inputs": "inputs of the recording", "settings": "goal settings", "configurations": "configurations (network, stage, cap)"}


def read(path):
    try:
        with open(path) as f:
            growth = json.load(f)["growth"]
        return {what: [(float(p[what]), float(p["s"]), float(p["peak_mb"])) for p in growth[what]] for what in UNITS}
    except (OSError, KeyError, TypeError, ValueError) as e:
        print(f"growth.py: {path}: is not output of bench-grid ({type(e).__name__}: {e})", file=sys.stderr)
        sys.exit(2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", metavar="BENCH_GRID_JSON")
    parser.add_argument("--out", default="growth", help="path without extension (default: %(default)s)")
    arguments = parser.parse_args()
    growth = read(arguments.file)
    try:
        import numpy as np
        from alert_figures import style
        from alert_figures.style import plt
    except ImportError as e:
        sys.exit(f"growth.py: {e}; install python3-matplotlib and run it with /usr/bin/python3")

    figure, axes = plt.subplots(1, 3, figsize=(style.PAGE_IN, 2.3), layout="constrained")
    for ax, (what, points) in zip(axes, growth.items()):
        x, seconds, memory = (np.array(column) for column in zip(*points))
        slope, start = np.polyfit(x, seconds, 1)
        off = np.max(np.abs(slope * x + start - seconds) / seconds)
        line = np.array([0, x.max()])
        ax.plot(line, slope * line + start, color=style.LIGHT, label="straight line of least squares")
        ax.plot(x, seconds, "o", color=style.BLUE, label="time")
        ax.set(title=f"points within {100 * off:.0f} % of the line", xlabel=UNITS[what], xlim=(0, None), ylim=(0, None))
        right = ax.twinx()
        right.plot(x, memory, "s", markerfacecolor="none", color=style.VERMILLION)
        right.set_ylim(0, max(50, 1.2 * memory.max()))
        right.grid(False)
        right.spines["right"].set_visible(True)
        ax.plot([], [], "s", markerfacecolor="none", color=style.VERMILLION, label="memory (right)")
    axes[0].set_ylabel("time, s (one core)")
    right.set_ylabel("most memory, MB")
    figure.legend(*ax.get_legend_handles_labels(), loc="upper center", bbox_to_anchor=(0.5, 1.08), ncol=3)
    for ending in ("pdf", "png"):
        figure.savefig(f"{arguments.out}.{ending}", bbox_inches="tight")
    print(f"wrote {arguments.out}.pdf and {arguments.out}.png")


if __name__ == "__main__":
    main()
