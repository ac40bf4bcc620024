"""The tables of the part Physics: numbers as a reader wants them, and every row of the results once."""

import json
import re
import sys

import pytest

from benchmarks.physics import CHAPTERS
from tools.paths import ROOT


@pytest.fixture(scope="module")
def page():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(ROOT / "book" / "_ext"), *sys.path])
        import physics_page

        yield physics_page


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0312, "0.031"), (12.6, "13"), (740.2, "740"), (3.14e-13, "3.1·10<sup>−13</sup>"), (0.0, "0"), (-0.5, "-0.5"),
        (2.5e6, "2.5·10<sup>6</sup>"), ("raises", "raises"), (None, "–"),
    ],
)  # fmt: skip
def test_a_number_has_two_digits_that_count(page, value, written):
    assert page.number(value) == written


def test_powers_of_ten_are_written_as_such_in_words_too(page):
    assert page.said("≤ 1e-13 & never raises") == "≤ 10<sup>−13</sup> &amp; never raises"
    assert page.said("angular momentum 9.6e+01; 4.8e-13 at 128e") == "angular momentum 96; 4.8·10<sup>−13</sup> at 128e"


def test_what_is_rounding_is_given_as_a_bound_and_what_is_not_with_its_range(page):
    assert page.spread([1e-16, 2e-16], 1e-9) == "2.0·10<sup>−16</sup><small>rounding</small>"
    assert page.spread([0.1, 0.3], 1e-9) == "0.2<small>0.1 to 0.3</small>"
    assert (
        page.spread([1e-16, 2e-16], None)
        == "1.5·10<sup>−16</sup><small>1.0·10<sup>−16</sup> to 2.0·10<sup>−16</sup></small>"
    )


def test_a_row_says_whether_its_target_was_reached(page):
    row = {
        "topic": "a step",
        "peer": "them 1.0",
        "theirs": 2.0,
        "ours": 1.0,
        "unit": "ms",
        "ratio": 0.5,
        "target": "half",
    }
    rows = [row | {"reached": True}, row | {"reached": False}, row | {"reached": None, "note": "a < b"}]
    text = page.peers_table({"pinn": rows})
    assert re.findall(r"<td>(yes|no|–)</td></tr>", text) == ["yes", "no", "–"]
    assert "a &lt; b" in text


def test_every_row_of_the_file_is_in_its_table_once(page):
    found = json.loads(page.RESULTS.read_text())
    chapters = {name: chapter["rows"] for name, chapter in found["chapters"].items()}
    assert list(chapters) == list(CHAPTERS)
    assert page.peers_table(chapters).count('<th scope="row">') == sum(map(len, chapters.values())) >= 8
    arms = re.findall(r'<th scope="row">([^<]*)<', page.kept_table(found["kept"]))
    assert arms == [row["name"] for row in found["kept"]["rows"]]
    assert len(set(arms)) == len(arms)
