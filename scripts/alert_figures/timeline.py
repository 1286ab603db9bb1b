"""timeline: one run, input by input: latency and deadline, network and stage, cap, mean so far of what has a goal, slow-down
factor, contention. From traces/.
timeline_pair: the same with traditional networks only, beside the run with anytime networks added (alert-trad, alert); unless
told otherwise, in the live setting in which ALERT uses both sorts most."""

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from . import style
from .reading import Missing, natural, number
from .trace import LIVE, MEAN

NAMES = ["timeline", "timeline_pair"]
# Of a task: what has a goal (its key in the trace and in the goals), how it is called, what it is multiplied by.
GOALS = {"min_energy": ("accuracy", "accuracy, %", 100), "min_error": ("energy_j", "energy, J", 1)}
MEAN_COLOR = style.BLUE
WINDOW = 400  # inputs that a figure can show one by one


def draw(result, options):
    header = result.find(options.scheduler or "alert", options.setting, options.mode,
                         asked=bool(options.scheduler or options.setting or options.mode))
    return _draw(result, [header], options, style.COLUMN_IN)


def draw_pair(result, options):
    mode, setting = options.mode, options.setting
    if setting is None or mode is None:  # the pair must share both
        second = {(h.setting, h.mode) for h in result.headers() if h.scheduler == "alert-trad"}
        shared = [h for h in result.headers() if h.scheduler == "alert" and (h.setting, h.mode) in second
                  and setting in (None, h.setting) and mode in (None, h.mode)]
        if not shared:
            raise Missing(f"{result.path('traces')}: alert and alert-trad have no setting and mode in common")
        first = min(shared, key=lambda h: (h.mode != LIVE, -_both_sorts(result, h), natural(h.setting)))
        setting, mode = first.setting, first.mode
    return _draw(result, [result.find(s, setting, mode) for s in ("alert-trad", "alert")], options, style.PAGE_IN)


def _both_sorts(result, header):
    """How often the rarer sort of network, traditional or anytime, was chosen: a run that uses both tells most."""
    profile = result.profile_or_none()
    if profile is None:
        return 0
    chosen = np.isin(np.asarray(result.trace(header).model, dtype=str), [m.name for m in profile.anytimes])
    return int(min(chosen.sum(), (~chosen).sum()))


def window(trace, options):
    """First and last input to draw: as requested; or else all, or the stretch of WINDOW inputs with the most changes of contention."""
    first, last = int(trace.input.min()), int(trace.input.max())
    if options.inputs:
        return max(first, options.inputs[0]), min(last, options.inputs[1])
    if last - first < WINDOW:
        return first, last
    edges = np.array([e for a, b, _ in trace.spans() for e in (a, b)])
    starts = range(first, last - WINDOW + 2, max(1, WINDOW // 8))
    best = max(starts, key=lambda s: (int(np.sum((edges > s) & (edges < s + WINDOW - 1))), -s))
    return best, best + WINDOW - 1


def _draw(result, headers, options, width):
    profile = result.profile_or_none()
    traces = [result.trace(h) for h in headers]
    first, last = window(traces[0], options)
    shown = [(t.input >= first) & (t.input <= last) for t in traces]
    if not all(s.any() for s in shown):
        raise Missing(f"{headers[0].path}: no input between {first} and {last}")

    anytime = {m.name for m in profile.anytimes} if profile else {m for t in traces for m, s in zip(t.model, t.stage_target) if s > 1}
    used = set()
    for t, s in zip(traces, shown):
        for i in np.flatnonzero(s):
            used.add((t.model[i], int(t.stage_target[i])))
            if 0 < t.stage_delivered[i] < t.stage_target[i]:
                used.add((t.model[i], int(t.stage_delivered[i])))
    place = {m.name: i for i, m in enumerate(profile.models)} if profile else {}
    used = sorted(used, key=lambda r: (r[0] in anytime, place.get(r[0], len(place)), str(r[0]), r[1]))
    level = {r: i for i, r in enumerate(used)}

    has_xi = any(np.isfinite(t.xi_mean[s]).any() for t, s in zip(traces, shown))
    goal = GOALS.get(headers[0].task)
    has_mean = goal is not None and any(np.isfinite(t.running_mean(goal[0])[s]).any() for t, s in zip(traces, shown))
    heights = [1.45, max(0.62, 0.14 * len(used) + 0.15), 0.75] + [0.75] * has_mean + [1.1] * has_xi
    fig, axes = style.figure(width, sum(heights) + 0.75, rows=len(heights), columns=len(traces), sharex="col", sharey="row",
                             gridspec_kw={"height_ratios": heights})
    seen = set()
    for column, (t, s) in enumerate(zip(traces, shown)):
        panel = axes[:, column]
        for a, b, name in t.spans():
            if b < first or a > last:
                continue
            seen.add(name)
            for ax in panel:
                ax.axvspan(max(a, first) - 0.5, min(b, last) + 0.5, color=style.CONTENTION, lw=0, zorder=0, gid="contention")
        _latency(panel[0], t, s)
        _network(panel[1], t, s, level, anytime)
        _cap(panel[2], t, s, profile)
        if has_mean:
            _mean(panel[3], t, s, *goal)
        if has_xi:
            _slowdown(panel[-1], t, s)
        panel[0].set_xlim(first - 0.5, last + 0.5)
        panel[-1].set_xlabel("input")
        panel[-1].xaxis.set_major_locator(MaxNLocator(6, integer=True))
        for ax in panel:
            ax.grid(axis="x", visible=False)
        if len(traces) > 1:
            title = {"alert-trad": "alert-trad: traditional networks only", "alert": "alert: with anytime networks too"}
            panel[0].set_title(title.get(t.header.scheduler, t.header.scheduler), loc="left", pad=6)
    # Beyond this a few outliers would flatten everything else; they are drawn at the edge and counted.
    tops = np.concatenate([t.latency_s[s] for t, s in zip(traces, shown)]) * 1e3
    deadline = max(np.nanmax(t.deadline_s[s]) for t, s in zip(traces, shown)) * 1e3
    limit = max(1.25 * deadline, 1.08 * np.percentile(tops, 99.5)) if np.isfinite(deadline) else 1.08 * tops.max()
    axes[0][0].set_ylim(0, min(limit, 1.12 * max(tops.max(), np.nan_to_num(deadline))))
    edge = axes[0][0].get_ylim()[1]
    beyond = int(np.sum(tops > edge))
    for column, (t, s) in enumerate(zip(traces, shown)):
        over = t.input[s & (t.latency_s * 1e3 > edge)]
        if len(over):  # empty but unclipped, it would count as standing in the corner of the page
            axes[0][column].plot(over, [edge] * len(over), "^", color=style.VIOLATION, ms=4, mew=0, zorder=6, clip_on=False,
                                 gid="beyond")
    axes[0][0].set_ylabel("latency, ms")
    axes[1][0].set_yticks(range(len(used)), [f"{m} {s}" if m in anytime else str(m) for m, s in used])
    for text, (m, _) in zip(axes[1][0].get_yticklabels(), used):
        text.set_color(style.ANYTIME_TEXT if m in anytime else style.TRADITIONAL)
    axes[1][0].set_ylim(-0.6, len(used) - 0.4)
    axes[1][0].set_ylabel("network\nand stage")
    axes[2][0].set_ylabel("power cap, W")
    if has_mean:
        axes[3][0].set_ylabel(f"mean\n{goal[1]}")
    if has_xi:
        axes[-1][0].set_ylabel("slow-down\nfactor ξ")
        known = [(t, s) for t, s in zip(traces, shown) if np.isfinite(t.xi_mean[s]).any()]
        low = min(np.nanmin((t.xi_mean - t.xi_sd)[s]) for t, s in known)
        high = max(np.nanmax(np.fmax(t.xi_mean + t.xi_sd, t.xi_observed)[s]) for t, s in known)
        axes[-1][0].set_ylim(max(0, min(low, 0.8) - 0.05), high * 1.05)
    fig.align_ylabels(axes[:, 0])
    legend = _legend(traces, shown, level, anytime, has_mean, has_xi, seen)

    h = headers[0]
    counts = []
    for trace, mask in zip(traces, shown):
        n = int(mask.sum())
        broke = ", ".join(f"{k} {int(v[mask].sum())}" for k, v in trace.violations.items() if v[mask].any())
        name = f"{trace.header.scheduler}: " if len(traces) > 1 else ""
        counts.append(f"{name}violations in {n} inputs: {broke or 'none'}" + (
            f"; goals {'violated' if trace.violated else 'met'} on average over the run" if trace.header.judge == MEAN else ""))
    part = "" if shown[0].all() else f"inputs {first} to {last} of {int(traces[0].input.max()) + 1}"
    title = f"Timeline of {h.scheduler}" if len(traces) == 1 else "The same run without and with anytime networks"
    style.finish(fig, title, [
        f"scenario {h.scenario or result.scenario_name() or 'unknown'}", part, *counts,
        f"{beyond} above the axis (triangles)" if beyond else "",
        f"energy: {result.energy_source()}", f"accuracy: {profile.accuracy_text() if profile else 'of the profile'}",
        profile.random_weights_text() if profile else "",
        "" if all(t.complete for t in traces) else "the run was interrupted", result.verdict_text()],
        subtitle=f"{goal_text(h)} · {h.mode}", legend=legend)
    return fig


def goal_text(header):
    goals, parts = header.goals, []
    mean = "mean " if header.judge == MEAN else ""
    for key, form in (("deadline_s", lambda v: f"deadline {v * 1e3:.3g} ms"), ("accuracy", lambda v: f"{mean}accuracy ≥ {v * 100:.4g} %"),
                      ("energy_j", lambda v: f"{mean}energy ≤ {v:.3g} J")):
        value = number(goals.get(key))
        if not np.isnan(value):
            parts.append(form(value))
    return f"{header.setting}: {header.task.replace('_', ' ')}, {', '.join(parts)}"


def _latency(ax, t, s):
    x, y = t.input[s], t.latency_s[s] * 1e3
    missed = t.violations["deadline"][s]
    ax.plot(x[~missed], y[~missed], ".", color="#444444", ms=2.4, mew=0, zorder=3, gid="latency")
    deadline = t.deadline_s[s] * 1e3
    ax.step(x, deadline, where="mid", color=style.BLACK, lw=0.9, zorder=4, gid="deadline")
    ax.plot(x[missed], y[missed], "x", color=style.VIOLATION, ms=3.6, mew=1, zorder=5, gid="missed", clip_on=True)
    for key, marker, size in (("accuracy", "v", 3.2), ("energy", "D", 2.2)):
        broke = t.violations[key][s] & ~missed
        ax.plot(x[broke], y[broke], marker, color=style.PURPLE, ms=size, mew=0, zorder=5, gid=f"broke {key}")


def runs(values):
    """(first, last) index of each stretch of equal values."""
    edges = [0] + [i for i in range(1, len(values)) if values[i] != values[i - 1]] + [len(values)]
    return [(a, b - 1) for a, b in zip(edges[:-1], edges[1:])]


def _network(ax, t, s, level, anytime):
    index = np.flatnonzero(s)
    rows = [(t.model[i], int(t.stage_target[i])) for i in index]
    x = t.input[index]
    segments, colors, links = [], [], []
    stretches = runs(rows)
    for k, (a, b) in enumerate(stretches):
        y = level[rows[a]]
        segments.append([(x[a] - 0.5, y), (x[b] + 0.5, y)])
        colors.append(style.ANYTIME if rows[a][0] in anytime else style.TRADITIONAL)
        if k + 1 < len(stretches):
            links.append([(x[b] + 0.5, y), (x[b] + 0.5, level[rows[b + 1]])])
    ax.add_collection(LineCollection(links, colors="#AAAAAA", linewidths=0.35, zorder=2))
    ax.add_collection(LineCollection(segments, colors=colors, linewidths=2.6, capstyle="butt", zorder=3, gid="chosen"))
    early = [(t.input[i], level[t.model[i], int(t.stage_delivered[i])]) for i in index
             if 0 < t.stage_delivered[i] < t.stage_target[i]]
    if early:
        ax.plot(*zip(*early), "o", color="white", mec=style.ANYTIME_TEXT, mew=0.7, ms=2.6, zorder=4, gid="earlier stage")


def _cap(ax, t, s, profile):
    x, y = t.input[s], t.cap_w[s]
    if profile:
        ax.set_yticks(profile.caps_w)
        span = np.ptp(profile.caps_w) or 10
        ax.set_ylim(profile.caps_w[0] - 0.12 * span, profile.caps_w[-1] + 0.12 * span)
    edges = np.append(x - 0.5, x[-1] + 0.5)
    ax.stairs(y, edges, baseline=None, color=style.GREEN, lw=1.0, zorder=3, gid="cap")


def _mean(ax, t, s, key, _, scale):
    mean, goal = scale * t.running_mean(key)[s], scale * number(t.header.goals.get(key))
    ax.plot(t.input[s], mean, color=MEAN_COLOR, lw=0.9, zorder=4, gid="running mean")
    if not np.isnan(goal):
        ax.axhline(goal, color=style.BLACK, lw=0.9, ls="--", zorder=3, gid="goal")
    ax.margins(y=0.15)


def _slowdown(ax, t, s):
    x, mean, sd = t.input[s], t.xi_mean[s], t.xi_sd[s]
    if not np.isfinite(mean).any():
        ax.text(0.5, 0.5, "no slow-down estimate", transform=ax.transAxes, ha="center", va="center", color=style.GREY)
        return
    ax.axhline(1, color=style.BLACK, lw=0.5, ls=":", zorder=1)
    ax.plot(x, t.xi_observed[s], ".", color="#444444", ms=2.2, mew=0, zorder=4, gid="observed")
    ax.fill_between(x, mean - sd, mean + sd, color=style.PURPLE, alpha=0.45, lw=0, zorder=2, gid="band")
    ax.plot(x, mean, color="#9E3F75", lw=0.9, zorder=3, gid="mean")


def _legend(traces, shown, level, anytime, has_mean, has_xi, co_runners):
    dot = lambda m, c, size=4, **k: Line2D([], [], marker=m, color=c, ls="", ms=size, mew=k.pop("mew", 0), **k)
    any_of = lambda key: any(t.violations[key][s].any() for t, s in zip(traces, shown))
    entries = [(dot(".", "#444444"), "in time"), (Line2D([], [], color=style.BLACK, lw=0.9), "deadline")]
    if any_of("deadline"):
        entries.append((dot("x", style.VIOLATION, mew=1), "missed"))
    if any_of("accuracy"):
        entries.append((dot("v", style.PURPLE), "accuracy of the input below goal"))
    if any_of("energy"):
        entries.append((dot("D", style.PURPLE, 3), "energy of the input over budget"))
    if any(r[0] not in anytime for r in level):
        entries.append((Line2D([], [], color=style.TRADITIONAL, lw=2.6), "traditional"))
    if any(r[0] in anytime for r in level):
        entries.append((Line2D([], [], color=style.ANYTIME, lw=2.6), "anytime"))
    if any((t.stage_delivered[s] < t.stage_target[s])[t.stage_delivered[s] > 0].any() for t, s in zip(traces, shown)):
        entries.append((dot("o", "white", 3, mec=style.ANYTIME_TEXT, mew=0.7), "stage delivered, if earlier"))
    if co_runners:
        entries.append((Patch(color=style.CONTENTION), "co-runner: " + ", ".join(sorted(co_runners))))
    if has_mean:
        entries.append((Line2D([], [], color=MEAN_COLOR, lw=0.9), "mean of the inputs so far"))
        entries.append((Line2D([], [], color=style.BLACK, lw=0.9, ls="--"),
                        "goal of the mean" if traces[0].header.judge == MEAN else "goal of an input"))
    if has_xi:
        entries.append(((Patch(color=style.PURPLE, alpha=0.45, lw=0), Line2D([], [], color="#9E3F75", lw=0.9)), "ξ mean ± sd"))
        entries.append((dot(".", "#444444"), "ξ observed"))
    return entries
