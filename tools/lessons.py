"""The lessons as _toc.yml orders them, and what their runs left behind."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import jupytext
import nbformat
import yaml

from tools.paths import ROOT, RUNS, TOC


@dataclass(frozen=True)
class Lesson:
    """One chapter, named ``part/name`` as in ``lessons/part/name.py``."""

    name: str

    @property
    def source(self) -> Path:
        return ROOT / "lessons" / f"{self.name}.py"

    @property
    def run(self) -> Path:
        """The folder of its last complete run: notebook.ipynb, run.json, evidence.json, live/."""
        return RUNS / self.name

    @cached_property
    def text(self) -> str:
        return self.source.read_text(encoding="utf-8")

    @property
    def title(self) -> str:
        return next(line.lstrip("# ") for line in self.text.splitlines() if line.startswith("# # "))

    def notebook(self) -> nbformat.NotebookNode:
        """The lesson as a notebook that has not run."""
        return read_notebook(self.text)

    def line_of(self, cell: nbformat.NotebookNode) -> int:
        """The line of the .py file at which a cell starts."""
        mark = "# " if cell.cell_type == "markdown" else ""
        lines = [f"{mark}{line}".rstrip() for line in cell.source.splitlines()] or [""]
        at = self.text.find("\n".join(lines))
        if at < 0:  # not word for word in the file: its first line must do
            at = self.text.find(lines[0])
        return self.text.count("\n", 0, max(at, 0)) + 1


def read_notebook(text: str) -> nbformat.NotebookNode:
    """A py:percent text as a notebook whose kernel is python3 and whose cell ids repeat."""
    notebook = jupytext.reads(text, fmt="py:percent")
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.metadata["language_info"] = {"name": "python"}
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number:03d}"
    return notebook


def toc_pages() -> list[str]:
    """Every page of _toc.yml, as a path without suffix, in reading order."""
    toc = yaml.safe_load(TOC.read_text(encoding="utf-8"))
    return [toc["root"], *_files(toc)]


def _files(node: dict) -> Iterator[str]:
    for group in [*node.get("parts", []), node]:
        for chapter in group.get("chapters", []):
            yield chapter["file"]
            yield from _files({"chapters": chapter.get("sections", [])})


def all_lessons() -> list[Lesson]:
    """The lessons of _toc.yml in its order."""
    return [Lesson(page.removeprefix("lessons/")) for page in toc_pages() if page.startswith("lessons/")]


def find(name: str) -> Lesson:
    """The lesson ``part/name``.

    Raises:
        SystemExit: _toc.yml has no such lesson.
    """
    known = [lesson.name for lesson in all_lessons()]
    if name not in known:
        raise SystemExit(f"there is no lesson {name!r} in _toc.yml; there are: {', '.join(known)}")
    return Lesson(name)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def executed(text: str) -> nbformat.NotebookNode | None:
    """The executed notebook of the lesson whose source is ``text``, or None where it has not run."""
    for record in RUNS.glob("*/*/run.json"):
        if json.loads(record.read_text())["source"] == sha256(text.encode()):
            return nbformat.read(record.parent / "notebook.ipynb", as_version=4)
    return None
