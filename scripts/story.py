#!/usr/bin/python3
"""Puts the figures that ARTIFACT.md rests on onto one page, in the order in which they tell the story.

    scripts/story.py [RESULTS (default: results/reference)]

Writes RESULTS/story.png. A figure that is absent is omitted, and named.
"""

import os
import sys

sys.dont_write_bytecode = True
SCRIPTS = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, SCRIPTS)

import system_python  # noqa: E402

STORY = (
    ("Networks trade error for latency", "quickstart/figures/error_latency.png"),
    ("Power caps trade energy for latency", "quickstart/figures/energy_latency.png"),
    ("Another job slows the network down", "quickstart/figures/contention.png"),
    ("ALERT chooses network and cap for each input", "quickstart/figures/timeline_pair.png"),
    ("What both choices together can save", "evaluation/figures/goals_energy.png"),
    ("Energy beside one-level schedulers", "evaluation/figures/grid_energy.png"),
    ("Error beside one-level schedulers", "evaluation/figures/grid_error.png"),
    ("All schedulers, least energy", "evaluation/figures/schedulers_energy.png"),
    ("All schedulers, least error", "evaluation/figures/schedulers_error.png"),
    ("How well the slow-down is predicted", "calibration/calibration.png"),
    ("ALERT's constants", "sensitivity/sensitivity.png"),
    ("Which conclusions turn over", "turnover/turnover.png"),
)


def main():
    if len(sys.argv) > 2 or sys.argv[1:] and sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    system_python.require({"matplotlib": "python3-matplotlib"})
    from alert_figures import contact_sheet
    from alert_figures.reading import Broken

    results = sys.argv[1] if len(sys.argv) > 1 else os.path.normpath(os.path.join(SCRIPTS, "../results/reference"))
    pictures = []
    for heading, path in STORY:
        if os.path.exists(f"{results}/{path}"):
            pictures.append((f"{len(pictures) + 1}. {heading}", f"{results}/{path}"))
        else:
            print(f"story: {results}/{path} is absent: omitted", file=sys.stderr)
    if not pictures:
        sys.exit(f"story: {results}: has no figures; draw them with scripts/reproduce.sh")
    try:
        contact_sheet.sheet(pictures, "Which of ALERT's claims hold here: the evaluation at a glance").savefig(f"{results}/story.png", dpi=130)
    except (Broken, OSError) as e:
        print(f"story: {e}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
