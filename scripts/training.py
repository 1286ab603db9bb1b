#!/usr/bin/env python3
"""Draws logs of alert-train (NAME.train.json): the loss of every stage against the images or words seen. See --help."""

import argparse
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

EPILOG = """example:
  scripts/training.py results/reference/training/*.train.json --out results/reference/training/loss

One panel for each log, one line for each stage. Writes OUT.pdf (vector) and OUT.png (200 dpi).
"""


def read(path):
    try:
        with open(path) as f:
            log = json.load(f)
        seen = "words" if "words_an_epoch" in log else "images"
        batch = log["batch"] * log.get("steps_unrolled", 1)
        steps = [s["step"] * batch / 1000 for s in log["steps"]]
        losses = [s["train_loss"] for s in log["steps"]]
        if not steps:
            raise ValueError("holds no steps yet")
        return {"name": log["network"], "method": log["loss"], "seen": seen, "at": steps, "losses": losses}
    except (OSError, KeyError, TypeError, ValueError) as e:
        sys.exit(f"training.py: {path}: is no log of alert-train ({e})")


def smooth(values, count):
    """The mean of the last `count` entries at each."""
    return [sum(values[max(0, i - count + 1):i + 1]) / min(count, i + 1) for i in range(len(values))]


def method_name(text):
    return "Orthogonalized SGD" if "Orthogonalized" in text else "balanced" if "mean over the stages" in text else "joint SGD"


def main():
    parser = argparse.ArgumentParser(description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs", nargs="+", metavar="LOG")
    parser.add_argument("--out", default="training", help="path without ending (default: %(default)s)")
    arguments = parser.parse_args()
    logs = [read(path) for path in arguments.logs]
    from alert_figures.style import PAGE_IN, plt

    width = min(PAGE_IN, 0.4 + 2.6 * len(logs))
    figure, axes = plt.subplots(1, len(logs), figsize=(width, 2.3), sharey=True, squeeze=False, layout="constrained")
    for axis, log in zip(axes[0], logs):
        stages = len(log["losses"][0])
        for stage in range(stages):
            shade = 0.25 + 0.75 * (stage + 1) / stages
            axis.plot(log["at"], smooth([v[stage] for v in log["losses"]], 10), color=plt.cm.Blues(shade), linewidth=1,
                      label=f"stage {stage + 1}")
        axis.set_title(f"{log['name']}, {method_name(log['method'])}")
        axis.set_xlabel(f"thousand {log['seen']} seen")
        axis.set_yscale("log")
        axis.yaxis.set_minor_formatter("{x:.2g}")
        axis.yaxis.set_major_formatter("{x:.2g}")
    axes[0][0].set_ylabel("training loss, nats (mean of 10 entries)")
    axes[0][-1].legend()
    for ending in ("pdf", "png"):
        figure.savefig(f"{arguments.out}.{ending}")
    print(f"wrote {arguments.out}.pdf and .png")


if __name__ == "__main__":
    main()
