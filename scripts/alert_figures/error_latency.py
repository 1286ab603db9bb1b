"""error_latency: error (1 - accuracy, in the unit of the profile) against latency of all networks, uncapped, without contention. From profile.json.
Of many networks each family has its own mark; those that no other beats in both are joined, and some of them named."""

import numpy as np

from . import style
from .profile import MANY_NETWORKS, family

NAMES = ["error_latency"]
NAMED = 7  # of the best among many
FAMILY_LOOKS = [(style.BLUE, "o"), (style.VERMILLION, "s"), (style.GREEN, "^"), (style.PURPLE, "D"), (style.SKY, "v"),
                (style.BLACK, "P"), (style.YELLOW, "X"), (style.GREY, "*")]


def draw(result, options):
    profile = result.profile()
    many = len(profile.traditional) > MANY_NETWORKS
    fig, axes = style.figure(style.PAGE_IN if many else style.COLUMN_IN, 3.0 if many else 2.1)
    ax = axes[0][0]
    labels, lines = [], []
    mark = lambda m: " (random weights)" if m.random_weights else ""
    if many:
        draw_families(ax, profile.traditional, labels, lines, mark)
    elif profile.traditional:
        nets = sorted(profile.traditional, key=lambda m: m.mean_s[-1, -1])
        x = np.array([m.mean_s[-1, -1] * 1e3 for m in nets])
        y = np.array([(1 - m.accuracy[-1]) * 100 for m in nets])
        ax.plot(x, y, "-o", color=style.TRADITIONAL, label="traditional", zorder=4, gid="traditional")
        lines.append((x, y))
        labels += [(m.name + mark(m), [(a, b)], style.TRADITIONAL) for m, a, b in zip(nets, x, y)]
    for i, m in enumerate(profile.anytimes):
        x, y = m.mean_s[:, -1] * 1e3, (1 - m.accuracy) * 100
        ax.plot(x, y, "--s", color=style.ANYTIME, mfc="white", mew=1.1, label="anytime, its stages" if i == 0 else None,
                zorder=4, gid="anytime")
        lines.append((x, y))
        labels += [(f"{m.name}{mark(m)} {s}" if s == 1 else str(s), [(a, b)], style.ANYTIME_TEXT) for s, (a, b) in enumerate(zip(x, y), 1)]
    xs = np.concatenate([x for x, _ in lines])
    ys = np.concatenate([y for _, y in lines])
    ax.set_xscale("log")
    low, high = xs.min() / 1.35, xs.max() * 1.45
    ax.set_xlim(low, high)
    style.plain_log_ticks(ax.xaxis, low, high)
    room = max(ys.max() - ys.min(), 1) * 0.16
    ax.set_ylim(max(0, ys.min() - room), ys.max() + room)
    ax.set_xlabel("mean latency, ms (log scale)")
    ax.set_ylabel(f"error, 1 − {profile.accuracy_name()}, %")
    ax.legend(loc="upper right")
    style.finish(fig, "Error versus latency", [
        profile.workload, f"cap {profile.caps_w[-1]:g} W (uncapped), no co-runner", f"latency: {profile.latency_source}", profile.host,
        f"{len(profile.models)} networks" if many else "", profile.random_weights_text(),
        result.verdict_text()], subtitle=f"accuracy: {profile.accuracy_text()}")
    # The legend counts as taken: labels keep out of its box.
    left_out = place(ax, labels, lines)
    if left_out:
        result.notes(f"error_latency: no room for the labels of {', '.join(left_out)}")
    return fig


def draw_families(ax, models, labels, lines, mark):
    nets = sorted(models, key=lambda m: (m.mean_s[-1, -1], -m.accuracy[-1]))
    x = np.array([m.mean_s[-1, -1] * 1e3 for m in nets])
    y = np.array([(1 - m.accuracy[-1]) * 100 for m in nets])
    families = sorted({family(m.name) for m in nets})
    for i, name in enumerate(families):
        color, marker = FAMILY_LOOKS[i % len(FAMILY_LOOKS)]
        own = [family(m.name) == name for m in nets]
        ax.scatter(x[own], y[own], s=11, color=color, marker=marker, lw=0, label=f"{name} ({sum(own)})", zorder=4,
                   gid=f"family:{name}")
    best = [i for i in range(len(nets)) if i == 0 or y[i] < y[:i].min()]
    ax.step(x[best], y[best], where="post", color=style.LIGHT, lw=0.9, zorder=2, gid="best")
    lines.append((x, y))
    same = {m.random_weights for m in nets} == {True}  # then the footer says it once
    # Evenly along the joined ones.
    named = [best[round(k * (len(best) - 1) / (NAMED - 1))] for k in range(NAMED)] if len(best) > NAMED else best
    labels += [(nets[i].name + ("" if same else mark(nets[i])), [(x[i], y[i])], style.GREY) for i in named]


def place(ax, labels, lines):
    box = ax.get_legend().get_window_extent(ax.figure.canvas.get_renderer())
    corners = [(box.x0, box.y0), (box.x1, box.y0), (box.x0, box.y1), (box.x1, box.y1), (box.x0, (box.y0 + box.y1) / 2),
               ((box.x0 + box.x1) / 2, box.y0), ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)]
    return style.place_labels(ax, labels, lines, avoid=[ax.transData.inverted().transform(c) for c in corners])
