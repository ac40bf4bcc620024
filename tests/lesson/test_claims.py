import json
import math

import pytest

from wm_core.lesson.claims import ClaimFailed, claim


@pytest.mark.parametrize(
    ("value", "op", "bound", "holds"),
    [(1, "<", 2, True), (2, "<", 2, False), (2, "<=", 2, True), (3, "<=", 2, False), (2, "==", 2, True), (2.1, "==", 2, False),
     (2, ">=", 2, True), (1, ">=", 2, False), (3, ">", 2, True), (2, ">", 2, False)],
)  # fmt: skip
def test_a_claim_holds_or_stops_the_run(value, op, bound, holds):
    if holds:
        claim("it does", value, op, bound)
    else:
        with pytest.raises(ClaimFailed, match="it does"):
            claim("it does", value, op, bound)


@pytest.mark.parametrize("op", ["<", "<=", "==", ">=", ">"])
def test_a_number_that_is_none_makes_every_claim_false(op):
    with pytest.raises(ClaimFailed):
        claim("it is a number", math.nan, op, math.nan)


def test_an_unknown_comparison_is_named():
    with pytest.raises(ValueError, match="'!='"):
        claim("", 1, "!=", 2)


def test_a_build_keeps_every_row_and_shows_it(page, shown, monkeypatch):
    monkeypatch.setenv("WM_SCALE", "tiny")
    claim("first <sentence>", 0.5, "<", 1)
    with pytest.raises(ClaimFailed):
        claim("second", 2, "<", 1)
    rows = json.loads((page / "evidence.json").read_text())
    assert rows == [
        {"claim": "first <sentence>", "value": 0.5, "op": "<", "bound": 1.0, "ok": True, "scale": "tiny"},
        {"claim": "second", "value": 2.0, "op": "<", "bound": 1.0, "ok": False, "scale": "tiny"},
    ]
    assert "first &lt;sentence&gt;" in shown[0]["text/html"]
    assert 'data-ok="true"' in shown[0]["text/html"]
    assert 'data-ok="false"' in shown[1]["text/html"]  # a false claim is shown before it stops the run


def test_outside_a_build_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    claim("it does", 1, "<", 2)
    assert list(tmp_path.iterdir()) == []
