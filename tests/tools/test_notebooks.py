"""Published notebooks run anywhere: they install the library, link by absolute addresses, and hold no path of a build."""

import subprocess
from types import SimpleNamespace

import nbformat
import pytest

from tools import site
from tools.lessons import all_lessons
from tools.notebooks import absolute, publish, published
from tools.paths import ROOT

SITE = "https://books.example/models"
WHEEL = "wm_core-9.9-py3-none-any.whl"


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("[x](../physics/hamiltonian.py)", f"[x]({SITE}/lessons/physics/hamiltonian.html)"),
        ("[x](other.py#the-idea)", f"[x]({SITE}/lessons/part/other.html#the-idea)"),
        ("[x](../../book/notation.md)", f"[x]({SITE}/book/notation.html)"),
        ("[x](../../index.md)", f"[x]({SITE}/index.html)"),
        ('[x](../../book/notation.md "Notation")', f'[x]({SITE}/book/notation.html "Notation")'),
        ("![x](../../book/_static/diagrams/plan.svg)", f"![x]({SITE}/_static/diagrams/plan.svg)"),
        ('<img src="../../book/_static/plan.png">', f'<img src="{SITE}/_static/plan.png">'),
        ("[x](#here)", "[x](#here)"),
        ("[x](https://arxiv.org/abs/1803.10122)", "[x](https://arxiv.org/abs/1803.10122)"),
        ("[x](https://doi.org/10.1016/0375-9601(90)90092-3)", "[x](https://doi.org/10.1016/0375-9601(90)90092-3)"),
        ("[x](mailto:someone@example.org)", "[x](mailto:someone@example.org)"),
        ("[`x`](other.py)", f"[`x`]({SITE}/lessons/part/other.html)"),
        ("$f[x](y)$ is no link", "$f[x](y)$ is no link"),
        ("`a[0](b)` is no link", "`a[0](b)` is no link"),
    ],
)
def test_a_relative_link_becomes_an_address(book, written, address):
    assert absolute(written, book.lesson, SITE) == address


def test_the_first_cell_says_what_it_does_and_installs_the_sites_wheel(book):
    setup = published(book.lesson, SITE, WHEEL).cells[0]
    assert setup.source.startswith("# Run this first.")
    assert f'os.environ.setdefault("WM_SITE", "{SITE}")' in setup.source
    assert f'%pip install --quiet {{os.environ["WM_SITE"]}}/wheels/{WHEEL}' in setup.source


def test_the_rest_is_the_lesson_with_folded_solutions(book):
    cells = published(book.lesson, SITE, WHEEL).cells[1:]
    assert len(cells) == len(book.lesson.notebook().cells)
    for cell, own in zip(cells, book.lesson.notebook().cells, strict=True):
        if cell.cell_type == "code":
            assert own.source in cell.source
            assert cell.outputs == []
            assert (cell.metadata.get("cellView") == "form") == ("solution" in cell.metadata.get("tags", []))
            assert cell.source.startswith("# @title") == ("solution" in cell.metadata.get("tags", []))


@pytest.mark.parametrize("lesson", all_lessons(), ids=lambda lesson: lesson.name)
def test_a_published_notebook_is_valid_and_holds_no_path_of_this_machine_or_build(lesson, tmp_path, monkeypatch):
    monkeypatch.setattr("tools.notebooks.EXTRA", tmp_path)
    monkeypatch.setenv("WM_SITE", SITE)
    publish([lesson], WHEEL)
    file = tmp_path / "notebooks" / f"{lesson.name}.ipynb"
    notebook = nbformat.read(file, as_version=4)
    nbformat.validate(notebook)
    for foreign in (str(ROOT), "WM_RUN_DIR", "jupytext"):
        assert foreign not in file.read_text(encoding="utf-8"), foreign
    prose = "".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for relative in ("(../", "(book/", '="../', ".md)", ".py)"):
        assert relative not in prose, relative


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """No address anywhere: neither in the environment nor in a git remote."""
    for name in ("WM_SITE", "GITHUB_REPOSITORY"):
        monkeypatch.delenv(name, raising=False)
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    monkeypatch.setattr(site, "ROOT", tmp_path)
    return tmp_path


def test_without_an_address_notebooks_look_where_make_serve_serves(nowhere):
    assert site.address() == site.Address(site="http://localhost:8000", repository=None)


@pytest.mark.parametrize(
    "remote", ["https://github.com/Someone/a.book", "https://github.com/Someone/a.book.git", "git@github.com:Someone/a.book.git"]
)  # fmt: skip
def test_the_git_remote_gives_the_address(nowhere, remote):
    subprocess.run(["git", "-C", nowhere, "remote", "add", "origin", remote], check=True)
    assert site.address() == site.Address(site="https://someone.github.io/a.book", repository="Someone/a.book")


def test_a_remote_that_is_not_on_github_gives_none(nowhere):
    subprocess.run(["git", "-C", nowhere, "remote", "add", "origin", "https://example.org/a/book.git"], check=True)
    assert site.address().repository is None


def test_the_environment_wins(nowhere, monkeypatch):
    monkeypatch.setenv("GITHUB_REPOSITORY", "some/book")
    monkeypatch.setenv("WM_SITE", "http://127.0.0.1:1234/")
    assert site.address() == site.Address(site="http://127.0.0.1:1234", repository="some/book")


def test_only_a_known_repository_gives_a_page_its_colab_button(nowhere, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "book" / "_ext")
    from lesson_pages import place_live_figures

    def context_of(page):
        context = {"body": ""}
        place_live_figures(SimpleNamespace(), page, "page.html", context, None)
        return context

    assert "wm_colab" not in context_of("lessons/foundations/quickstart")
    monkeypatch.setenv("GITHUB_REPOSITORY", "some/book")
    assert context_of("lessons/foundations/quickstart")["wm_colab"] == (
        "https://colab.research.google.com/github/some/book/blob/gh-pages/notebooks/foundations/quickstart.ipynb"
    )
    assert context_of("book/notation") == {"body": ""}
