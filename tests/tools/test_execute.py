"""Running lessons: what a run leaves, when it is stale, and how a lesson that stops is named."""

import json
import re
import threading
import time

import nbformat
import pytest

from tools import execute

BOOK_ONLY = """\
# %% [markdown]
# # A chapter that stops

# %%
from wm_core.small import two

# %%
print(two + 1)
"""


def weights(book):
    file = book.root / "weights"
    if not file.exists():
        file.write_text("first")
    return file


def library(book, **files):
    """A library of the made-up book's own, in place of the real one. The lesson asks it for one artefact."""
    artefacts = f"from pathlib import Path\n\nasked_for = {{Path({str(weights(book))!r})}}"
    for name, text in {"__init__": "", "artefacts": artefacts, **files}.items():
        file = book.root / "wm_core" / f"{name}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)


@pytest.mark.slow
def test_a_run_leaves_a_notebook_its_evidence_and_a_record_and_is_not_repeated(book):
    assert execute.execute([book.lesson]) == 1
    notebook = nbformat.read(book.lesson.run / "notebook.ipynb", as_version=4)
    assert [cell.source for cell in notebook.cells] == [cell.source for cell in book.lesson.notebook().cells]
    assert "An empty figure." in str(notebook.cells[1].outputs)
    assert json.loads((book.root / "_build" / "evidence.json").read_text()) == [
        {
            "lesson": "part/small",
            "claim": "One and one make two",
            "value": 2.0,
            "op": "==",
            "bound": 2.0,
            "ok": True,
            "scale": "tiny",
        }
    ]
    record = json.loads((book.lesson.run / "run.json").read_text())
    assert record["seconds"] > 0
    assert any(file.endswith("wm_core/lesson/claims.py") for file in record["inputs"])
    assert not any(file.endswith("wm_core/training.py") for file in record["inputs"])
    assert execute.execute([book.lesson]) == 0


@pytest.mark.slow
def test_a_run_is_stale_when_something_it_read_has_changed_and_only_then(book, monkeypatch):
    library(book, small="two = 2", other="three = 3")
    lesson = book.write(BOOK_ONLY)
    assert not execute.fresh(lesson)
    execute.run(lesson)
    assert execute.fresh(lesson)
    library(book, other="three = 4")
    assert execute.fresh(lesson)
    library(book, small="two = 3")
    assert not execute.fresh(lesson)
    (book.root / "wm_core" / "small.py").unlink()
    assert not execute.fresh(lesson)
    library(book, small="two = 2")
    assert execute.fresh(lesson)
    weights(book).write_text("second")
    assert not execute.fresh(lesson)
    weights(book).write_text("first")
    assert execute.fresh(lesson)
    with monkeypatch.context() as other:
        other.setenv("WM_SCALE", "full")
        assert not execute.fresh(lesson)
    with monkeypatch.context() as other:
        other.setattr("torch.__version__", "0.4")
        assert not execute.fresh(lesson)
    assert not execute.fresh(book.write(f"{BOOK_ONLY}#"))


@pytest.mark.slow
def test_a_lesson_that_raises_is_named_with_its_cell_line_and_traceback(book):
    library(book, small="two = '2'")
    lesson = book.write(BOOK_ONLY)
    with pytest.raises(SystemExit) as stopped:
        execute.run(lesson)
    words = re.sub(r"\x1b\[[\d;]*m", "", str(stopped.value))
    line = BOOK_ONLY.splitlines().index("print(two + 1)") + 1
    assert f"lessons/part/small.py, cell 3 (line {line}) stopped with TypeError: can only concatenate str" in words
    assert "print(two + 1)" in words
    assert "Traceback" in words
    assert not lesson.run.exists()


@pytest.mark.slow
def test_a_solution_that_is_not_right_stops_the_build_at_its_own_line(book):
    lesson = book.write(book.text.replace("again = answer", "again = lambda z: z.mean()"))
    with pytest.raises(SystemExit, match=r"its check should say 'right', and shows: .*data-check=.wrong") as stopped:
        execute.run(lesson)
    line = lesson.text.splitlines().index("again = lambda z: z.mean()") + 1
    assert f"lessons/part/small.py, cell 9 (line {line})" in str(stopped.value)


def test_lessons_run_side_by_side(book, monkeypatch):
    meeting = threading.Barrier(2)
    monkeypatch.setattr(execute, "AT_ONCE", 2)
    monkeypatch.setattr(execute, "run", lambda lesson: meeting.wait(timeout=20))  # until both are there
    assert execute.execute([book.lesson] * 2, force=True) == 2


def test_after_a_lesson_that_stops_no_other_begins(book, monkeypatch):
    begun = []

    def run(lesson):
        begun.append(lesson)
        if len(begun) == 1:
            raise SystemExit("it stopped")
        time.sleep(0.5)  # one may have begun before it was heard

    monkeypatch.setattr(execute, "AT_ONCE", 1)
    monkeypatch.setattr(execute, "run", run)
    with pytest.raises(SystemExit, match="it stopped"):
        execute.execute([book.lesson] * 5, force=True)
    assert len(begun) <= 2


def test_cells_that_begin_alike_are_told_apart(book):
    lesson = book.write("# %%\nx = 1\ny = 1\n\n# %%\nx = 1\ny = 2\n\n# %% [markdown]\n# Words\n#\n# again.\n")
    assert [lesson.line_of(cell) for cell in lesson.notebook().cells] == [2, 6, 10]
