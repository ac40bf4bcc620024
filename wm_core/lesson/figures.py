"""The book's drawing style: one visual language, readable in light, dark and on a phone.

A figure is drawn once, in the light colours below. When it is shown, its SVG goes into the page itself and every colour
becomes a CSS variable (``var(--wm-actual, #1c63b7)``), so that the reader's theme decides. A notebook, which does not
know the variables, shows the light colours on paper.
"""

import io
import itertools
import re
import textwrap
from html import escape
from typing import TYPE_CHECKING, Literal

from wm_core.lesson.stages import emit, stage

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from wm_core.worlds import rooms
    from wm_core.worlds.rooms import Rooms

ColourName = Literal["actual", "imagined", "rival", "third", "muted", "ink", "grid", "paper"]

#: What each colour means, everywhere in the book, and its value in the light theme. The dark values are in the site's CSS.
COLOURS: dict[ColourName, str] = {
    "actual": "#1c63b7",  # what the world did
    "imagined": "#bf4708",  # what the model of the page imagined
    "rival": "#7d3fb0",  # what the model it is compared with imagined
    "third": "#1a7a52",  # a further model
    "muted": "#6a6d75",  # a baseline without a model, an aid to the eye
    "ink": "#23262e",
    "grid": "#dcd8ce",
    "paper": "#fffdf8",
}

#: One inch of a figure is 96 px on the page; a phone shows about 3.4 of them.
WIDTH, HEIGHT = 4.6, 3.0

_serial = itertools.count()


def colour(name: ColourName) -> str:
    """The light value of one of the book's colours, for any matplotlib ``color=`` argument.

    Raises:
        ValueError: the book has no colour of that name.
    """
    if name not in COLOURS:
        raise ValueError(f"colour: got {name!r}, wanted one of {', '.join(COLOURS)}")
    return COLOURS[name]


def style() -> dict[str, object]:
    """The matplotlib settings behind every figure of the book."""
    ink, grid, paper = COLOURS["ink"], COLOURS["grid"], COLOURS["paper"]
    from cycler import cycler

    return {
        "figure.facecolor": paper,
        "axes.facecolor": paper,
        "savefig.facecolor": paper,
        "text.color": ink,
        "axes.labelcolor": ink,
        "axes.edgecolor": COLOURS["muted"],
        "xtick.color": ink,
        "ytick.color": ink,
        "xtick.major.size": 3,
        "ytick.major.size": 3,
        "axes.grid": True,
        "grid.color": grid,
        "grid.linewidth": 0.7,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
        "axes.titleweight": "bold",
        "axes.labelsize": 9.5,
        "xtick.labelsize": 9,
        "ytick.labelsize": 9,
        "legend.fontsize": 9,
        "legend.frameon": False,
        "lines.linewidth": 1.8,
        "lines.solid_capstyle": "round",
        "axes.prop_cycle": cycler(color=[COLOURS[c] for c in ("imagined", "actual", "rival", "third", "muted")]),
        "image.cmap": "gray",
        "font.family": "DejaVu Sans",
        "svg.fonttype": "none",  # text stays text: selectable, and set in the page's own type
        "figure.dpi": 96,
    }


def figure(rows: int = 1, columns: int = 1, *, width: float = WIDTH, height: float = HEIGHT, **kwargs: object):
    """A new figure in the book's style, as ``plt.subplots`` returns it: ``(figure, axes)``.

    Keep a figure one panel wide where you can: `show` puts several side by side, and under each other on a phone.

    Args:
        rows, columns: the grid of axes inside this one figure.
        width, height: in inches; one inch is 96 px.
        **kwargs: passed to ``plt.subplots``.
    """
    import matplotlib

    if stage() != "notebook":
        matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams.update(style())
    return plt.subplots(rows, columns, figsize=(width, height), layout="constrained", **kwargs)


def picture(ax: "Axes", image, title: str = "", **kwargs: object) -> None:
    """Draw an image (H, W) without ticks or grid, white being 1 and black 0 unless told otherwise."""
    ax.imshow(image, **{"vmin": 0, "vmax": 1, "interpolation": "nearest", **kwargs})
    ax.set(xticks=[], yticks=[], title=title)
    ax.grid(False)
    for spine in ax.spines.values():
        spine.set_visible(True)


def floor_plan(world: "Rooms", layout: "rooms.Layout", title: str = "", *, width: float = 2.9, start=None, goal=None):
    """The rooms of one world from above, to draw in: ``(figure, axes)``, in pixels, y down.

    Args:
        world: says where its walls are.
        layout: of which the first is drawn.
        title: above it.
        width: of the figure, in inches.
        start: (2,) the place of the dot, in blue.
        goal: (2,) that of the goal, as a ring.
    """
    fig, ax = figure(width=width, height=width + 0.2)
    for x0, y0, x1, y1 in world.inner(layout)[0].clamp(world.low, world.high).tolist():
        ax.fill([x0, x1, x1, x0], [y0, y0, y1, y1], color=colour("muted"))
    if start is not None:
        ax.plot(*start, "o", color=colour("actual"), markersize=8, zorder=5)
    if goal is not None:
        ax.plot(*goal, "o", color=colour("ink"), markersize=15, mfc="none", mew=2, zorder=5)
    ax.set(
        xlim=(world.low, world.high), ylim=(world.high, world.low), xticks=[], yticks=[], title=title, aspect="equal"
    )
    ax.spines[:].set_visible(True)
    ax.grid(False)
    return fig, ax


def show(*figures: "Figure", caption: str, alt: str) -> None:
    """Show one or more figures side by side under one caption.

    Args:
        *figures: matplotlib figures, made with `figure`. They are closed.
        caption: what to look at, then what it means. Shown under the figure.
        alt: what the figure shows, for a reader who cannot see it.

    Raises:
        ValueError: no figure, or no caption or alt text.
    """
    if not figures:
        raise ValueError("show: got no figure, wanted at least one")
    if not caption.strip() or not alt.strip():
        raise ValueError("show: every figure needs a caption and an alt text")
    panels = "".join(svg(one, alt if i == 0 else "") for i, one in enumerate(figures))
    emit(
        f"[figure] {textwrap.shorten(caption, 110)}",
        html=f'<figure class="wm-figure"><div class="wm-panels" style="display:flex;flex-wrap:wrap;gap:1em">{panels}</div>'
        f"<figcaption>{escape(caption)}</figcaption></figure>",
    )


def svg(fig: "Figure", alt: str) -> str:
    """Draw a figure as an ``<svg>`` element whose colours and type follow the page, and close it.

    Args:
        fig: the figure.
        alt: its text alternative; empty for a panel that an earlier panel's text already covers.
    """
    import matplotlib
    import matplotlib.pyplot as plt

    file = io.StringIO()
    # Panels share a page: ids must not meet. A count keeps them apart and, unlike a random salt, repeats.
    with matplotlib.rc_context({"svg.hashsalt": f"wm{next(_serial)}"}):
        fig.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    plt.close(fig)
    return themed(file.getvalue(), alt)


def themed(text: str, alt: str) -> str:
    """Turn matplotlib's SVG document into an inline element that takes its colours and type from the page."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    used = set(re.findall(r"[\"'(]#([\w.:-]+)", text))  # the rest of the ids would only meet those of other figures
    text = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in used else "", text)
    for name, value in COLOURS.items():
        text = text.replace(value, f"var(--wm-{name},{value})")
    text = re.sub(r"'DejaVu Sans'[^;\"]*", "var(--wm-sans,'DejaVu Sans',sans-serif)", text)
    label = f'role="img" aria-label="{escape(alt, quote=True)}"' if alt else 'aria-hidden="true"'
    pixels = float(re.search(r'width="([\d.]+)pt"', text)[1]) * 96 / 72
    text = re.sub(
        r'width="[\d.]+pt" height="[\d.]+pt"',
        f'{label} style="width:{pixels:.0f}px;max-width:100%;height:auto"',
        text,
        count=1,
    )
    return re.sub(r"\n\s*", "\n", text).strip()
