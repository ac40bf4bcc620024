"""A figure with sliders: redrawn by the kernel in a notebook, drawn ahead for the site, where no kernel runs."""

import base64
import gzip
import itertools
import json
from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING

from wm_core.lesson.figures import svg
from wm_core.lesson.stages import emit, stage
from wm_core.lesson.tables import pretty

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: More drawings than this would make a page heavy and its build slow.
MOST_FRAMES = 60


def explore(draw: Callable[..., "Figure"], *, caption: str, alt: str, **ranges: Sequence[object]) -> None:
    """Show a figure that the reader changes with one slider a parameter.

    Args:
        draw: makes the figure from one value a parameter, given by name.
        caption: what to look at, then what it means.
        alt: what the figure shows at its middle setting.
        **ranges: the values of each parameter in slider order. An underscore in a name is shown as a space. The figure
            starts at the middle of every range.

    Raises:
        ValueError: no parameter, an empty range, or more than 60 combinations.
    """
    _check(ranges)
    if stage() == "notebook":
        _widgets(draw, caption, ranges)
        return
    start = tuple(len(values) // 2 for values in ranges.values())
    grid = list(itertools.product(*(range(len(values)) for values in ranges.values())))
    if stage() == "script":
        grid = [start]
    frames = [svg(draw(**_at(ranges, spot)), alt if spot == start else _describe(ranges, spot)) for spot in grid]
    emit(f"[figure with sliders] {caption}", html=_page(frames, ranges, start, grid.index(start), caption))


def _check(ranges: dict[str, Sequence[object]]) -> None:
    if not ranges or any(len(values) == 0 for values in ranges.values()):
        raise ValueError(f"explore: wanted at least one value for at least one parameter, got {ranges!r}")
    count = 1
    for values in ranges.values():
        count *= len(values)
    if count > MOST_FRAMES:
        raise ValueError(f"explore: got {count} combinations, wanted at most {MOST_FRAMES}")


def _at(ranges: dict[str, Sequence[object]], spot: tuple[int, ...]) -> dict[str, object]:
    return {name: values[i] for (name, values), i in zip(ranges.items(), spot, strict=True)}


def _word(value: object) -> str:
    return pretty(value) if isinstance(value, float) else str(value)


def _describe(ranges: dict[str, Sequence[object]], spot: tuple[int, ...]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {_word(value)}" for name, value in _at(ranges, spot).items())


def _page(
    frames: list[str], ranges: dict[str, Sequence[object]], start: tuple[int, ...], first: int, caption: str
) -> str:
    packed = base64.b64encode(gzip.compress(json.dumps(frames).encode(), mtime=0)).decode()
    sliders = "".join(
        f'<label><span class="wm-slider-name">{escape(name.replace("_", " "))}</span>'
        f'<input type="range" min="0" max="{len(values) - 1}" step="1" value="{at}" aria-valuetext="{escape(_word(values[at]))}"'
        f" data-values='{escape(json.dumps([_word(v) for v in values]), quote=True)}'>"
        f"<output>{escape(_word(values[at]))}</output></label>"
        for (name, values), at in zip(ranges.items(), start, strict=True)
    )
    return (
        f'<figure class="wm-figure wm-explore"><div class="wm-explore-frame">{frames[first]}</div>'
        f'<div class="wm-controls">{sliders}</div>'
        f'<script type="application/gzip-base64">{packed}</script>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _widgets(draw: Callable[..., "Figure"], caption: str, ranges: dict[str, Sequence[object]]) -> None:
    import ipywidgets
    from IPython.display import HTML, display

    sliders = {
        name: ipywidgets.SelectionSlider(
            options=[(_word(value), value) for value in values],
            value=values[len(values) // 2],
            description=name.replace("_", " "),
            style={"description_width": "initial"},
        )
        for name, values in ranges.items()
    }
    drawing = ipywidgets.interactive_output(lambda **chosen: display(HTML(svg(draw(**chosen), caption))), sliders)
    display(ipywidgets.VBox([*sliders.values(), drawing, ipywidgets.HTML(f"<em>{escape(caption)}</em>")]))
