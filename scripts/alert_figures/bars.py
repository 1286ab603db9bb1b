"""bars: energy (min_energy settings) and error (min_error settings) relative to oracle-static per scheduler, and the share of
inputs (groups) that are late, lighter of the inputs that break a goal by themselves. Violated settings, as they are judged, are marked and left out of the bar. From
summary.json, or computed from traces/."""

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from . import style
from .reading import Missing, natural, number
from .result import feasibility_cell
from .trace import ALLOWED_SHARE, MEAN, REPLAY, violated_text

NAMES = ["bars"]
HALO = [withStroke(linewidth=1.8, foreground="white")]
TASKS = (("min_energy", "energy"), ("min_error", "error"))


class Bar:
    """A scheduler in one task and mode over its settings."""

    def __init__(self, cells, stored):
        """`stored`: what summary.json says of this bar, None if nothing."""
        self.cells = cells
        self.counted = [c for c in cells if not c.violated and c.normalised]
        self.violated = [c for c in cells if c.violated and c.normalised]
        self.violated_settings = sum(c.violated for c in cells)
        self.violated_strict = sum(c.violated_strict for c in cells)
        self.share = float(np.mean([c.share for c in cells]))
        self.late = float(np.mean([c.late_share for c in cells]))
        self.value = self.low = self.high = None
        if self.counted:
            values = np.array([c.normalised for c in self.counted])
            self.value = float(values[:, 0].mean())
            if len(values) == 1:
                self.low, self.high = float(values[0, 1]), float(values[0, 2])
            elif stored and stored.get("counted_settings") == len(values):
                span = stored.get("normalised_interval")
                ends = [number(v) for v in span] if isinstance(span, list) else []
                if len(ends) == 2 and not np.isnan(ends).any():
                    self.low, self.high = ends


def collect(result):
    """{task: {(scheduler, mode): Bar}}, and {task: names of infeasible settings} (no single configuration meets their goals)."""
    cells = {(c.scheduler, c.setting, c.mode): c for c in result.cells()}
    bars, infeasible = {}, {}
    for task, _ in TASKS:
        groups = {}
        for c in cells.values():
            if c.task != task:
                continue
            best = feasibility_cell(cells, c)
            if best is not None and best.violated:
                infeasible.setdefault(task, set()).add(c.setting)
                continue
            groups.setdefault((c.scheduler, c.mode), []).append(c)
        if groups:
            bars[task] = {key: Bar(sorted(group, key=lambda c: natural(c.setting)), result.task_summary(task, *key))
                          for key, group in groups.items()}
    return bars, infeasible


def draw(result, options):
    bars, infeasible = collect(result)
    for task, names in infeasible.items():
        result.notes(f"bars: {task}: infeasible (no single configuration meets their goals), omitted: {', '.join(sorted(names, key=natural))}")
    if not bars:
        raise Missing(f"{result.folder}: no feasible setting of either task")
    if not any(b.counted or b.violated for task in bars.values() for b in task.values()):
        raise Missing(f"{result.folder}: nothing to normalise by: the results do not include oracle-static")
    by_means = any(c.judge == MEAN for t in bars.values() for b in t.values() for c in b.cells)
    tasks = [(t, what) for t, what in TASKS if t in bars]
    modes = sorted({m for t in bars.values() for _, m in t})  # live, replay
    names = sorted({s for t in bars.values() for s, _ in t}, key=style.scheduler_order)
    thick = 0.8 / len(modes)
    panel = len(names) * (0.11 * len(modes) + 0.05)
    fig, axes = style.figure(style.COLUMN_IN, len(tasks) * (panel + 0.48), rows=len(tasks), columns=2, sharey=True,
                             gridspec_kw={"width_ratios": [1.7, 1]})
    edge = dict(edgecolor="#333333", lw=0.4)
    for row, (task, what) in enumerate(tasks):
        left, right = axes[row]
        spread = 1.0
        for (scheduler, mode), bar in bars[task].items():
            own = [m for m in modes if (scheduler, m) in bars[task]]  # a scheduler of one mode sits in the middle
            y = names.index(scheduler) + (own.index(mode) - (len(own) - 1) / 2) * thick
            look = dict(color=style.scheduler_color(scheduler), height=thick * 0.88, **edge)
            if mode == REPLAY and len(modes) > 1:
                look.update(color=style.lighter(style.scheduler_color(scheduler)), hatch="//////")
            if bar.value is not None:
                left.barh(y, bar.value, gid=f"{task}:{scheduler}:{mode}", zorder=2, **look)
                spread = max(spread, bar.value)
            if bar.high is not None:
                left.plot([bar.low, bar.high], [y, y], color=style.BLACK, lw=0.9, zorder=4, gid=f"interval:{task}:{scheduler}:{mode}")
                spread = max(spread, bar.high)
            for c in bar.violated:
                left.plot(c.normalised[0], y, "x", color=style.VIOLATION, ms=3, mew=0.9, zorder=5,
                          gid=f"violated:{task}:{scheduler}:{mode}", clip_on=False, path_effects=HALO)
                spread = max(spread, c.normalised[0])
            right.barh(y, bar.share * 100, gid=f"share:{task}:{scheduler}:{mode}", zorder=2, **{**look, "color": "#EDEDED"})
            right.barh(y, bar.late * 100, gid=f"late:{task}:{scheduler}:{mode}", zorder=3, **look)
            if bar.violated_settings or bar.violated_strict:
                strict = f" ({bar.violated_strict})" if by_means else ""
                right.text(bar.share * 100 + 2, y, f"{bar.violated_settings}/{len(bar.cells)}{strict}", fontsize=5.5, va="center",
                           color="#A04000", zorder=6, path_effects=HALO, gid="violated settings")
        left.axvline(1, color=style.BLACK, lw=0.9, ls="--", zorder=3, gid="oracle-static")
        right.axvline(ALLOWED_SHARE * 100, color=style.BLACK, lw=0.6, ls=":", zorder=4, gid="limit")
        settings = {c.setting for b in bars[task].values() for c in b.cells}
        counts = sorted({c.inputs for b in bars[task].values() for c in b.cells})
        inputs = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]}–{counts[-1]}"
        word = "setting" if len(settings) == 1 else "settings"
        left.set_title(f"{task.replace('_', ' ')} ({len(settings)} {word} × {inputs} inputs)", loc="left", pad=3)
        left.set_xlabel(f"{what} / oracle-static's")
        right.set_xlabel("late, % (light:\nbreak a goal)")
        right.tick_params(left=False)
        left.set_yticks(range(len(names)), names)
        left.tick_params(axis="y", length=0)
        left.set_ylim(len(names) - 0.5, -0.5)
        for ax in (left, right):
            ax.grid(axis="y", visible=False)
        left.set_xlim(0, spread * 1.06)
        right.set_xlim(0, 145 if by_means else 122)
        right.set_xticks([0, 25, 50, 75, 100])
    handles, texts = [], []
    for mode in modes:
        plain = mode != REPLAY or len(modes) == 1
        handles.append(Patch(facecolor="#777777" if plain else style.lighter("#777777"), hatch=None if plain else "//////", **edge))
        texts.append(mode)
    handles += [Line2D([], [], color=style.BLACK, lw=0.9, ls="--"), Line2D([], [], color=style.BLACK, lw=0.9)]
    texts += ["oracle-static", "95 % interval"]
    if any(b.violated for t in bars.values() for b in t.values()):
        handles.append(Line2D([], [], marker="x", color=style.VIOLATION, ls="", ms=3.5, mew=0.9))
        texts.append("violated setting")
    lacking = {t: sorted({c.setting for b in bars[t].values() for c in b.cells if not c.normalised}, key=natural) for t, _ in tasks}
    for task, without in lacking.items():
        if without:
            result.notes(f"bars: {task}: no valid oracle-static to compare with, so not in the bars: {', '.join(without)}")
    left_out = [f"omitted as infeasible, no single configuration meets the goals: {', '.join(sorted(n, key=natural))}" for n in infeasible.values()]
    left_out += [f"no valid oracle-static, so not in the bars: {', '.join(n)}" for n in lacking.values() if n]
    style.finish(fig, "Energy and error relative to oracle-static", footer(result, left_out, by_means),
                 legend=list(zip(handles, texts)))
    return fig


def footer(result, left_out, by_means):
    profile = result.profile_or_none()
    name = result.scenario_name()
    return [f"scenario {name}" if name else "", "lower is better", "bar: mean over the settings that are not violated",
            f"violated (cross, k/n): {violated_text(by_means)}, so not in the bar",
            "in brackets: violated if goals are judged input by input" if by_means else "", *left_out,
            f"energy: {result.energy_source()}", f"accuracy: {profile.accuracy_text() if profile else 'of the profile'}",
            profile.random_weights_text() if profile else "", result.verdict_text()]
