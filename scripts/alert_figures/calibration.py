"""calibration: how often the slow-down factor stays below the quantiles that estimators predict, and what their quantiles lose. A panel
per workload and scenario (the mean of its recordings), a column per scenario. From calibration.json."""

import os

import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from . import style
from .reading import broken, natural, read_json

NAMES = ["calibration"]
CALIBRATION_SCHEMA = "1.0"
LOOKS = {  # of estimators: colour, line, marker
    "gaussian, paper": (style.VERMILLION, "-", "o"),
    "gaussian, tuned": (style.ORANGE, "-", "s"),
    "gaussian, tuned, with noise": (style.ORANGE, "--", "D"),
    "student": (style.BLUE, "-", "^"),
    "regimes": (style.GREEN, "-", "v"),
    "quantiles": (style.PURPLE, "-", "P"),
}
WAYS = {"fixed": "one network, uncapped", "switching": "network, stage and cap change at random"}
COLUMNS = 5
TICKS = (0.05, 0.2, 0.5, 0.8, 0.95, 0.99)
SHOWN = (0.01, 0.998)  # of both axes


def logit(p):
    p = np.clip(np.asarray(p, dtype=float), *SHOWN)
    return np.log(p / (1 - p))


def read(path):
    facts = read_json(path, "make it again with 'alert-bench score estimators'", known=CALIBRATION_SCHEMA)
    try:
        levels = [float(p) for p in facts["levels"]]
        recordings = [(str(r["workload"]), str(r["scenario"]),
                       {str(e["estimator"]): {way: (float(e[way]["pinball"]), [float(c) for c in e[way]["coverage"]]) for way in WAYS}
                        for e in r["results"] if not e["conformal"]}) for r in facts["recordings"]]
    except (KeyError, TypeError, ValueError) as e:
        raise broken(path, "recordings", f"does not hold what 'alert-bench score estimators' writes ({e!r})",
                     "make it again with 'alert-bench score estimators'") from None
    if not recordings or not all(len(c) == len(levels) for _, _, found in recordings for e in found.values() for _, c in e.values()):
        raise broken(path, "recordings", "is empty, or its coverages do not have one value for each level",
                     "make it again with 'alert-bench score estimators'")
    return levels, recordings


def by_cell(recordings):
    """[(workload, scenario, {estimator: coverage while switching, a value per level}, number of recordings)], each the mean of its recordings."""
    groups = {}
    for workload, scenario, found in recordings:
        groups.setdefault((workload, scenario), []).append(found)
    return [(workload, scenario, {name: np.mean([f[name]["switching"][1] for f in together if name in f], axis=0)
                                  for name in dict.fromkeys(n for f in together for n in f)}, len(together))
            for (workload, scenario), together in groups.items()]


def look(name):
    return LOOKS.get(name, (style.scheduler_color(name), "-.", "x"))


def draw(result, options):
    levels, recordings = read(result.path("calibration.json"))
    recordings.sort(key=lambda r: (natural(r[0]), natural(r[1])))
    names = list(dict.fromkeys(name for _, _, found in recordings for name in found))
    cells = by_cell(recordings)
    rows = -(-len(cells) // COLUMNS)
    columns = -(-len(cells) // rows)
    size = style.PAGE_IN / max(3, columns)
    fig = style.plt.figure(figsize=(style.PAGE_IN, rows * 1.05 * size + 0.2 * len(names) + 0.75), layout="constrained")
    upper, lower = fig.subfigures(2, 1, height_ratios=[rows * 1.05 * size, 0.2 * len(names) + 0.75])
    panels = upper.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for ax in panels.flat[len(cells):]:
        ax.set_visible(False)
    for ax, (workload, scenario, coverage, together) in zip(panels.flat, cells):
        ends = logit(SHOWN)
        ax.plot(ends, ends, color=style.BLACK, lw=0.7, ls=":", zorder=1)
        for name in names:
            if name not in coverage:
                continue
            color, line, marker = look(name)
            ax.plot(logit(levels), logit(coverage[name]), color=color, ls=line, marker=marker, ms=2, lw=0.9,
                    gid=f"coverage:{workload}:{scenario}:{name}")
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(FixedLocator(logit(TICKS)))
            axis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 / (1 + np.exp(-v)):.0f}"))
            axis.set_minor_locator(NullLocator())
        ax.set_xlim(logit(0.04), ends[1])
        ax.set_ylim(*ends)
        ax.set_title(f"{workload}, {scenario}" + (f" ({together})" if together > 1 else ""), loc="left", pad=3, fontsize=6.5)
    for ax in panels[-1]:
        ax.set_xlabel("level of the quantile, %")
    for ax in panels[:, 0]:
        ax.set_ylabel("factors below it, %")

    losses = lower.subplots(1, len(WAYS), squeeze=False, sharey=True, sharex=True)[0]
    for ax, (way, what) in zip(losses, WAYS.items()):
        for y, name in enumerate(names):
            values = [found[name][way][0] for _, _, found in recordings if name in found]
            color, _, marker = look(name)
            ax.plot(values, [y] * len(values), marker="|", ls="", ms=5, mew=0.8, color=color, alpha=0.55)
            mean = float(np.mean(values))
            ax.plot([mean], [y], marker=marker, ms=4, color=color, mec="#333333", mew=0.4, zorder=4, gid=f"pinball:{way}:{name}")
            ax.text(1.0, y, f"{mean:.3f}", fontsize=5.8, color=style.GREY, va="center", ha="right", transform=ax.get_yaxis_transform())
        ax.set_yticks(range(len(names)), names)
        ax.set_ylim(len(names) - 0.5, -0.5)
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="y", visible=False)
        ax.set_xlabel("pinball loss (units of the factor)")
        ax.set_title(what, loc="left", pad=3)
    low, high = losses[0].get_xlim()
    losses[0].set_xlim(min(low, 0), high + 0.12 * (high - low))
    handle = lambda name: style.Line2D([], [], color=look(name)[0], ls=look(name)[1], marker=look(name)[2], ms=2.5)
    style.finish(fig, "Calibration of the estimators of the slow-down factor", [
        "above: network, stage and cap drawn at random for each input; a line below the diagonal promises more than it keeps; "
        "means of several recordings (their number)",
        "below: a stroke for each recording, and the mean of all; lower is better",
        "each factor is predicted from those before it", os.path.basename(os.path.normpath(result.folder)) + "/calibration.json"],
        legend=[(handle(name), name) for name in names])
    return fig
