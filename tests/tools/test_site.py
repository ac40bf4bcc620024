"""The check of the built site: whatever is missing from it is named."""

import json
import shutil

import nbformat
import pytest

from tools import site

FIGURE = '<figure class="wm-figure"></figure>'
LIVE = '<figure class="wm-live" data-live="drive"><script>{"models": {"look": "drive-look.onnx"}}</script></figure>'
CLAIM = '<div class="wm-claim" data-ok="true"></div>'
CHECK = '<p class="wm-check" data-check="right"></p>'
SHOWN = [FIGURE, LIVE, CLAIM, CLAIM, CHECK]


@pytest.fixture
def built(book):
    """The made-up book as if it had been built: one page, one lesson, one network."""
    outputs = [nbformat.v4.new_output("display_data", {"text/html": html}) for html in SHOWN]
    files = {
        book.lesson.run / "notebook.ipynb": nbformat.writes(
            nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(outputs=outputs)])
        ),
        book.lesson.run / "run.json": json.dumps({"source": ""}),
        book.html / "index.html": "",
        book.html / "lessons/part/small.html": "".join(SHOWN),
        book.html / "notebooks/part/small.ipynb": "",
        book.html / "_static/live/part/small/drive-look.onnx": "",
    }
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return book


def test_a_complete_site_has_no_fault(built):
    assert site.check() == []


@pytest.mark.parametrize(
    ("gone", "fault"),
    [
        ("html/index.html", "index.html is missing"),
        ("html/lessons/part/small.html", "lessons/part/small.html is missing"),
        ("html/notebooks/part/small.ipynb", "part/small: no notebook beside its page"),
        ("html/_static/live/part/small/drive-look.onnx", "part/small: its model drive-look.onnx is not in the site"),
        ("lessons/part/small/run.json", "part/small: was not executed"),
    ],
)
def test_a_file_that_is_missing_is_named(built, gone, fault):
    (built.build / gone).unlink()
    assert fault in site.check()


@pytest.mark.parametrize(
    ("lost", "kind"), [(FIGURE, "wm-figure"), (LIVE, "wm-live"), (CLAIM, "wm-claim"), (CHECK, "wm-check")]
)
def test_an_output_that_the_page_lost_is_named(built, lost, kind):
    page = built.html / "lessons/part/small.html"
    page.write_text(page.read_text().replace(lost, "", 1))
    count = SHOWN.count(lost)
    assert f"part/small: the run showed {count} of {kind}, the page shows {count - 1}" in site.check()


def test_the_networks_of_every_run_are_laid_out_for_the_site(built):
    live = built.lesson.run / "live"
    live.mkdir()
    (live / "drive-look.onnx").write_bytes(b"network")
    (live / "drive-look.reference.json").write_text("{}")
    site.lay_out_static()
    laid = built.static / "live"
    assert (laid / "part/small/drive-look.onnx").read_bytes() == b"network"
    assert {"kit.mjs", "drive.mjs"} <= {file.name for file in laid.iterdir()}
    assert not list(laid.rglob("*.json"))
    shutil.rmtree(live)
    site.lay_out_static()
    assert not (laid / "part").exists()  # what a run no longer exports, the site no longer serves


def test_what_the_book_no_longer_has_goes_from_the_site(built):
    (built.html / "search.html").touch()
    old = [
        built.html / name
        for name in ("book/gone.html", "notebooks/part/gone.ipynb", "wheels/wm_core-0.0.1-py3-none-any.whl")
    ]
    for file in old:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    published = built.extra / "notebooks/part/small.ipynb"
    published.parent.mkdir(parents=True)
    published.touch()
    site.sweep()
    assert not any(file.exists() for file in old)
    assert (built.html / "search.html").exists()
    assert site.check() == []
