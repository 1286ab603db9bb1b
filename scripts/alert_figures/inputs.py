"""Input statistics: is one slow-down factor enough? Numbers of a recording, and a figure of four panels: spread of the factor between
networks, caps and inputs; its quantiles against a normal; its autocorrelation; ALERT's reaction to a co-runner that starts."""

from statistics import NormalDist

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from . import contention, style
from .reading import broken

NAMES = ["input_statistics"]
# As SlowdownConstants in lib/estimate/slowdown_filter.h.
PRESETS = {"paper": dict(gain=0.5, noise=0.001, floor=0.1, mean=1.0, variance=0.1, forgetting=0.3),
           "tuned": dict(gain=0.5, noise=0.1, floor=0.03, mean=1.0, variance=0.1, forgetting=0.3)}
COVERED = 0.9
PROBABILITIES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
MOST_LAGS = 50
AHEAD, AFTER = 3, 20  # inputs shown before and after a start


def slowdown(recording):
    """[input][network][cap]: time to the network's last stage over that of the profile at the input's size."""
    profile = recording.profile
    size = recording.size()
    found = []
    for m, model in enumerate(profile.models):
        end = np.asarray(recording.stage_end_s[:, profile.first_row(m) + model.stages - 1, :], dtype=float)
        found.append(end / (model.mean_s[-1][None, :] * profile.size_factor(m, size)[:, None]))
    xi = np.stack(found, axis=1)
    if not (np.isfinite(xi) & (xi > 0)).all():
        raise broken(f"{recording.folder}/stage_end_s.npy", "", "contains times that are not finite and above 0",
                          "repeat 'alert-bench record'")
    return xi


def follow(values, gain, noise, floor, mean, variance, forgetting):
    """Means of the slow-down filter after each observation (ALERT, USENIX ATC 2020)."""
    process, step, means = floor, 0.0, []
    for value in values:
        process = max(floor, forgetting * process + (1 - forgetting) * (gain * step) ** 2)
        variance = (1 - gain) * variance + process
        gain = variance / (variance + noise)
        step = value - mean
        mean += gain * step
        means.append(mean)
    return np.array(means)


def known(value):
    """For JSON: None in place of what is not finite."""
    return float(value) if np.isfinite(value) else None


def spread(values, axis):
    """Median of the standard deviations along `axis` over their means; None for fewer than two values."""
    if values.shape[axis] < 2:
        return None, np.array([])
    each = values.std(axis=axis, ddof=1) / values.mean(axis=axis)
    return known(np.median(each)), each.ravel()


def share_of_input(xi):
    """What part of the variance of log xi one factor per input explains, each configuration taken against its own mean."""
    log = np.log(xi.reshape(len(xi), -1))
    log = log - log.mean(axis=0)
    whole = (log ** 2).mean()
    return known((log.mean(axis=1) ** 2).mean() / whole) if whole > 0 and log.shape[1] > 1 else None


def distribution(values):
    """None for fewer than 8 inputs: tails of that are noise."""
    if len(values) < 8 or not values.std() > 0:
        return None
    mean, sd = values.mean(), values.std(ddof=1)
    z = (values - mean) / values.std()
    quantiles = np.quantile(values, PROBABILITIES)
    normal = [NormalDist(mean, sd).inv_cdf(p) for p in PROBABILITIES]
    return {"inputs": len(values), "mean": float(mean), "sd": float(sd), "skewness": float((z ** 3).mean()),
            "excess_kurtosis": float((z ** 4).mean() - 3),
            "quantiles": {f"p{100 * p:g}": float(q) for p, q in zip(PROBABILITIES, quantiles)},
            "normal_quantiles": {f"p{100 * p:g}": float(q) for p, q in zip(PROBABILITIES, normal)},
            "largest_difference_sd": float(max(abs(quantiles - normal)) / sd)}


def autocorrelation(values):
    """Lags 1 up to a quarter of the inputs; None where nothing varies."""
    lags = min(MOST_LAGS, len(values) // 4)
    centred = values - values.mean()
    whole = (centred ** 2).sum()
    if lags < 1 or not whole > 0:
        return None
    return [float((centred[lag:] * centred[:-lag]).sum() / whole) for lag in range(1, lags + 1)]


def without_phases(values, on):
    """Less the mean with and without a co-runner."""
    rest = values.copy()
    for state in (on, ~on):
        if state.any():
            rest[state] -= values[state].mean()
    return rest


def starts(on):
    """(first input before, first with, first after) of each time that the co-runner starts."""
    edges = [0, *(np.flatnonzero(np.diff(on.astype(int))) + 1), len(on)]
    return [(edges[k - 1], edges[k], edges[k + 1]) for k in range(1, len(edges) - 1) if on[edges[k]]]


def reaction(values, on, means):
    """(inputs until the mean has covered most of the step; None: not within the phase) per start, and how many starts were no step:
    the medians of before and after closer than three times the spread before."""
    times, no_step = [], 0
    for before, start, end in starts(on):
        base, level = np.median(values[before:start]), np.median(values[start:end])
        noise = 1.4826 * np.median(np.abs(values[before:start] - base))
        if level - base <= max(3 * noise, 0.02 * base):
            no_step += 1
            continue
        reached = np.flatnonzero(means[start:end] >= base + COVERED * (level - base))
        times.append(int(reached[0]) + 1 if len(reached) else None)
    return times, no_step


def of(recording):
    """All numbers, keys with units where there is one; None where unknown."""
    profile, on = recording.profile, recording.co_runner_on
    xi = slowdown(recording)
    largest = profile.models.index(profile.reference_model())
    one = xi[:, largest, -1]
    reactions = {}
    for preset, constants in PRESETS.items():
        times, no_step = reaction(one, on, follow(one, **constants))
        reached = [np.inf if t is None else t for t in times]
        middle = known(np.median(reached)) if reached and not np.isinf(np.sort(reached)[len(reached) // 2]) else None
        reactions[preset] = {"starts": len(times), "starts_without_step": no_step, "not_reached": times.count(None),
                             "inputs_until_covered": times, "median_inputs": middle}
    scenario = recording.scenario()
    rest = without_phases(one, on)
    return {"recording": recording.folder, "workload": profile.workload, "scenario": str(scenario.get("name") or ""), "inputs": len(xi),
            "inputs_with_co_runner": int(on.sum()), "networks": [m.name for m in profile.models],
            "caps_w": [float(c) for c in profile.caps_w], "network_followed": profile.models[largest].name,
            "cap_followed_w": float(profile.caps_w[-1]),
            "relative_sd_between_networks": spread(xi, 1)[0], "relative_sd_between_caps": spread(xi, 2)[0],
            "relative_sd_over_inputs": spread(xi, 0)[0],
            "relative_sd_over_inputs_without_co_runner": spread(xi[~on], 0)[0],
            "relative_sd_over_inputs_with_co_runner": spread(xi[on], 0)[0],
            "variance_share_of_one_factor_per_input": share_of_input(xi),
            "variance_share_of_one_factor_per_input_without_co_runner": share_of_input(xi[~on]) if (~on).sum() > 1 else None,
            "variance_share_of_one_factor_per_input_with_co_runner": share_of_input(xi[on]) if on.sum() > 1 else None,
            "distribution_without_co_runner": distribution(one[~on]), "distribution_with_co_runner": distribution(one[on]),
            "autocorrelation_by_lag_in_inputs": autocorrelation(one), "autocorrelation_within_phases": autocorrelation(rest),
            "reaction_share_covered": COVERED, "reaction": reactions}


def draw(recording, numbers):
    xi, on = slowdown(recording), recording.co_runner_on
    profile = recording.profile
    one = xi[:, profile.models.index(profile.reference_model()), -1]
    fig, axes = style.figure(style.PAGE_IN, 3.7, rows=2, columns=2)
    _spread(axes[0, 0], xi, on)
    _quantiles(axes[0, 1], one, on)
    _autocorrelation(axes[1, 0], one, numbers)
    _reaction(axes[1, 1], one, on, numbers)
    share = numbers["variance_share_of_one_factor_per_input"]
    style.finish(fig, "Is one slow-down factor enough?", [
        "ξ: time to a network's last stage divided by the profile's",
        f"right, and below: {numbers['network_followed']}, {profile.caps_w[-1]:g} W (uncapped)",
        "networks and caps ran one after another: so their spread includes the noise of the host",
        "" if share is None else f"one factor per input explains {100 * share:.0f} % of the variance of log ξ",
        f"latency: {profile.latency_source}", profile.random_weights_text()],
        subtitle=", ".join(t for t in (profile.workload, contention.scenario_text(recording.scenario()), f"{len(xi)} inputs",
                                       f"{int(on.sum())} with the co-runner") if t))
    return fig


def _spread(ax, xi, on):
    rows = [("between networks", spread(xi, 1)[1]), ("between caps", spread(xi, 2)[1]), ("over inputs", spread(xi, 0)[1]),
            ("over inputs, without", spread(xi[~on], 0)[1]), ("over inputs, with", spread(xi[on], 0)[1])]
    rows = [(name, 100 * values) for name, values in rows if len(values)]
    for y, (name, values) in enumerate(rows):
        color = style.BLUE if name.startswith("between") else style.ORANGE
        ax.boxplot([values], positions=[y], vert=False, widths=0.55, whis=(5, 95), showfliers=False, patch_artist=True,
                   manage_ticks=False, boxprops=dict(facecolor=color, alpha=0.75, lw=0.6, gid=f"spread:{name}"),
                   medianprops=dict(color=style.BLACK, lw=1), whiskerprops=dict(lw=0.6), capprops=dict(lw=0.6))
    ax.set_yticks(range(len(rows)), [n for n, _ in rows])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlim(left=0)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel("standard deviation of ξ / its mean, %")
    ax.set_title("Spread (box: quartiles, whiskers: 5 to 95 %)", loc="left")


def _quantiles(ax, one, on):
    reach = 0.0
    for values, color, name in ((one[~on], style.CO_RUNNER_OFF, "without co-runner"), (one[on], style.CO_RUNNER_ON, "with co-runner")):
        if len(values) < 3 or not values.std() > 0:
            continue
        z = np.sort((values - values.mean()) / values.std(ddof=1))
        expected = [NormalDist().inv_cdf((k + 0.5) / len(z)) for k in range(len(z))]
        ax.plot(expected, z, ".", ms=3.2, mew=0, color=color, label=f"{name} ({len(z)})", zorder=3, gid=f"quantiles:{name}")
        reach = max(reach, abs(expected[0]))
    ax.plot([-reach, reach], [-reach, reach], color=style.BLACK, lw=0.7, ls="--", zorder=2)
    ax.set_xlabel("quantile of a normal distribution, sd")
    ax.set_ylabel("quantile of ξ, sd from its mean")
    ax.legend(loc="upper left")
    ax.set_title("Distribution", loc="left")


def _autocorrelation(ax, one, numbers):
    band = 1.96 / np.sqrt(len(one))
    ax.axhspan(-band, band, color="#EDEDED", lw=0, zorder=0)
    ax.axhline(0, color=style.BLACK, lw=0.6, zorder=1)
    for key, color, name in (("autocorrelation_by_lag_in_inputs", style.PURPLE, "all"),
                             ("autocorrelation_within_phases", style.BLUE, "within phases")):
        if numbers[key]:
            ax.plot(range(1, len(numbers[key]) + 1), numbers[key], "-o", ms=2.2, mew=0, lw=0.8, color=color, label=name, gid=key)
    ax.set_ylim(min(-0.4, ax.get_ylim()[0]), 1.02)
    ax.set_xlabel("lag, inputs")
    ax.set_ylabel("autocorrelation of ξ")
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    if ax.lines[1:]:
        ax.legend(loc="upper right", ncol=2)
    ax.set_title("Autocorrelation (grey: 95 % of white noise)", loc="left")


def _reaction(ax, one, on, numbers):
    ax.set_title("Reaction after the co-runner starts", loc="left")
    drawn = []
    for preset, color, dash in (("paper", style.BLUE, "-"), ("tuned", style.ORANGE, "-")):
        means, curves = follow(one, **PRESETS[preset]), []
        for before, start, end in starts(on):
            base, level = np.median(one[before:start]), np.median(one[start:end])
            noise = 1.4826 * np.median(np.abs(one[before:start] - base))
            if level - base <= max(3 * noise, 0.02 * base):
                continue
            at = np.arange(max(before, start - AHEAD), min(end, start + AFTER))
            curve = np.full(AHEAD + AFTER, np.nan)
            curve[at - start + AHEAD] = 100 * (means[at] - base) / (level - base)
            curves.append(curve)
        if not curves:
            continue
        x = np.arange(-AHEAD, AFTER) + 1
        for curve in curves:
            ax.plot(x, curve, color=color, lw=0.4, alpha=0.35, zorder=2)
        middle = np.array([np.median(c[~np.isnan(c)]) if (~np.isnan(c)).any() else np.nan for c in np.array(curves).T])
        ax.plot(x, middle, dash, color=color, lw=1.4, zorder=3, gid=f"reaction:{preset}")
        r = numbers["reaction"][preset]
        text = "not reached" if r["median_inputs"] is None else f"{r['median_inputs']:g} input" + "s" * (r['median_inputs'] != 1)
        drawn.append((Line2D([], [], color=color, lw=1.4), f"{preset}: {text} (median of {r['starts']})"))
    if not drawn:
        ax.text(0.5, 0.5, "no start with a step in ξ", transform=ax.transAxes, ha="center", va="center", color=style.GREY)
        ax.set_xticks([])
        ax.set_yticks([])
        return
    ax.axhline(100 * COVERED, color=style.BLACK, lw=0.7, ls=":", zorder=1)
    ax.axvline(0.5, color=style.BLACK, lw=0.6, zorder=1)
    ax.set_ylim(-60, 200)
    ax.set_xlabel("inputs since the co-runner started")
    ax.set_ylabel("share of the step covered\nby the filter's mean, %")
    ax.legend(*zip(*drawn), loc="lower right")
