"""The table of the JEPA family: a dot for each seed, and means with their ranges."""

import re
import sys

import pytest

from tools.paths import ROOT


@pytest.fixture(scope="module")
def page():
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    try:
        import family_page

        yield family_page
    finally:
        sys.path.remove(str(ROOT / "book" / "_ext"))


@pytest.fixture(scope="module")
def rows(page):
    def run(value):
        return {measure.key: value for measure in page.MEASURES}

    return {"one": [run(0.2), run(0.4), run(0.6)], "two": [{"reached": 1.0}] * 3}


def test_each_panel_has_a_dot_for_every_seed_that_was_measured(page, rows):
    panels = page.dots(rows).split('class="wm-dots"')[1:]
    assert len(panels) == len(page.MEASURES)
    for panel, measure in zip(panels, page.MEASURES, strict=True):
        assert len(re.findall(r"<i style", panel)) == (6 if measure.key == "reached" else 3)
        assert ("chance" in panel) == (measure.chance is not None)


def test_dots_lie_where_their_values_are(page, rows):
    reached = page.dots(rows).split('class="wm-dots"')[1 + [m.key for m in page.MEASURES].index("reached")]
    assert re.findall(r'<i style="left:([\d.]+)%', reached) == ["20.0", "40.0", "60.0", "100.0", "100.0", "100.0"]


def test_the_table_gives_mean_and_range_and_a_dash_where_nothing_was_measured(page, rows):
    one, two = page.table(rows).split('scope="row"')[1:]
    shares = [measure for measure in page.MEASURES if measure.form == ".2f"]
    assert one.count("0.40<small>0.20 to 0.60</small>") == len(shares) > 5
    assert two.count("–") == len(page.MEASURES) - 1
    assert "<td>1.00</td>" in two


def test_numbers_are_written_with_a_minus_and_without_a_negative_nothing(page):
    share, weights = page.MEASURES[0], next(m for m in page.MEASURES if m.key == "parameters")
    assert share.write(-0.035) == "−0.04"
    assert share.write(-0.001) == "0.00"
    assert weights.write(151168) == "151 168"


def test_one_measure_is_chosen_at_first(page, rows):
    assert page.dots(rows).count(" checked") == 1
