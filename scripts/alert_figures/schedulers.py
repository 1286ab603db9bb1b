"""schedulers_energy, schedulers_error: all schedulers side by side, grouped by family, a column per workload and one for all:
normalised energy (error) over all scenarios, and the share of settings violated, lighter where only goals are violated that the
scheduler does not promise. From evaluation.json."""

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from . import style
from .reading import Missing, number
from .trace import ALLOWED_SHARE, STRICT, violated_text

NAMES = ["schedulers_energy", "schedulers_error"]
REFERENCE = "oracle-static"
HIGHEST = 3.0  # bars beyond are cut and have their value written
HALO = [withStroke(linewidth=1.6, foreground="white")]
EDGE = dict(edgecolor="#333333", lw=0.3)
OTHER_GOAL = {"min_energy": "accuracy", "min_error": "energy"}  # beside the deadline


def draw_energy(result, options):
    return _draw(result, "min_energy", "energy")


def draw_error(result, options):
    return _draw(result, "min_error", "error")


def families(evaluation):
    """[(family, [names])] in the order in which figures list them."""
    found = {}
    for name in sorted(evaluation.schedulers, key=style.scheduler_order):
        found.setdefault(evaluation.family(name) or style.family_of(name), []).append(name)
    return sorted(found.items(), key=lambda item: style.family_order(item[0]))


def kept_promises(evaluation, cell, setting, name):
    """Whether a violated setting breaks no goal that the scheduler promises."""
    result, other = setting["results"][name], OTHER_GOAL[cell["task"]]
    promises = evaluation.promises(name)
    if cell["judge"] == STRICT:
        broken = number(result["strict"].get(f"violations_{other}")) > ALLOWED_SHARE
    else:
        short = number(result.get("mean", {}).get("shortfall", {}).get(other))
        tolerance = number((cell.get("goal_tolerance") or {}).get(other))
        broken = short > (tolerance if other == "accuracy" else tolerance * number(setting.get("energy_j")))
    late = result["late_share"] > ALLOWED_SHARE
    return not {"deadline", other} <= promises and not (late and "deadline" in promises) and not (broken and other in promises)


def unpromised_rate(evaluation, cells, name):
    """Share of the feasible settings that are violated by goals alone that the scheduler does not promise; a mean over cells."""
    rates = []
    for c in cells:
        feasible = [s for s in c["settings"] if s["feasible"]]
        if feasible:
            rates.append(np.mean([s["results"][name]["violated"] and kept_promises(evaluation, c, s, name) for s in feasible]))
    return float(np.mean(rates)) if rates else 0.0


def _draw(result, task, what):
    evaluation = result.evaluation()
    cells = evaluation.select(task)
    if not cells:
        raise Missing(f"{evaluation.path}: no cell of task {task}")
    workloads = evaluation.names("workload", task)
    columns = workloads + ([None] if len(workloads) > 1 else [])
    gap, rows, headings = 0.75, [], []  # rows: (y, scheduler)
    y = 0.0
    for family, names in families(evaluation):
        headings.append((y - 0.1, family))
        y += gap
        for name in names:
            rows.append((y, name))
            y += 1
    by_means = evaluation.judged_by_means(cells)
    width = style.PAGE_IN if len(columns) > 1 else style.COLUMN_IN
    fig, axes = style.figure(width, 0.125 * y + 0.5, columns=2 * len(columns), sharey=True,
                             gridspec_kw={"width_ratios": [1.5, 1] * len(columns)})
    narrow = len(columns) > 3  # labels then take two lines
    between = "\n" if narrow else " "
    cut = unpromised = False
    for c, workload in enumerate(columns):
        left, right = axes[0, 2 * c], axes[0, 2 * c + 1]
        shown = evaluation.select(task, workload)
        highest = 1.2
        for at, name in rows:
            gid = f"{workload or 'all'}:{name}"
            look = dict(height=0.82, color=style.scheduler_color(name), zorder=2, **EDGE)
            value, rate = evaluation.total(shown, name, "normalised"), evaluation.total(shown, name, "violation_rate")
            if value.known:
                left.barh(at, value.value, gid=f"bar:{gid}", **look)
                if not np.isnan(value.low):
                    left.plot([value.low, value.high], [at, at], color=style.BLACK, lw=0.8, zorder=4, gid=f"interval:{gid}")
                if value.value > HIGHEST:
                    cut = True
                    left.text(HIGHEST * 0.99, at, f"{value.value:.1f}", ha="right", va="center", fontsize=5, zorder=6, path_effects=HALO,
                              gid="cut")
                highest = max(highest, min(HIGHEST, value.value if np.isnan(value.high) else value.high))
                left.text(0.02, at, f"{value.settings}", ha="left", va="center", fontsize=4.8, zorder=6, path_effects=HALO,
                          transform=left.get_yaxis_transform(), gid=f"settings:{gid}")
            elif rate.known:
                left.plot(0.06, at, "x", color=style.VIOLATION, ms=3, mew=0.9, zorder=5, transform=left.get_yaxis_transform(),
                          gid=f"none:{gid}")
            if rate.known:
                light = unpromised_rate(evaluation, shown, name)
                unpromised = unpromised or light > 0
                right.barh(at, 100 * rate.value, gid=f"violated:{gid}", **look)
                if light > 0:
                    right.barh(at, 100 * light, left=100 * (rate.value - light), height=0.82, color=style.lighter(style.scheduler_color(name)),
                               hatch="//////", zorder=3, gid=f"unpromised:{gid}", **EDGE)
                if not np.isnan(rate.low) and rate.high > 0:
                    right.plot([100 * rate.low, 100 * rate.high], [at, at], color=style.BLACK, lw=0.8, zorder=4)
        left.axvline(1, color=style.BLACK, lw=0.8, ls="--", zorder=3, gid=REFERENCE)
        left.set_xlim(0, highest * 1.03)
        right.set_xlim(0, 100)
        right.set_xticks([0, 50, 100])
        left.set_xlabel(f"{what} / {REFERENCE}'s" if len(columns) < 3 else f"{what}{between}/ static's")
        right.set_xlabel(f"violated,{between}%")
        feasible, every = sum(s["feasible"] for k in shown for s in k["settings"]), sum(len(k["settings"]) for k in shown)
        count = f"{feasible} of {every} feasible"
        left.set_title(f"{workload or 'all workloads'}\n{count}" if narrow else f"{workload or 'all workloads'} ({count})", loc="left", pad=3,
                       fontsize=6.5)
        for ax in (left, right):
            ax.grid(axis="y", visible=False)
            ax.tick_params(axis="y", length=0)
    first = axes[0, 0]
    first.set_yticks([at for at, _ in rows], [name for _, name in rows])
    first.set_ylim(y - 0.4, -0.7)
    for at, family in headings:
        first.text(-0.03, at, family, ha="right", va="center", fontsize=5.8, fontweight="bold", color=style.GREY,
                   transform=first.get_yaxis_transform(), gid=f"family:{family}")
    legend = [(Line2D([], [], color=style.BLACK, lw=0.8, ls="--"), REFERENCE),
              (Line2D([], [], color=style.BLACK, lw=0.8), f"{100 * evaluation.confidence:g} % interval")]
    if unpromised:
        legend.append((Patch(facecolor=style.lighter("#777777"), hatch="//////", **EDGE),
                       "violates only goals that the scheduler does not promise"))
    if any(str(t.get_gid()).startswith("none:") for ax in axes[0] for t in ax.lines):
        legend.append((Line2D([], [], marker="x", color=style.VIOLATION, ls="", ms=3, mew=0.9), "no setting counts"))
    style.finish(fig, f"All schedulers: normalised {what} and violated settings", [
        "lower is better", f"number in a bar: settings included, which neither {REFERENCE} nor the scheduler violates, and so differ from bar to bar",
        f"violated: share of settings where {violated_text(by_means)}", "infeasible settings omitted",
        "cells combined by the harmonic mean (violated: mean)", f"bars above {HIGHEST:g} are cut off and labelled with their value" if cut else "",
        *evaluation.caption(cells), result.verdict_text()], legend=legend)
    return fig
