"""Looks: sizes, fonts, colours, footers, labels that don't overlap. Colours are Okabe and Ito's, safe for the colour-blind."""

import functools
import hashlib
import itertools
import math

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
from matplotlib.backends.backend_agg import RendererAgg  # noqa: E402
from matplotlib.font_manager import FontProperties  # noqa: E402
from matplotlib.lines import Line2D  # noqa: E402

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILLION, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
GREY, LIGHT = "#6E6E6E", "#B4B4B4"

# The same scheduler has the same colour in every figure, and each family its hue. Also the order in which schedulers are listed.
FAMILIES = {
    "price": {"price": GREEN},
    "alert": {"alert": BLUE, "alert-trad": SKY, "alert-any": "#A3D4F2", "alert-mean": "#3A4E9A"},
    "one-level": {"no-coord": "#F5D08A", "app-only": VERMILLION, "sys-only": ORANGE},
    "control": {"poet": PURPLE, "copper": "#882255", "caloree": "#E6BFD3", "jouleguard": "#AA4499", "spectr-like": "#5A1A42"},
    "heuristic": {"coral-like": YELLOW, "e4-order": "#999933", "zeus-static": "#CFCB8E"},
    "bound": {"oracle": BLACK, "oracle-mean": "#BEBEBE", "oracle-causal": "#4A4A4A", "oracle-static": "#8C8C8C"},
}
SCHEDULERS = {name: color for family in FAMILIES.values() for name, color in family.items()}
SPARE = ["#332288", "#44AA99", "#661100", "#6699CC", "#117733", "#888888"]
TRADITIONAL, ANYTIME = BLUE, ORANGE   # kinds of networks
ANYTIME_TEXT = "#8A5F00"              # orange is too light to read
CONTENTION = "#E2E2E2"                # shading of a stretch with a co-runner
VIOLATION = VERMILLION
CO_RUNNER_OFF, CO_RUNNER_ON = SKY, VERMILLION

COLUMN_IN, PAGE_IN = 3.5, 7.16        # width of a column and of a page of a two-column paper
SMALL_PT = 5.8

plt.rcParams.update({
    "font.family": "DejaVu Sans", "font.size": 7, "axes.titlesize": 7.5, "axes.labelsize": 7, "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5, "legend.fontsize": 6.5, "figure.titlesize": 8, "axes.spines.top": False, "axes.spines.right": False,
    "axes.linewidth": 0.6, "xtick.major.width": 0.6, "ytick.major.width": 0.6, "xtick.minor.width": 0.4, "ytick.minor.width": 0.4,
    "xtick.major.size": 2.5, "ytick.major.size": 2.5, "xtick.minor.size": 1.5, "ytick.minor.size": 1.5, "lines.linewidth": 1.1,
    "lines.markersize": 4, "legend.frameon": False, "legend.handlelength": 1.6, "legend.handletextpad": 0.5,
    "legend.borderaxespad": 0.2, "legend.columnspacing": 1.2, "axes.grid": True, "grid.color": "#E9E9E9", "grid.linewidth": 0.5,
    "axes.axisbelow": True, "hatch.linewidth": 0.5, "pdf.fonttype": 42, "savefig.dpi": 200, "figure.facecolor": "white",
})

_measure = RendererAgg(8, 8, 72)  # 72 dots an inch: widths in points


def scheduler_color(name):
    if name in SCHEDULERS:
        return SCHEDULERS[name]
    return SPARE[int(hashlib.sha256(name.encode()).hexdigest(), 16) % len(SPARE)]  # the same in every process


def scheduler_order(name):
    known = list(SCHEDULERS)
    return (known.index(name) if name in known else len(known), name)


def family_of(name):
    """Where a file does not say."""
    return next((family for family, names in FAMILIES.items() if name in names), "own")


def family_order(family):
    """As above, others between them and the bounds."""
    known = list(FAMILIES)
    return known.index(family) if family in known else len(known) - 1.5


def lighter(color):
    from matplotlib.colors import to_rgb

    return tuple(1 - (1 - c) * 0.45 for c in to_rgb(color))


def figure(width, height, rows=1, columns=1, **keys):
    """Figure and a [row][column] array of axes, `height` with their labels; finish() must follow."""
    fig, axes = plt.subplots(rows, columns, figsize=(width, height), squeeze=False, layout="constrained", **keys)
    return fig, axes


def wrap(text, width_in, points):
    """Lines of at most `width_in`, broken at ' · ' where possible, else between words."""
    def wide(line):
        return text_width_in(line, points) > width_in

    lines = []
    for part in text.split(" · "):
        if lines and not wide(lines[-1] + " · " + part):
            lines[-1] += " · " + part
            continue
        line = ""
        for word in part.split(" "):
            longer = f"{line} {word}" if line else word
            if line and wide(longer):
                lines.append(line)
                line = word
            else:
                line = longer
        lines.append(line)
    return lines


@functools.lru_cache(maxsize=4096)
def text_width_in(text, points):
    font = FontProperties(family=plt.rcParams["font.family"], size=points)
    return _measure.get_text_width_height_descent(text, font, False)[0] / 72


def finish(fig, title, footer_parts, subtitle="", legend=None):
    """Adds title, subtitle and legend (a list of (handle, label)) above and small print below; the figure grows by their height, so
    that the axes keep theirs."""
    width, height = fig.get_size_inches()
    title, subtitle, footer = (wrap(text, width - 0.1, size) if text else [] for text, size in (
        (title, 8), (subtitle, 6.5), (" · ".join(p for p in footer_parts if p), SMALL_PT)))
    line_in = lambda lines, size: len(lines) * size * 1.35 / 72
    box, legend_in = _legend(fig, legend) if legend else (None, 0)
    top = 0.06 + line_in(title, 8) + line_in(subtitle, 6.5) + (legend_in + 0.06 if legend else 0)
    bottom = line_in(footer, SMALL_PT) + 0.06
    height += top + bottom
    fig.set_size_inches(width, height)
    y = 0.03
    for lines, size, color, gid in ((title, 8, BLACK, "title"), (subtitle, 6.5, GREY, "subtitle")):
        fig.text(0.05 / width, 1 - y / height, "\n".join(lines), fontsize=size, color=color, va="top", gid=gid,
                 linespacing=1.25).set_in_layout(False)
        y += line_in(lines, size)
    if box:
        box.set_bbox_to_anchor((0.05 / width, 1 - (y + 0.04) / height), transform=fig.transFigure)
    fig.text(0.05 / width, 0.03 / height, "\n".join(footer), fontsize=SMALL_PT, color=GREY, va="bottom", gid="footer",
             linespacing=1.25).set_in_layout(False)
    fig.get_layout_engine().set(rect=(0, bottom / height, 1, 1 - (bottom + top) / height), w_pad=0.03, h_pad=0.03)
    fig.draw_without_rendering()
    return fig


def _legend(fig, entries):
    """In as many columns as fit, read row by row. Returns it and its height, in."""
    for columns in range(len(entries), 0, -1):
        rows = -(-len(entries) // columns)
        columns = -(-len(entries) // rows)
        full = entries + [(Line2D([], [], ls=""), "")] * (rows * columns - len(entries))
        order = [full[r * columns + c] for c in range(columns) for r in range(rows)]
        box = fig.legend([h for h, _ in order], [n for _, n in order], ncol=columns, loc="upper left",
                         bbox_to_anchor=(0.05 / fig.get_size_inches()[0], 1), borderaxespad=0, borderpad=0,
                         fontsize=6, handlelength=1.4, columnspacing=0.9, labelspacing=0.35, handletextpad=0.4)
        box.set_gid("legend")
        box.set_in_layout(False)
        extent = box.get_window_extent(fig.canvas.get_renderer())
        if extent.x1 <= fig.bbox.width or columns == 1:
            return box, extent.height / fig.dpi
        box.remove()


def plain_log_ticks(axis, low, high):
    """1, 2, 5 ticks in plain numbers on a logarithmic axis."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

    ratio = high / low
    steps = next(s for limit, s in ((4, (1, 1.5, 2, 3, 4, 5, 7)), (20, (1, 2, 3, 5, 7)), (200, (1, 2, 5)), (math.inf, (1,)))
                 if ratio < limit or limit == math.inf)
    ticks = [m * 10.0 ** e for e in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1) for m in steps]
    axis.set_major_locator(FixedLocator([t for t in ticks if low <= t <= high]))
    axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def place_labels(ax, labels, lines=(), avoid=(), size=6.5):
    """Puts each label (text, points, color) near one of its points (the first it can), where it covers no other label, point,
    line or edge. Returns the texts for which no place was found. Call after finish(): it needs the final layout.
    `lines`: (xs, ys) of what is drawn."""
    fig = ax.figure
    renderer = fig.canvas.get_renderer()
    to_px = ax.transData.transform
    px = fig.dpi / 72
    frame = ax.get_window_extent(renderer)
    points = np.array([to_px(p) for _, its, _ in labels for p in its] + [to_px(p) for p in avoid])
    ink = []
    for xs, ys in lines:
        corners = to_px(np.column_stack([xs, ys]))
        for a, b in zip(corners[:-1], corners[1:]):
            steps = max(2, int(np.hypot(*(b - a)) / (2 * px)))
            ink.extend(a + (b - a) * t for t in np.linspace(0, 1, steps))
    ink = np.array(ink) if ink else np.zeros((0, 2))
    taken = [t.get_window_extent(renderer) for t in ax.texts]
    left_out = []
    angles = [math.radians(a) for a in (45, 135, 315, 225, 0, 90, 180, 270, 20, 160, 340, 200, 65, 115, 245, 295)]
    for text, its, color in labels:
        probe = ax.text(*its[0], text, fontsize=size)
        box = probe.get_window_extent(renderer)
        probe.remove()
        w, h = box.width, box.height
        best = None
        for (rank, (x, y)), radius, angle in itertools.product(enumerate(its), (4.5, 7, 11, 16, 22, 29, 37), angles):
            at = to_px((x, y))
            dx, dy = math.cos(angle), math.sin(angle)
            # The nearest point of the label's box lies `radius` from the point.
            cx = at[0] + dx * radius * px + (w / 2 if dx > 0.3 else -w / 2 if dx < -0.3 else 0)
            cy = at[1] + dy * radius * px + (h / 2 if dy > 0.3 else -h / 2 if dy < -0.3 else 0)
            left, right, low, high = cx - w / 2, cx + w / 2, cy - h / 2, cy + h / 2
            if left < frame.x0 or right > frame.x1 - px or low < frame.y0 or high > frame.y1:
                continue
            pad = 0.8 * px
            if any(left - pad < b.x1 and right + pad > b.x0 and low - pad < b.y1 and high + pad > b.y0 for b in taken):
                continue
            reach = 2.6 * px
            inside = ((points[:, 0] > left - reach) & (points[:, 0] < right + reach) & (points[:, 1] > low - reach)
                      & (points[:, 1] < high + reach))
            crossed = int(np.sum((ink[:, 0] > left - 2 * pad) & (ink[:, 0] < right + 2 * pad) & (ink[:, 1] > low) & (ink[:, 1] < high)))
            if inside.any():
                continue
            cost = crossed * 8 + radius + rank * 10
            if best is None or cost < best[0]:
                best = (cost, radius, cx, cy, x, y)
        if best is None:
            left_out.append(text)
            continue
        _, radius, cx, cy, x, y = best
        x_data, y_data = ax.transData.inverted().transform((cx, cy))
        label = ax.annotate(text, (x, y), xytext=(x_data, y_data), ha="center", va="center", fontsize=size, color=color, zorder=6,
                            arrowprops=dict(arrowstyle="-", lw=0.4, color=GREY, shrinkA=0, shrinkB=3) if radius > 12 else None)
        label.set_gid("label")
        label.set_in_layout(False)
        taken.append(matplotlib.transforms.Bbox.from_bounds(cx - w / 2, cy - h / 2, w, h))
    return left_out
