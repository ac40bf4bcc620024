"""Check that every lesson reads the same on a page, in Jupyter and on Colab, and keeps the house's form.

Usage: python -m tools.lint [lessons/part/name.py ...]
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.lessons import Lesson, all_lessons

#: The second-level headings of a chapter begin with these, in this order; those in brackets may be missing.
ANATOMY = (
    "The question", "Play", "The idea", "The mathematics", "The code", "The experiment", "The evidence", "What breaks",
    "[At scale]", "Exercises", "Notes",
)  # fmt: skip

#: What a notebook would show as raw text, and what it is.
RAW = {
    r"^\s*(`{3,}|:{3,})\{": "a MyST directive",
    r"\{[a-z]+(?::[a-z]+)?\}`": "a MyST role",
    r"^\([\w-]+\)=\s*$": "a MyST target",
    r"^\s*%\s": "a MyST comment",
}

#: Words that the book does without, and signs of a voice that is not its own.
AVOIDED = (
    r"\bsimply\b", r"\bobviously\b", r"\bpowerful\b", r"in this chapter,? we", r"worth noting", r"\bnot just\b", r"\bdelve",
    r"game-chang", r"\bleverag", r"\bseamless", r"\bcutting-edge\b", r"!(?!\[)(?=\s|$)", r"[\U0001F300-\U0001FAFF☀-➿]",
)  # fmt: skip

LONGEST_CELL = 40


def main() -> None:
    """Print every fault as ``file:line: fault`` and fail if there is one."""
    lessons = [Lesson(Path(arg).with_suffix("").relative_to("lessons").as_posix()) for arg in sys.argv[1:]]
    faults = [f"lessons/{lesson.name}.py:{fault}" for lesson in lessons or all_lessons() for fault in faults_of(lesson)]
    print("\n".join(faults) or "lessons: nothing to mend")
    raise SystemExit(bool(faults))


def faults_of(lesson: Lesson) -> Iterator[str]:
    """Every fault of one lesson, each with its line."""
    notebook = lesson.notebook()
    prose = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    yield from _form(notebook.cells)
    for cell in prose:
        at = lesson.line_of(cell)
        yield from _portable(cell.source, at)
        yield from _links(lesson, cell.source, at)
    for cell in code:
        yield from _code(cell.source, lesson.line_of(cell))
    yield from _exercises(lesson, code)


def _form(cells: list) -> Iterator[str]:
    prose = [cell for cell in cells if cell.cell_type == "markdown"]
    if not cells or cells[0].cell_type != "markdown" or not cells[0].source.startswith("# "):
        yield "1: the first cell is Markdown and begins with the title"
    headings = [line[3:] for cell in prose for line in _outside_fences(cell.source) if line.startswith("## ")]
    expected = iter(headings)
    heading = next(expected, None)
    for part in ANATOMY:
        if heading is not None and heading.startswith(part.strip("[]")):
            heading = next(expected, None)
        elif not part.startswith("["):
            yield f"1: the section {part!r} is missing or out of order (found {heading!r} in its place)"
            return
    if heading is not None:
        yield f"1: the section {heading!r} is not part of a chapter's anatomy"


def _portable(text: str, at: int) -> Iterator[str]:
    for number, line in enumerate(text.splitlines()):
        for pattern, what in RAW.items():
            if re.search(pattern, line):
                yield f"{at + number}: {what}, which a notebook shows as raw text: {line.strip()[:60]}"
    for number, line in _numbered_outside_fences(text):
        for pattern in AVOIDED:
            found = re.search(pattern, re.sub(r"`[^`]*`|\$[^$]*\$|https?://\S+", "", line), flags=re.I)
            if found:
                yield f"{at + number}: {found[0]!r} is not how the book speaks: {line.strip()[:60]}"


def _links(lesson: Lesson, text: str, at: int) -> Iterator[str]:
    for match in re.finditer(r"(!?)\[([^\]]*)\]\(([^)\s]+)[^)]*\)", text):
        image, words, target = match.groups()
        line = at + text.count("\n", 0, match.start())
        if image and not words.strip():
            yield f"{line}: the image {target} has no alt text"
        path = target.partition("#")[0]
        if path and not path.startswith(("http://", "https://", "mailto:")):
            file = lesson.source.parent / path
            if not file.exists():
                yield f"{line}: the link {target} leads nowhere"


def _code(text: str, at: int) -> Iterator[str]:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if len(lines) > LONGEST_CELL:
        yield f"{at}: a cell of {len(lines)} lines, wanted at most {LONGEST_CELL}"
    for number, line in enumerate(text.splitlines()):
        if re.match(r"\s*[%!]", line):
            yield f"{at + number}: {line.strip()[:40]!r} runs in notebooks only; a lesson is also a script"


def _exercises(lesson: Lesson, code: list) -> Iterator[str]:
    tagged = [(tag, cell) for cell in code for tag in cell.metadata.get("tags", []) if tag in ("exercise", "solution")]
    stubs = [cell for tag, cell in tagged if tag == "exercise"]
    solutions = [cell for tag, cell in tagged if tag == "solution"]
    if [tag for tag, _ in tagged] != ["exercise", "solution"] * len(stubs) or len(stubs) < 2:
        yield "1: wanted at least two exercises, each a stub followed by its solution"
        return
    for stub, solution in zip(stubs, solutions, strict=True):
        line = lesson.line_of(stub)
        if "..." not in stub.source:
            yield f"{line}: the exercise has no hole (...)"
        elif not matches(stub.source, solution.source):
            yield f"{line}: the stub is not its solution minus the holes"
        if "check(" not in stub.source:
            yield f"{line}: the exercise has no check(...)"


def matches(stub: str, solution: str) -> bool:
    """True where filling each hole (``...``) of the stub with something gives the solution."""
    pieces = [re.escape(piece) for piece in re.split(r"\.\.\.", stub.strip())]
    return re.fullmatch(r"(?:(?!\.\.\.).)+?".join(pieces), solution.strip(), flags=re.S) is not None


def _outside_fences(text: str) -> Iterator[str]:
    return (line for _, line in _numbered_outside_fences(text))


def _numbered_outside_fences(text: str) -> Iterator[tuple[int, str]]:
    fenced = False
    for number, line in enumerate(text.splitlines()):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, line


if __name__ == "__main__":
    main()
