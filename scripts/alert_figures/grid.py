"""grid_energy, grid_error: normalised energy (error) of every scheduler per scenario and over all, a panel per workload, and below
the share of settings that it violates, as they are judged, with a mark where goals are read input by input. From evaluation.json."""

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from . import style
from .reading import Missing
from .trace import violated_text

NAMES = ["grid_energy", "grid_error"]
REFERENCE = "oracle-static"
HIGHEST = 4.0  # bars beyond are cut and have their value written
HALO = [withStroke(linewidth=1.6, foreground="white")]
ALL = "all scenarios"
MOST = 13  # schedulers in a group; with more, only those of these families are drawn
FAMILIES = ("price", "alert", "one-level", "bound")
TASK_GOALS = {"min_energy": "accuracy is below its goal", "min_error": "energy is over its budget"}


def draw_energy(result, options):
    return _draw(result, "min_energy", "energy")


def draw_error(result, options):
    return _draw(result, "min_error", "error")


def panels(evaluation, task):
    """[(title, [(name of the group, cells)])]: one workload each, and all of them together if there are several."""
    workloads = evaluation.names("workload", task)
    found = []
    for workload in workloads + ([None] if len(workloads) > 1 else []):
        groups = [(s, evaluation.select(task, workload, s)) for s in evaluation.names("scenario", task)]
        groups = [(s, cells) for s, cells in groups if cells]
        if len(groups) > 1:
            groups.append((ALL, evaluation.select(task, workload)))
        found.append((workload or "all workloads", groups))
    return found


def _draw(result, task, what):
    evaluation = result.evaluation()
    shown = panels(evaluation, task)
    if not shown[0][1]:
        raise Missing(f"{evaluation.path}: no cell of task {task}")
    by_means = evaluation.judged_by_means(evaluation.select(task))
    names = sorted((s for s in evaluation.schedulers if s != REFERENCE), key=style.scheduler_order)
    if len(names) > MOST:
        left_out = [n for n in names if (evaluation.family(n) or style.family_of(n)) not in FAMILIES]
        names = [n for n in names if n not in left_out]
    else:
        left_out = []
    groups = max(len(g) for _, g in shown)
    gap = 1.6
    width = style.PAGE_IN if groups > 2 else style.COLUMN_IN
    fig, axes = style.figure(width, len(shown) * 1.95, rows=2 * len(shown), sharex=True,
                             gridspec_kw={"height_ratios": [1.25, 0.5] * len(shown)})
    slot_pt = (width - 0.6) * 72 / (groups * (len(names) + gap))
    small = min(5.2, 0.95 * slot_pt)
    cut = False
    for panel, (title, listed) in enumerate(shown):
        top, below = axes[2 * panel, 0], axes[2 * panel + 1, 0]
        highest = 1.25
        for g, (scenario, cells) in enumerate(listed):
            left = g * (len(names) + gap)
            if scenario == ALL:
                for ax in (top, below):
                    ax.axvspan(left - 0.5 - gap / 4, left + len(names) - 0.5 + gap / 4, color="#F4F4F4", lw=0, zorder=0)
            for i, name in enumerate(names):
                x, gid = left + i, f"{title}:{scenario}:{name}"
                look = dict(width=0.86, color=style.scheduler_color(name), edgecolor="#333333", lw=0.3, zorder=2)
                value, rate = evaluation.total(cells, name, "normalised"), evaluation.total(cells, name, "violation_rate")
                if value.known:
                    top.bar(x, value.value, gid=f"bar:{gid}", **look)
                    if not np.isnan(value.low):
                        top.plot([x, x], [value.low, value.high], color=style.BLACK, lw=0.8, zorder=4, gid=f"interval:{gid}")
                    beyond = value.value > HIGHEST
                    if beyond:
                        cut = True
                        top.text(x, HIGHEST, f"{value.value:.1f}", rotation=90, ha="center", va="top", fontsize=small, zorder=6,
                                 path_effects=HALO, gid="cut")
                    highest = max(highest, min(HIGHEST, value.value if np.isnan(value.high) else value.high))
                elif rate.known:
                    top.plot(x, 0.09, "x", color=style.VIOLATION, ms=min(3.2, 0.5 * slot_pt), mew=0.9, zorder=5, gid=f"none:{gid}")
                if value.known:
                    top.text(x, 0.04, f"{value.settings}", rotation=90, ha="center", va="bottom", fontsize=small, zorder=6,
                             path_effects=HALO, gid=f"settings:{gid}")
                if rate.known:
                    below.bar(x, 100 * rate.value, gid=f"violated:{gid}", **look)
                    if not np.isnan(rate.low) and rate.high > 0:
                        below.plot([x, x], [100 * rate.low, 100 * rate.high], color=style.BLACK, lw=0.8, zorder=4)
                strict = evaluation.strict_rate(cells, name)
                if by_means and not np.isnan(strict):
                    below.plot([x - 0.43, x + 0.43], [100 * strict] * 2, color=style.GREY, lw=1.1, zorder=5, gid=f"strict:{gid}",
                               clip_on=False, path_effects=HALO)
            feasible = sum(s["feasible"] for c in cells for s in c["settings"])
            every = sum(len(c["settings"]) for c in cells)
            top.text(left + (len(names) - 1) / 2, 1.0, f"{feasible} of {every} feasible", ha="center", va="bottom", fontsize=5.2,
                     color=style.GREY, transform=top.get_xaxis_transform(), gid="feasible")
        top.axhline(1, color=style.BLACK, lw=0.8, ls="--", zorder=3, gid=REFERENCE)
        top.set_ylim(0, highest * 1.03)
        below.set_ylim(0, 100)
        below.set_yticks([0, 50, 100])
        top.set_ylabel(f"{what} /\n{REFERENCE}'s")
        below.set_ylabel("violated,\n%")
        top.set_title(title, loc="left", pad=9, fontweight="bold")
        ticks = [g * (len(names) + gap) + (len(names) - 1) / 2 for g in range(len(listed))]
        below.set_xticks(ticks, [s for s, _ in listed])
        top.tick_params(axis="x", length=0, labelbottom=False)
        below.tick_params(axis="x", length=0, labelbottom=True)
        top.set_xlim(-0.5 - gap / 2, groups * (len(names) + gap) - gap - 0.5 + gap / 2)
        for ax in (top, below):
            ax.grid(axis="x", visible=False)
    fig.align_ylabels(axes[:, 0])
    handles = [(Patch(facecolor=style.scheduler_color(n), edgecolor="#333333", lw=0.3), n) for n in names]
    handles += [(Line2D([], [], color=style.BLACK, lw=0.8, ls="--"), REFERENCE),
                (Line2D([], [], color=style.BLACK, lw=0.8), f"{100 * evaluation.confidence:g} % interval")]
    if any(t.get_gid() and str(t.get_gid()).startswith("none:") for ax in axes[:, 0] for t in ax.lines):
        handles.append((Line2D([], [], marker="x", color=style.VIOLATION, ls="", ms=3.2, mew=0.9), "no setting counts"))
    if by_means:
        handles.append((Line2D([], [], color=style.GREY, lw=1.1), "violated if judged input by input"))
    cells = evaluation.select(task)
    style.finish(fig, f"Normalised {what} and violated settings", [
        "lower is better", f"number in a bar: settings included, which neither {REFERENCE} nor the scheduler violates",
        f"violated: share of settings where {violated_text(by_means, TASK_GOALS[task])}",
        "omitted from both: infeasible settings (no single configuration meets their goals)",
        "cells combined by the harmonic mean (violated: mean)", f"bars above {HIGHEST:g} are cut off and labelled with their value" if cut else "",
        f"not shown here, but in schedulers_{what}: {', '.join(left_out)}" if left_out else "",
        *evaluation.caption(cells), result.verdict_text()], legend=handles)
    return fig
