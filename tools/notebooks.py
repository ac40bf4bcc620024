"""The published notebooks: made from the lessons, ready for Colab, never committed."""

import re
from pathlib import Path

import nbformat

from tools.lessons import Lesson
from tools.paths import EXTRA
from tools.site import address

SETUP = """\
# Run this first. The book's library, wm_core, comes from the book's own site. Where it is already installed nothing
# happens; on Colab it is added to what is there, and nothing that is there is upgraded.
import importlib.util
import os

os.environ.setdefault("WM_SITE", "{site}")
if importlib.util.find_spec("wm_core") is None:
    %pip install --quiet {{os.environ["WM_SITE"]}}/wheels/{wheel}
"""

LINK = re.compile(r"(?<=\]\()(?!https?://|mailto:|#)([^)\s]+)(?=[)\s])")
VERBATIM = re.compile(
    r"(```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$]*\$)", flags=re.DOTALL
)  # code and mathematics hold no links
SOURCE = re.compile(r'(?<=src=")(?!https?://|data:)([^"]+)(?=")')


def publish(lessons: list[Lesson], wheel: str) -> None:
    """Write every lesson's notebook to where the site serves it."""
    for lesson in lessons:
        file = EXTRA / "notebooks" / f"{lesson.name}.ipynb"
        file.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(published(lesson, address().site, wheel), file)


def published(lesson: Lesson, site: str, wheel: str) -> nbformat.NotebookNode:
    """One lesson as a notebook that runs anywhere: it installs wm_core and links to the site by absolute addresses."""
    notebook = lesson.notebook()
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = absolute(cell.source, lesson, site)
        elif "solution" in cell.metadata.get("tags", []):
            cell.source = f"# @title A solution\n{cell.source}"
            cell.metadata.update({"cellView": "form", "jupyter": {"source_hidden": True}})
    setup = nbformat.v4.new_code_cell(SETUP.format(site=site, wheel=wheel), id="setup")
    notebook.cells.insert(0, setup)
    notebook.metadata.pop("jupytext", None)
    notebook.metadata["colab"] = {"provenance": []}
    notebook.metadata["accelerator"] = "GPU"
    return notebook


def absolute(markdown: str, lesson: Lesson, site: str) -> str:
    """Replace every relative link and image of a lesson's Markdown by its address on the site."""
    folder = Path("lessons") / Path(lesson.name).parent

    def place(match: re.Match) -> str:
        path, _, anchor = match[1].partition("#")
        parts: list[str] = []
        for part in (folder / path).parts:
            if part == "..":
                parts.pop()
            elif part != ".":
                parts.append(part)
        on_site = re.sub(r"\.(md|py)$", ".html", "/".join(parts)).removeprefix("book/_static/")
        if "/".join(parts).startswith("book/_static/"):
            on_site = f"_static/{on_site}"
        return f"{site}/{on_site}" + (f"#{anchor}" if anchor else "")

    pieces = VERBATIM.split(markdown)
    pieces[::2] = [SOURCE.sub(place, LINK.sub(place, text)) for text in pieces[::2]]
    return "".join(pieces)
