"""Lessons as pages: the executed notebook stands in for its .py source, with its badges and live figures.

A lesson's page is built from the notebook that `tools.execute` ran. This extension gives MyST-NB that notebook
(`read_lesson`, named in _config.yml under nb_custom_formats), ties the page to the run so that a new run rebuilds it,
and adds what the page's template shows above the text.
"""

import json
import os
import re

import nbformat
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from tools.lessons import Lesson, executed, read_notebook
from tools.paths import ROOT
from tools.site import address

NOT_RUN = '<div class="admonition warning">\n<p class="title">Not run</p>\nA draft: this notebook has not been executed.\n</div>'


def read_lesson(text: str) -> nbformat.NotebookNode:
    """The notebook that a lesson's page shows. MyST-NB calls this with the text of the .py file.

    Raises:
        ExtensionError: the lesson has not run, and this is no draft (``WM_DRAFT``).
    """
    notebook = executed(text)
    if notebook is None:
        if "WM_DRAFT" not in os.environ:
            first = text.splitlines()[:12]
            raise ExtensionError(f"this lesson has not been executed: run make book. It begins: {first}")
        notebook = read_notebook(text)
        notebook.cells.insert(1, nbformat.v4.new_markdown_cell(NOT_RUN, id="not-run"))
    notebook.cells = one_fold_for_neighbours(notebook.cells)
    for cell in notebook.cells:
        if "solution" in cell.metadata.get("tags", []):
            cell.metadata["tags"] = [*cell.metadata["tags"], "hide-cell"]
            words = "A solution"
        elif _folded(cell):
            words = "The code of this figure" if _draws(cell) else "More of the code"
        else:
            continue
        cell.metadata["mystnb"] = {"code_prompt_show": words, "code_prompt_hide": words}
    return notebook


def one_fold_for_neighbours(cells: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Folded cells that follow each other and show nothing go into one fold with the next, so that a page has no row of them."""
    kept: list[nbformat.NotebookNode] = []
    for cell in cells:
        if kept and _folded(cell) and _folded(kept[-1]) and not kept[-1].outputs:
            cell.source = f"{kept.pop().source}\n\n\n{cell.source}"
        kept.append(cell)
    return kept


def _folded(cell: nbformat.NotebookNode) -> bool:
    return cell.cell_type == "code" and "hide-input" in cell.metadata.get("tags", [])


def _draws(cell: nbformat.NotebookNode) -> bool:
    """Whether a cell shows a picture or a live figure; one that has not run may."""
    shown = [output.get("data", {}) for output in cell.outputs]
    pictures = any("<figure" in data.get("text/html", "") or any("image/" in kind for kind in data) for data in shown)
    return pictures or cell.execution_count is None


def tie_to_run(app: Sphinx, docname: str, source: list[str]) -> None:
    """Rebuild a lesson's page when the lesson has run again."""
    if docname.startswith("lessons/"):
        app.env.note_dependency(str(Lesson(docname.removeprefix("lessons/")).run / "run.json"))


def place_live_figures(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Tell each live figure which lesson's models it runs, and give the template what it shows of the run."""
    if not pagename.startswith("lessons/"):
        return
    lesson = Lesson(pagename.removeprefix("lessons/"))
    context["body"] = context["body"].replace(
        '<figure class="wm-live"', f'<figure class="wm-live" data-lesson="{lesson.name}"'
    )
    context["body"] = re.sub(r'<img [^>]*src="[^"]*/([\w-]+)\.svg"[^>]*>', inline_diagram, context["body"])
    # The words of a folded cell name it; the label that MyST-NB puts over them says less.
    context["body"] = context["body"].replace(' aria-label="Toggle hidden content"', "")
    context["wm_notebook"] = f"notebooks/{lesson.name}.ipynb"
    where = address()
    if where.repository:
        context["wm_colab"] = where.colab(lesson.name)
    record = lesson.run / "run.json"
    if record.exists():
        run = json.loads(record.read_text())
        context["wm_seconds"], context["wm_cores"] = round(run["seconds"]), run["cores"]


def inline_diagram(image: re.Match) -> str:
    """The drawing itself in place of an image of it, so that it takes the page's colours and fonts."""
    name = image[1]
    file = ROOT / "book/_static/diagrams" / f"{name}.svg"
    alt = re.search(r'alt="([^"]*)"', image[0])
    drawing = file.read_text(encoding="utf-8")
    drawing = re.sub(r"<title>.*?</title>\s*", "", drawing)  # a browser would show it as a tooltip; the label says more
    # a style sheet inside a page is the whole page's: nested under the drawing's class it stays at home
    drawing = re.sub(r"<style>(.*?)</style>", rf"<style>.wm-diagram-{name}{{\1}}</style>", drawing, flags=re.S)
    return drawing.replace(
        "<svg ", f'<svg class="wm-diagram wm-diagram-{name}" role="img" aria-label="{alt[1] if alt else name}" ', 1
    )


def set_version(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Give the template a version that changes with the site's own CSS and JavaScript, and with nothing else."""
    context["wm_version"] = app.config.wm_assets_version
    context["wm_has_math"] = bool(re.search(r"<mjx-container", context.get("body", "")))


def setup(app: Sphinx) -> dict:
    app.add_config_value("wm_assets_version", os.environ.get("WM_ASSETS_VERSION", "0"), "html")
    for unused in ("comments_config",):  # Jupyter Book sets it for an extension that this book leaves out
        app.add_config_value(unused, None, "")
    app.connect("source-read", tie_to_run)
    app.connect("html-page-context", place_live_figures)
    app.connect("html-page-context", set_version)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
