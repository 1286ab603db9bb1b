"""contact_sheet: all figures of a folder on one page, each with its name, made from the PNGs in it."""

import os

from . import style
from .reading import Missing, broken, natural

NAMES = ["contact_sheet"]
COLUMNS, WIDTH_IN, GAP_IN, TITLE_IN = 3, 11.0, 0.15, 0.2


def draw(folder):
    names = sorted((n for n in os.listdir(folder) if n.endswith(".png") and not n.startswith(".") and n != "contact_sheet.png"),
                   key=natural)
    if not names:
        raise Missing(f"{folder}: contains no PNG")
    return sheet([(n[:-len(".png")], os.path.join(folder, n)) for n in names], f"{len(names)} figures")


def sheet(pictures, title):
    """One page with all `pictures`, each a heading and the path of a PNG."""
    images = []
    for _, path in pictures:
        try:
            images.append(style.plt.imread(path))
        except (OSError, SyntaxError, ValueError) as e:  # what PIL raises of a torn file
            raise broken(path, "", f"damaged, or not a PNG ({e})", "remove it, or draw it again") from None
    columns = min(COLUMNS, len(images))
    width = (WIDTH_IN - GAP_IN * (columns + 1)) / columns
    ends, places = [0.4] * columns, []  # from the top; each into the column that is shortest so far
    for image in images:
        height = width * image.shape[0] / image.shape[1]
        column = min(range(columns), key=lambda c: (ends[c], c))
        places.append((column, ends[column] + TITLE_IN, height))
        ends[column] += TITLE_IN + height + GAP_IN
    total = max(ends)
    fig = style.plt.figure(figsize=(WIDTH_IN, total))
    for (name, _), image, (column, top, height) in zip(pictures, images, places):
        left = GAP_IN + column * (width + GAP_IN)
        ax = fig.add_axes((left / WIDTH_IN, 1 - (top + height) / total, width / WIDTH_IN, height / total))
        ax.imshow(image, aspect="auto", interpolation="lanczos")
        ax.set_xticks([])
        ax.set_yticks([])
        ax.grid(False)
        for spine in ax.spines.values():
            spine.set(visible=True, color=style.LIGHT, linewidth=0.5)
        ax.set_title(name, loc="left", fontsize=8, pad=3, fontweight="bold", gid=f"name:{name}")
    fig.text(GAP_IN / WIDTH_IN, 1 - 0.12 / total, title, fontsize=10, va="top", gid="title")
    return fig
