"""Live figures: a trained model that runs in the reader's browser.

A live figure is one ES module in ``wm_core/lesson/live_figures/NAME.mjs`` in the form that anywidget takes (``export default
{ render }``). What figures share is in modules beside them that export no default, such as ``kit.mjs``. A notebook runs a
figure through anywidget; the site mounts the same file by itself. Its networks are ONNX files
that the lesson has just exported from what it trained, and run in ONNX Runtime Web.
"""

import json
import os
import re
from collections.abc import Mapping
from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from wm_core.artefacts import Exported
from wm_core.lesson.figures import svg
from wm_core.lesson.stages import emit, run_dir, speaks, stage

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOLDER = files("wm_core.lesson") / "live_figures"
RUNTIME_VERSION = "1.30.0"
#: How one of the modules borrows from another, such as from the kit that all figures share.
IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+)\.mjs";$', re.M)


def live(
    name: str, *, model: Mapping[str, Exported], poster: "Figure", caption: str, alt: str, **state: object
) -> None:
    """Show the live figure ``name`` with the networks it runs.

    Args:
        name: the module's name, without ``.mjs``.
        model: the networks by the names under which the module asks for them; see `wm_core.artefacts.export_onnx`.
        poster: what to show before the reader presses *Run*, and where no JavaScript runs.
        caption: what to do and what to look at.
        alt: what the figure does, for a reader who cannot see it.
        **state: the module's settings, as JSON values. It reads them with ``model.get(key)``.

    Raises:
        ValueError: there is no such live figure.
    """
    if name not in names():
        raise ValueError(f"live: got {name!r}, wanted one of {', '.join(names())}")
    picture = svg(poster, alt)
    if stage() == "notebook":
        from IPython.display import HTML, display

        display(_widget(name, model, state), HTML(f"<em>{escape(caption)}</em>"))
    else:
        _leave_models(name, model)
        emit(f"[live figure] {caption}", html=_page(name, model, picture, caption, alt, state))


@cache
def names() -> tuple[str, ...]:
    """The live figures there are."""
    modules = (file.name.removesuffix(".mjs") for file in FOLDER.iterdir() if file.name.endswith(".mjs"))
    return tuple(sorted(name for name in modules if "\nexport default " in _source(name)))


def module(name: str) -> str:
    """The source of a live figure as one self-contained ES module: the code that it shares stands in for its imports."""
    return _gathered(name, set())


def _source(name: str) -> str:
    return (FOLDER / f"{name}.mjs").read_text(encoding="utf-8")


def _gathered(name: str, there: set[str]) -> str:
    """A module behind every module that it imports, each once; ``there`` names those that are already in the file."""
    code, before = _source(name), []
    for shared in IMPORT.findall(code):
        if shared not in there:
            there.add(shared)
            before.append(re.sub(r"^export ", "", _gathered(shared, there), flags=re.M))
    return "".join([*before, IMPORT.sub("", code)])


def runtime_url() -> str:
    """Where a notebook's browser finds ONNX Runtime Web: on the book's site if it came from there, else on jsDelivr."""
    site = os.environ.get("WM_SITE")
    if site:
        return f"{site.rstrip('/')}/_static/vendor/onnxruntime/"
    return f"https://cdn.jsdelivr.net/npm/onnxruntime-web@{RUNTIME_VERSION}/dist/"


def _widget(name: str, model: Mapping[str, Exported], state: dict[str, object]):
    import anywidget
    import traitlets

    synced = {"models": {key: net.onnx for key, net in model.items()}, "runtime": runtime_url(), **state}
    traits = {key: traitlets.Any(value).tag(sync=True) for key, value in synced.items()}
    return type(f"Live_{name}", (anywidget.AnyWidget,), {"_esm": module(name), **traits})()


def _leave_models(name: str, model: Mapping[str, Exported]) -> None:
    if run_dir() is None or not speaks():
        return
    folder = run_dir() / "live"
    folder.mkdir(exist_ok=True)
    for key, net in model.items():
        (folder / f"{name}-{key}.onnx").write_bytes(net.onnx)
        (folder / f"{name}-{key}.reference.json").write_text(json.dumps(net.reference))


def _page(
    name: str, model: Mapping[str, Exported], picture: str, caption: str, alt: str, state: dict[str, object]
) -> str:
    weight = sum(len(net.onnx) for net in model.values()) / 1e6
    settings = json.dumps({"models": {key: f"{name}-{key}.onnx" for key in model}, **state}).replace("</", "<\\/")
    return (
        f'<figure class="wm-live" data-live="{name}" data-state="idle" data-weight="{weight:.2f}">'
        f'<script type="application/json">{settings}</script>'
        f'<div class="wm-live-stage" role="group" aria-label="{escape(alt, quote=True)}">'
        f'<div class="wm-live-poster">{picture}</div></div>'
        '<p class="wm-live-status" role="status">'
        "<noscript>This figure runs a trained model in the browser and needs JavaScript. The picture shows one moment of it."
        "</noscript></p>"
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )
