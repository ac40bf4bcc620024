"""What a lesson's page makes of its notebook: which cells are folded, and under which words."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from tools.paths import ROOT


@pytest.fixture
def pages(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "book" / "_ext")
    import lesson_pages

    return lesson_pages


def cell(source, *outputs, folded=True):
    tags = {"tags": ["hide-input"]} if folded else {}
    return new_code_cell(source, metadata=tags, outputs=list(outputs), execution_count=1)


FIGURE = new_output("display_data", data={"text/html": "<figure><svg></svg></figure>"})
WORDS = new_output("stream", text="2000 steps")


def test_folded_cells_that_show_nothing_share_a_fold_with_the_next(pages):
    cells = pages.one_fold_for_neighbours([cell("a = 1"), cell("b = 2"), cell("draw()", FIGURE), cell("c = 3")])
    assert [each.source for each in cells] == ["a = 1\n\n\nb = 2\n\n\ndraw()", "c = 3"]
    assert cells[0].outputs == [FIGURE]


@pytest.mark.parametrize(
    "between", [cell("open = 1", folded=False), new_markdown_cell("Words."), cell("print()", WORDS)]
)
def test_what_shows_something_ends_a_fold(pages, between):
    cells = [cell("a = 1"), between, cell("draw()", FIGURE)]
    own = between.source
    kept = [each.source for each in pages.one_fold_for_neighbours(cells)]
    assert kept[-1] == "draw()"
    assert kept[-2].endswith(own)


def test_a_fold_is_named_a_figures_code_only_where_there_is_a_figure(pages):
    assert pages._draws(cell("draw()", FIGURE))
    assert not pages._draws(cell("a = 1"))
    assert not pages._draws(cell("print()", WORDS))
