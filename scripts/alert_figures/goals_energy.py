"""goals_energy: the least energy that each level of adaptation could reach by a single configuration that keeps the goals, over the
goal settings of one cell, and alert beside them: deadlines along x, a panel per accuracy goal. From evaluation.json."""

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from . import style
from .reading import Missing, broken, number
from .trace import violated_text

NAMES = ["goals_energy"]
SHOWN = {"system": "Sys-level: caps of the network that meets the most goals", "application": "App-level: networks under the highest cap",
         "combined": "Combined: both", "alert": "alert (a scheduler)"}
LOOKS = {"system": (style.ORANGE, "s"), "application": (style.VERMILLION, "^"), "combined": (style.BLACK, "o"),
         "alert": (style.scheduler_color("alert"), "D")}
INFEASIBLE = "infeasible: no single configuration meets the goals"
TASK = "min_energy"


def choose(evaluation, wanted):
    """The requested cell; or else the first with a co-runner, or else the first."""
    cells = [c for c in evaluation.select(TASK) if c["settings"]]
    if wanted:
        cells = [c for c in cells if wanted in (c["id"], c["scenario"], f"{c['workload']}/{c['scenario']}")]
        if not cells:
            raise broken(evaluation.path, "cells", f"no cell '{wanted}' of task {TASK}",
                              f"--cell accepts one of {', '.join(c['id'] for c in evaluation.select(TASK))}")
    if not cells:
        raise Missing(f"{evaluation.path}: no cell of task {TASK}")
    return next((c for c in cells if c.get("co_runner") not in (None, "", "none")), cells[0])


def energy(setting, name):
    """(mean energy, whether it violates the setting); NaN if no configuration of the level meets the goals."""
    if name in setting["results"]:
        return number(setting["results"][name].get("mean_energy_j")), setting["results"][name]["violated"]
    return number(setting["ideals"].get(name)), False


def draw(result, options):
    evaluation = result.evaluation()
    cell = choose(evaluation, options.cell)
    names = [n for n in SHOWN if n != "alert" or n in evaluation.schedulers]
    settings = [s for s in cell["settings"] if not np.isnan(number(s.get("accuracy")))]
    if not settings:
        raise Missing(f"{evaluation.path}: {cell['id']}: no setting with an accuracy goal")
    by_means = evaluation.judged_by_means([cell])
    goals = sorted({s["accuracy"] for s in settings})
    relative = all(not np.isnan(number(s.get("deadline_x"))) for s in settings)
    at = (lambda s: number(s["deadline_x"])) if relative else (lambda s: s["deadline_s"] * 1e3)
    xs = sorted({at(s) for s in settings})
    step = min((b - a for a, b in zip(xs, xs[1:])), default=1.0)
    columns = min(3, len(goals))
    rows = -(-len(goals) // columns)
    fig, axes = style.figure(style.PAGE_IN if columns > 1 else style.COLUMN_IN, rows * 1.45, rows=rows, columns=columns, sharex=True,
                             sharey=True)
    infeasible = violated = False
    energies = []
    for k, goal in enumerate(goals):
        ax = axes[k // columns, k % columns]
        own = sorted((s for s in settings if s["accuracy"] == goal), key=at)
        for s in own:
            if not s["feasible"]:
                infeasible = True
                ax.axvspan(at(s) - step / 2, at(s) + step / 2, color=style.CONTENTION, lw=0, zorder=0, gid="infeasible")
        for n, name in enumerate(names):
            # Side by side, so that equal values don't hide one another.
            x = np.array([at(s) + (n - (len(names) - 1) / 2) * 0.07 * step for s in own])
            y, broke = (np.array(v) for v in zip(*(energy(s, name) for s in own)))
            if np.isnan(y).all():
                continue
            energies += list(y[~np.isnan(y)])
            color, marker = LOOKS[name]
            ax.plot(x, y, color=color, lw=0.9, zorder=3 + n, gid=f"energy:{goal:.6g}:{name}")
            ax.plot(x[~broke], y[~broke], marker, color=color, ms=3.2, mew=0, zorder=4 + n)
            if broke.any():
                violated = True
                ax.plot(x[broke], y[broke], marker, color="white", mec=color, ms=3.2, mew=0.8, zorder=4 + n,
                        gid=f"violated:{goal:.6g}:{name}")
        ax.set_title(f"{'mean ' if by_means else ''}accuracy ≥ {100 * goal:.4g} %", loc="left", pad=3)
    for k in range(len(goals), rows * columns):
        axes[k // columns, k % columns].set_visible(False)
    if not energies:
        raise Missing(f"{evaluation.path}: {cell['id']}: energy is unknown")
    axes[0, 0].set_ylim(0, 1.06 * max(energies))
    axes[0, 0].set_xlim(xs[0] - 0.6 * step, xs[-1] + 0.6 * step)
    if len(xs) <= 8:
        axes[0, 0].set_xticks(xs, [f"{x:.3g}" for x in xs])
    for k in range(len(goals)):
        if k + columns >= len(goals):
            ax = axes[k // columns, k % columns]
            ax.tick_params(labelbottom=True)
            ax.set_xlabel("deadline, × mean latency of the largest anytime network" if relative and columns == 1 else
                          "deadline (relative)" if relative else "deadline, ms")
    for ax in axes[:, 0]:
        ax.set_ylabel("energy per input, J")
    legend = [(Line2D([], [], color=LOOKS[n][0], marker=LOOKS[n][1], lw=0.9, ms=3.2, mew=0), SHOWN[n]) for n in names]
    if violated:
        legend.append((Line2D([], [], marker="o", color="white", mec=style.GREY, ls="", ms=3.2, mew=0.8), "hollow: violated by alert"))
    if infeasible:
        legend.append((Patch(color=style.CONTENTION), INFEASIBLE))
    others = len(evaluation.select(TASK)) - 1
    slowdown = number(cell.get("slowdown"))
    style.finish(fig, "Energy over the goal settings: one level of adaptation, and both together", [
        "levels: the single configuration of least energy that meets the goals, in hindsight; no mark if none of the level meets them",
        f"violated: {violated_text(by_means, 'accuracy is below its goal')}",
        "deadline: multiple of the mean latency of the largest anytime network, uncapped, without co-runner" if relative else "",
        *evaluation.caption([cell]), f"one cell of {others + 1}; --cell selects another" if others else "", result.verdict_text()],
        subtitle=f"{cell['workload']}, {cell['scenario']}" + ("" if np.isnan(slowdown) else f" (slow-down {slowdown:.2f})")
                 + f", {len(settings)} settings", legend=legend)
    return fig
