"""energy_latency: energy of one period versus latency over the power caps, one line per network. From profile.json."""

import numpy as np

from . import style
from .reading import Missing, broken, number

NAMES = ["energy_latency"]


def period_energy_j(profile, model, period_s):
    """Per cap, up to the last stage: active power while busy, idle power for the rest of the period."""
    busy = model.mean_s[-1]
    return model.active_w * busy + profile.idle_w * np.maximum(0, period_s - busy)


def draw(result, options):
    profile = result.profile()
    if np.isnan(profile.idle_w):
        raise Missing(f"{profile.path}: idle_power_w: unknown, so the energy of a period is unknown")
    nets = [m for m in profile.models if m.active_w is not None]
    if not nets:
        raise Missing(f"{profile.path}: models[].active_power_w: no network has it, so energy is unknown")
    if options.model:
        chosen = next((m for m in nets if m.name == options.model), None)
        if chosen is None:
            raise broken(profile.path, "models", f"no network '{options.model}' with a known power",
                              f"--model accepts one of {', '.join(m.name for m in nets)}")
    else:  # the most accurate traditional one: its caps span the widest range
        chosen = max([m for m in nets if not m.anytime] or nets, key=lambda m: m.accuracy[-1])
    reference = profile.reference_model()
    period = profile.reference_latency_s()

    fig, axes = style.figure(style.COLUMN_IN, 2.1)
    ax = axes[0][0]
    labels, lines, avoid = [], [], []
    for m in sorted(nets, key=lambda m: m is chosen):
        x, y = m.mean_s[-1] * 1e3, period_energy_j(profile, m, period)
        color = style.ANYTIME if m.anytime else style.TRADITIONAL
        if m is chosen:
            ax.plot(x, y, "-o", color=color, lw=1.6, ms=4.5, zorder=5, gid=f"caps:{m.name}")
            labels += [(f"{cap:g} W", [(a, b)], color) for cap, a, b in zip(profile.caps_w, x, y)]
        else:
            ax.plot(x, y, "--" if m.anytime else "-", marker="s" if m.anytime else "o", color=style.LIGHT, lw=0.9, ms=2.6, zorder=3,
                    gid=f"caps:{m.name}")
            avoid += list(zip(x, y))
        lines.append((x, y))
    ax.set_xscale("log")
    xs = np.concatenate([x for x, _ in lines])
    ys = np.concatenate([y for _, y in lines])
    low, high = xs.min() / 1.3, xs.max() * 1.45
    ax.set_xlim(low, high)
    room = (ys.max() - ys.min()) * 0.14 or 0.1
    ax.set_ylim(ys.min() - room, ys.max() + 1.4 * room)
    style.plain_log_ticks(ax.xaxis, low, high)
    ax.axvline(period * 1e3, color=style.BLACK, lw=0.7, ls=":", zorder=2, gid="period")
    ax.set_xlabel("mean latency, ms (log scale)")
    ax.set_ylabel("energy of one period, J")
    lines.append(([period * 1e3] * 2, ax.get_ylim()))
    last = f"{reference.name} stage {reference.stages}" if reference.anytime else reference.name
    style.finish(fig, "Energy versus latency over the power caps", [
        "grey: the other networks", f"one point per cap: {', '.join(f'{c:g}' for c in profile.caps_w)} W",
        f"period {period * 1e3:.3g} ms (dotted; latency of {last}, uncapped)", "idle power for the rest of the period, no co-runner",
        profile.workload, f"latency: {profile.latency_source}", profile.random_weights_text(), result.verdict_text()],
        subtitle=f"{chosen.name} in colour; energy from {profile.energy_source_text()}" + power_formula(profile))
    named = []
    others = [m for m in nets if m is not chosen]
    if len(others) > 6:  # names in such a crowd would point at the wrong line
        others = [min(others, key=lambda m: m.mean_s[-1, -1])] + [m for m in others if m.anytime]
    for m in dict.fromkeys(others):
        y = period_energy_j(profile, m, period)
        text = m.name + (f", stage {m.stages}" if m.anytime else "")
        named.append((text, list(zip(m.mean_s[-1] * 1e3, y)), style.GREY))
    left_out = style.place_labels(ax, labels + named, lines, avoid)
    if left_out:
        result.notes(f"energy_latency: no room for the labels {', '.join(left_out)}")
    return fig


def power_formula(profile):
    if profile.energy_source != "model":
        return ""
    values = [number(profile.power_model.get(k)) for k in ("static_w", "dynamic_w")]
    return "" if np.isnan(values).any() else f", {values[0]:g} + {values[1]:g} s³ W at speed s, idle {profile.idle_w:g} W"
