"""distance: how far every scheduler is from the oracles: the one that keeps the goals input by input, the one that keeps them on
average (the bound where goals are means), and the one that knows only the distribution of the present phase. A row of panels per workload, a column per task. From evaluation.json."""

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from . import style
from .reading import Missing, natural

NAMES = ["distance"]
TO = (("over_oracle", "oracle", "o"), ("over_oracle_mean", "oracle-mean", "s"), ("over_oracle_causal", "oracle-causal", "D"))
HOLLOW = "oracle-causal"
WHAT = {"min_energy": "energy", "min_error": "error"}
HALO = [withStroke(linewidth=1.8, foreground="white")]


def draw(result, options):
    evaluation = result.evaluation()
    tasks = evaluation.tasks()
    workloads = sorted({c["workload"] for c in evaluation.cells}, key=natural)
    rows = workloads + ([None] if len(workloads) > 1 else [])
    names = sorted(evaluation.schedulers, key=style.scheduler_order)
    width = style.PAGE_IN if len(tasks) > 1 else style.COLUMN_IN
    fig, axes = style.figure(width, len(rows) * (0.21 * len(names) + 0.5), rows=len(rows), columns=len(tasks), sharey=True,
                             sharex="col")
    drawn = {}
    for r, workload in enumerate(rows):
        for c, task in enumerate(tasks):
            ax = axes[r, c]
            cells = evaluation.select(task, workload)
            for y, name in enumerate(names):
                color = style.scheduler_color(name)
                counts = []
                for k, (metric, oracle, marker) in enumerate(TO):
                    if oracle == name:
                        continue
                    v = evaluation.total(cells, name, metric)
                    counts.append(v.settings)
                    if not v.known:
                        continue
                    at, gid = y + (k - 1) * 0.27, f"{workload or 'all'}:{task}:{name}:{oracle}"
                    percent = lambda x: 100 * (x - 1)
                    if not np.isnan(v.low):
                        ax.plot([percent(v.low), percent(v.high)], [at, at], color=color, lw=1.1, zorder=3, gid=f"interval:{gid}")
                    look = (dict(color="white", mec=color, mew=1.0, ms=2.9) if oracle == HOLLOW else
                            dict(color=color, mec="#333333", mew=0.4, ms=3.3))
                    ax.plot(percent(v.value), at, marker, zorder=4, gid=f"distance:{gid}", clip_on=False, **look)
                    drawn[oracle] = True
                ax.text(1.0, y, " · ".join(dict.fromkeys(str(n) for n in counts)), fontsize=5.2, color=style.GREY, va="center", ha="right",
                        transform=ax.get_yaxis_transform(), path_effects=HALO, zorder=5, gid=f"settings:{workload or 'all'}:{task}:{name}")
            ax.axvline(0, color=style.BLACK, lw=0.8, ls="--", zorder=2)
            ax.set_yticks(range(len(names)), names)
            ax.set_ylim(len(names) - 0.4, -0.6)
            ax.tick_params(axis="y", length=0)
            ax.grid(axis="y", visible=False)
            for y in range(1, len(names), 2):
                ax.axhspan(y - 0.5, y + 0.5, color="#F6F6F6", lw=0, zorder=0)
            title = task.replace("_", " ")
            ax.set_title(f"{workload or 'all workloads'}, {title}", loc="left", pad=3)
            if r == len(rows) - 1:
                ax.set_xlabel(f"{WHAT[task]} above the oracle's, %")
    if not drawn:
        raise Missing(f"{evaluation.path}: no scheduler has a known distance to an oracle")
    for c in range(len(tasks)):  # room for the counts, right
        low, high = axes[0, c].get_xlim()
        axes[0, c].set_xlim(min(low, -0.02 * high), high + 0.14 * (high - low))
    for _, oracle, _ in TO:
        if oracle not in drawn:
            result.notes(f"distance: {evaluation.path}: no known distance to {oracle}, only to {', '.join(drawn)}")
    legend = [(Line2D([], [], marker=m, color="white" if oracle == HOLLOW else style.GREY, mec=style.GREY, mew=0.9, ls="", ms=3.2),
               f"to {oracle}") for _, oracle, m in TO if oracle in drawn]
    legend.append((Line2D([], [], color=style.GREY, lw=1.1), f"{100 * evaluation.confidence:g} % interval"))
    style.finish(fig, "Distance to the oracles", [
        "oracle knows every input's own slow-down and meets the goals on each input; oracle-mean meets them on average: the bound under "
        "mean goals; oracle-causal knows only the distribution of the current phase", "right: number of settings included, listed one by one where they differ (feasible, not violated by the scheduler)",
        "cells combined by the harmonic mean", *evaluation.caption(evaluation.cells), result.verdict_text()], legend=legend)
    return fig
