"""A chapter that `make new-lesson` lays down is one from the first minute: it reads as a chapter, runs, and has its place."""

import os
import shutil
import subprocess
import sys

import pytest
import yaml

from tools import new_lesson
from tools.paths import ROOT, TOC

COPIED = ("tools", "wm_core", "lessons", "_toc.yml", "book/coming.yml", "book/bibliography.md")
CAPTIONS = ["Foundations", "JEPA", "Generative", "Physics"]
SHORT_TOC = """\
# A comment.
parts:
  - caption: Before you start
    chapters:
      - file: book/how_to_read
  - caption: Foundations
    chapters:
      - file: lessons/foundations/quickstart
  - caption: Physics
    chapters:
      - file: lessons/physics/hamiltonian
  - caption: Reference
    chapters:
      - file: book/glossary
"""
SHORT_COMING = """\
# A comment.
- part: Foundations
  says: One.
  coming:
    twins: A first
- part: Physics
  says: Two.
  coming:
    twins: A second
    other: A third
"""


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """A copy of what makes chapters, in which one has been laid down."""
    root = tmp_path_factory.mktemp("book")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (root / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, root / name)
    run(root, "-m", "tools.new_lesson", "generative/pushed_puck")
    return root


def run(root, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(root), "WM_SCALE": "tiny", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_passes_the_lint(book):
    assert "nothing to mend" in run(book, "-m", "tools.lint", "lessons/generative/pushed_puck.py")


@pytest.mark.slow
def test_it_runs_as_a_script_and_its_claims_hold(book):
    shown = run(book, "lessons/generative/pushed_puck.py")
    assert shown.count("holds: ") == 2
    assert "fails" not in shown


@pytest.mark.slow
def test_it_runs_as_a_page_with_open_stubs_and_right_solutions(book):
    code = "from tools import execute; from tools.lessons import find; execute.run(find('generative/pushed_puck'))"
    assert "generative/pushed_puck: " in run(book, "-c", code)
    assert (book / "_build/lessons/generative/pushed_puck/evidence.json").exists()


def test_it_has_its_place_in_a_part_that_had_no_chapter(book):
    parts = {part["caption"]: part["chapters"] for part in yaml.safe_load((book / "_toc.yml").read_text())["parts"]}
    assert parts["Generative"] == [{"file": "lessons/generative/pushed_puck"}]
    order = [caption for caption in parts if caption in ("Foundations", "JEPA", "Generative", "Physics", "Reference")]
    assert order.index("Generative") == order.index("Physics") - 1


def test_it_is_titled_by_its_name(book):
    assert "# # Pushed puck\n" in (book / "lessons/generative/pushed_puck.py").read_text()


def test_nothing_of_the_template_is_left_open(book):
    for file in ("lessons/generative/pushed_puck.py", "wm_core/lesson/checks/generative_pushed_puck.py"):
        assert "@" not in (book / file).read_text().replace("@torch.no_grad", "")


def test_a_chapter_goes_to_the_end_of_its_part_and_leaves_the_rest_alone():
    toc = new_lesson.with_chapter(SHORT_TOC, "physics/pinn", CAPTIONS)
    line = "      - file: lessons/physics/pinn\n"
    assert toc.replace(line, "") == SHORT_TOC
    assert toc.index("hamiltonian") < toc.index("pinn") < toc.index("Reference")


def test_a_new_part_stands_behind_the_part_before_it():
    toc = new_lesson.with_chapter(SHORT_TOC, "jepa/i_jepa", CAPTIONS)
    assert [part["caption"] for part in yaml.safe_load(toc)["parts"]] == [
        "Before you start", "Foundations", "JEPA", "Physics", "Reference",
    ]  # fmt: skip


def test_a_written_chapter_is_no_longer_to_come():
    coming = new_lesson.without_chapter(SHORT_COMING, "Physics", "twins")
    assert coming == SHORT_COMING.replace("    twins: A second\n", "")


def test_a_part_whose_last_chapter_is_written_has_none_to_come():
    coming = yaml.safe_load(new_lesson.without_chapter(SHORT_COMING, "Foundations", "twins"))
    assert coming[0] == {"part": "Foundations", "says": "One.", "coming": {}}
    assert coming[1]["coming"] == {"twins": "A second", "other": "A third"}


@pytest.mark.parametrize(
    ("name", "title", "fault"),
    [
        ("physics", None, "wanted part/name"),
        ("Physics/Pinn", None, "wanted part/name"),
        ("physics/../pinn", None, "wanted part/name"),
        ("physics/2d", None, "wanted part/name"),
        ("poetry/sonnet", None, "no part 'poetry'"),
        ("physics/hamiltonian", None, "is there already"),
        ("physics/some_new_name", 'A "title"', "the title"),
    ],
)
def test_what_cannot_be_laid_down_is_named_and_nothing_is_written(name, title, fault):
    before = TOC.read_text()
    with pytest.raises(ValueError, match=fault):
        new_lesson.new_lesson(name, title)
    assert TOC.read_text() == before
    assert not (ROOT / "lessons/physics/some_new_name.py").exists()
