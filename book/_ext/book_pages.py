"""The pages that the book writes about itself: its map, its evidence, its status, and live figures outside lessons."""

import json
import platform
import re
from html import escape
from importlib.metadata import version
from pathlib import Path

import nbformat
import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from tools.lessons import Lesson, all_lessons
from tools.paths import EVIDENCE, ROOT, TOC
from wm_core.lesson.claims import SIGN
from wm_core.lesson.tables import pretty

COMING = ROOT / "book" / "coming.yml"


#: The packages whose versions the page *Status* names.
BUILT_WITH = ("wm_core", "Torch", "NumPy", "Matplotlib", "Accelerate", "ONNX", "ONNXScript", "Jupyter-Book")


class Page(SphinxDirective):
    """A directive that writes HTML and is written again when one of the files it reads has changed."""

    def html(self, text: str, *reads: Path) -> list[nodes.Node]:
        for file in reads:
            self.env.note_dependency(str(file))
        return [nodes.raw("", text, format="html")]

    def link(self, page: str) -> str:
        """The relative address of another page."""
        return self.env.app.builder.get_relative_uri(self.env.docname, page)


def provenance(about: dict) -> str:
    """Where, when and from what something was measured, in a line."""
    return f"{escape(about['device'])}, {about['date']}, PyTorch {escape(about['torch'])}, commit {about['commit'][:8]}"


class BookMap(Page):
    """Every part of the book with its chapters: a solid dot for one that is written, a dashed ring for one to come."""

    def run(self) -> list[nodes.Node]:
        toc = yaml.safe_load(TOC.read_text(encoding="utf-8"))
        written = {part["caption"]: [chapter["file"] for chapter in part["chapters"]] for part in toc["parts"]}
        parts = "".join(
            f'<section class="map-part"><h3>{escape(part["part"])}</h3><p>{escape(part["says"])}</p><ul>'
            + "".join(self._written(page) for page in written.get(part["part"], []))
            + "".join(self._coming(title) for title in part["coming"].values())
            + "</ul></section>"
            for part in yaml.safe_load(COMING.read_text(encoding="utf-8"))
        )
        return self.html(f'<div class="map">{parts}</div>', TOC, COMING)

    def _written(self, page: str) -> str:
        source = ROOT / f"{page}.py"
        if not source.exists():  # a page that belongs to the part and is no lesson
            source = source.with_suffix(".md")
        self.env.note_dependency(str(source))
        title = re.search(r"^(?:# )?# (.+)$", source.read_text(encoding="utf-8"), re.M)[1]
        return f'<li class="map-written"><a href="{self.link(page)}">{escape(title)}</a></li>'

    def _coming(self, title: str) -> str:
        return f'<li class="map-coming"><span>{escape(title)}</span> <small>to come</small></li>'


class LiveFigure(Page):
    """A lesson's live figure, on another page: ``{live} part/name figure``."""

    required_arguments = 2

    def run(self) -> list[nodes.Node]:
        name, figure = self.arguments
        lesson = Lesson(name)
        opening = f'<figure class="wm-live" data-live="{figure}"'
        file = lesson.run / "notebook.ipynb"
        if not file.exists():
            return self.html(f"<p>The live figure {escape(figure)} appears when {escape(name)} has run.</p>")
        for cell in nbformat.read(file, as_version=4).cells:
            for output in cell.get("outputs", []):
                shown = str(output.get("data", {}).get("text/html", ""))
                if opening in shown:
                    return self.html(shown.replace("<figure", f'<figure data-lesson="{name}"', 1), file)
        raise self.error(f"{name} shows no live figure {figure!r}")


class Evidence(Page):
    """Every claim of the book, with what was measured when this site was built, as rows that look like a chapter's own."""

    def run(self) -> list[nodes.Node]:
        rows = json.loads(EVIDENCE.read_text()) if EVIDENCE.exists() else []
        text = ""
        for lesson in all_lessons():
            mine = [row for row in rows if row["lesson"] == lesson.name]
            if not mine:
                continue
            scales = " and ".join(sorted({row["scale"] for row in mine}))
            text += f'<h2><a href="{self.link(f"lessons/{lesson.name}")}">{escape(lesson.title)}</a></h2>'
            text += f"<p>{len(mine)} claims, measured at <code>{scales}</code> scale.</p>"
            text += "".join(self._row(row) for row in mine)
        held = sum(row["ok"] for row in rows)
        return self.html(f"<p>{held} of {len(rows)} claims hold in this build.</p>{text}", EVIDENCE)

    def _row(self, row: dict) -> str:
        verdict = "holds" if row["ok"] else "fails"
        return (
            f'<div class="wm-claim" data-ok="{str(row["ok"]).lower()}"><strong class="wm-claim-verdict">{verdict}</strong>'
            f'<span class="wm-claim-text">{escape(row["claim"])}</span>'
            f'<span class="wm-claim-number"><b>{pretty(row["value"])}</b> '
            f'<span class="wm-claim-bound">{SIGN[row["op"]]} {pretty(row["bound"])}</span></span></div>'
        )


class Status(Page):
    """Each lesson's last run: how long it took, when, at which scale, with which versions."""

    def run(self) -> list[nodes.Node]:
        text, files = "", []
        for lesson in all_lessons():
            file = lesson.run / "run.json"
            if not file.exists():
                continue
            files.append(file)
            run = json.loads(file.read_text())
            text += (
                f'<tr><td><a href="{self.link(f"lessons/{lesson.name}")}">{escape(lesson.title)}</a></td>'
                f'<td class="text-right">{run["seconds"]:.0f}</td><td>{run["scale"]}</td><td>{run["date"]}</td>'
                f"<td>{escape(run['device'])}</td><td>{escape(run['torch'])}</td></tr>"
            )
        head = "<th>chapter</th><th>seconds</th><th>scale</th><th>run on</th><th>device</th><th>PyTorch</th>"
        built = ", ".join(f"{name} {version(name.lower())}" for name in BUILT_WITH)
        about = f"<p>The environment: Python {platform.python_version()}, {built}.</p>"
        return self.html(f"<table><thead><tr>{head}</tr></thead><tbody>{text}</tbody></table>{about}", *files)


def name_references(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Let any page link to an entry of the bibliography and to a word of the glossary, and warn where there is none.

    The links are ``bibliography.md#key`` and ``glossary.md#term-Word``.
    """
    places = [(entry.bibliography_key.docname, entry.citation_id) for entry in env.get_domain("cite").citations]
    places += [place for (kind, _), place in env.get_domain("std").objects.items() if kind == "term"]
    for docname, anchor in places:
        env.metadata[docname].setdefault("myst_slugs", {})[anchor] = (0, anchor, anchor)
    return []


def setup(app: Sphinx) -> dict:
    app.connect("env-updated", name_references, priority=900)  # after sphinxcontrib-bibtex has gathered the citations
    for name, directive in {"book-map": BookMap, "live": LiveFigure, "evidence": Evidence, "status": Status}.items():
        app.add_directive(name, directive)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
