#!/usr/bin/python3
"""Draws logs of alert-train (NAME.train.json): the loss of every stage versus the images or words seen. See --help."""

import argparse
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

SYSTEM_PYTHON = "/usr/bin/python3"

EPILOG = """example:
  scripts/training.py results/reference/training/*.train.json --out results/reference/training/loss

One panel for each log, one line for each stage; a log that continues from the weights of another shows both. Writes OUT.pdf (vector) and OUT.png (200 dpi).
"""


def read(path):
    try:
        with open(path) as f:
            log = json.load(f)
        legs = [log]
        while "begun_from" in legs[0]:  # the training whose weights this one began with
            legs.insert(0, legs[0]["begun_from"])
        legs = [leg for leg in legs if leg["steps"]]
        if not legs:
            raise ValueError("contains no steps yet")
        seen, losses, before = [], [], 0
        for leg in legs:
            batch = leg["batch"] * leg.get("steps_unrolled", 1) / 1000
            seen += [before + s["step"] * batch for s in leg["steps"]]
            losses += [s["train_loss"] for s in leg["steps"]]
            before = seen[-1]
        methods = list(dict.fromkeys(method_name(leg["loss"]) for leg in legs))
        return {"name": log["network"], "methods": ", then ".join(methods) if len(losses[0]) > 1 else "one stage",
                "unit": "words" if "words_an_epoch" in log else "images", "seen": seen, "losses": losses}
    except (OSError, KeyError, TypeError, ValueError) as e:
        print(f"training.py: {path}: is not a log of alert-train ({type(e).__name__}: {e})", file=sys.stderr)
        sys.exit(2)


def smooth(values, count):
    """The mean of the last `count` entries at each."""
    return [sum(values[max(0, i - count + 1):i + 1]) / min(count, i + 1) for i in range(len(values))]


def method_name(text):
    return "Orthogonalized SGD" if "Orthogonalized" in text else "balanced" if "mean over the stages" in text else "joint SGD"


def main():
    parser = argparse.ArgumentParser(description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs", nargs="+", metavar="LOG")
    parser.add_argument("--out", default="training", help="path without extension (default: %(default)s)")
    arguments = parser.parse_args()
    logs = [read(path) for path in arguments.logs]
    try:
        from alert_figures.style import PAGE_IN, plt
    except ImportError as e:
        print(f"training.py: {e}; install python3-matplotlib and run it with {SYSTEM_PYTHON}", file=sys.stderr)
        sys.exit(3)

    width = min(PAGE_IN, 0.4 + 2.6 * len(logs))
    figure, axes = plt.subplots(1, len(logs), figsize=(width, 2.3), sharey=True, squeeze=False, layout="constrained")
    for axis, log in zip(axes[0], logs):
        stages = len(log["losses"][0])
        for stage in range(stages):
            shade = 0.25 + 0.75 * (stage + 1) / stages
            axis.plot(log["seen"], smooth([v[stage] for v in log["losses"]], 10), color=plt.cm.Blues(shade), linewidth=1,
                      label=f"stage {stage + 1}")
        axis.set_title(f"{log['name']}: {log['methods']}")
        axis.set_xlabel(f"thousand {log['unit']} seen")
        if stages > 1:
            axis.legend()
        axis.set_yscale("log")
        axis.yaxis.set_minor_formatter("{x:.2g}")
        axis.yaxis.set_major_formatter("{x:.2g}")
    axes[0][0].set_ylabel("training loss, nats (mean of 10 entries)")
    for ending in ("pdf", "png"):
        figure.savefig(f"{arguments.out}.{ending}")
    print(f"wrote {arguments.out}.pdf and .png")


if __name__ == "__main__":
    main()
