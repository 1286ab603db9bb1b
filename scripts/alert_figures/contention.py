"""contention: latency with and without a co-runner per network, and its slow-down factor. From recording/."""

import numpy as np
from matplotlib.patches import Patch

from . import style

NAMES = ["contention"]


def samples(recording, model):
    """(latencies without, with co-runner; their slow-down factors), up to the last stage, uncapped."""
    profile = recording.profile
    row = profile.first_row(model) + profile.models[model].stages - 1
    latency = np.asarray(recording.stage_end_s[:, row, -1])
    factor = latency / profile.models[model].mean_s[-1, -1]
    on = recording.co_runner_on
    finite = np.isfinite(latency) & (latency > 0)
    return (latency[~on & finite], latency[on & finite]), (factor[~on & finite], factor[on & finite])


def draw(result, options):
    recording = result.recording()
    profile = recording.profile
    nets = profile.models
    on, off = int(recording.co_runner_on.sum()), int((~recording.co_runner_on).sum())
    if on == 0:
        result.notes(f"contention: {recording.folder}: no co-runner ran on any input; only boxes without a co-runner are drawn")
    width = style.COLUMN_IN if len(nets) <= 8 else style.PAGE_IN
    fig, axes = style.figure(width, 3.2, rows=2, sharex=True, gridspec_kw={"height_ratios": [1.15, 1]})
    top, below = axes[:, 0]
    dots = dict(marker=".", markersize=2.6, markeredgewidth=0, alpha=0.7)
    for i in range(len(nets)):
        latencies, factors = samples(recording, i)
        for side, (offset, color) in enumerate(((-0.19, style.CO_RUNNER_OFF), (0.19, style.CO_RUNNER_ON))):
            for ax, values, scale in ((top, latencies[side], 1e3), (below, factors[side], 1)):
                if not len(values):
                    continue
                ax.boxplot([values * scale], positions=[i + offset], widths=0.3, whis=(5, 95), patch_artist=True,
                           boxprops=dict(facecolor=color, alpha=0.75, lw=0.6, gid=f"box:{nets[i].name}:{'on' if side else 'off'}"),
                           medianprops=dict(color=style.BLACK, lw=1), whiskerprops=dict(lw=0.6), capprops=dict(lw=0.6),
                           flierprops=dict(markerfacecolor=color, **dots), manage_ticks=False)
    means = [m.mean_s[-1, -1] * 1e3 for m in nets]
    if max(means) / min(means) > 5:
        top.set_yscale("log")
        low, high = top.get_ylim()
        style.plain_log_ticks(top.yaxis, low, high)
        top.set_ylabel("latency, ms (log scale)")
    else:
        top.set_ylim(bottom=0)
        top.set_ylabel("latency, ms")
    for i, mean in enumerate(means):
        top.plot([i - 0.4, i + 0.4], [mean, mean], color=style.BLACK, lw=0.7, ls=":", zorder=1, gid="profile mean")
    below.axhline(1, color=style.BLACK, lw=0.7, ls=":", zorder=1)
    below.set_ylabel("slow-down factor\n(latency / profile mean)")
    names = [m.name + (f"\nstage {m.stages}" if m.anytime else "") for m in nets]
    crowded = max(len(n) for m in names for n in m.split("\n")) * len(nets) > 14 * width
    below.set_xticks(range(len(nets)), names, rotation=30 if crowded else 0, ha="right" if crowded else "center",
                     rotation_mode="anchor" if crowded else None)
    below.set_xlim(-0.6, len(nets) - 0.4)
    for ax in (top, below):
        ax.grid(axis="x", visible=False)
        ax.tick_params(axis="x", length=0)
    handles = [Patch(facecolor=c, alpha=0.75, edgecolor="black", lw=0.6) for c in (style.CO_RUNNER_OFF, style.CO_RUNNER_ON)]
    texts = [f"without co-runner ({off} inputs)", f"with ({on} inputs)"]
    scenario = recording.facts.get("scenario")
    style.finish(fig, "Latency with and without a co-runner", [
        "box: quartiles, line: median, whiskers: 5th to 95th percentile, dots: inputs beyond", "dotted: mean of the profile",
        f"cap {profile.caps_w[-1]:g} W (uncapped)", scenario_text(scenario) or result.scenario_name(), profile.workload,
        profile.random_weights_text(), result.verdict_text()], legend=list(zip(handles, texts)))
    return fig


def scenario_text(scenario):
    if isinstance(scenario, dict):
        scenario = scenario.get("name")
    return f"scenario {scenario}" if isinstance(scenario, str) and scenario else ""
