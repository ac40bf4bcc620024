"""Claims: a sentence of the text, tied to the number that was just measured."""

import json
import math
import operator
from html import escape
from typing import Literal

from wm_core.lesson.scales import scale_name
from wm_core.lesson.stages import emit, run_dir, speaks
from wm_core.lesson.tables import pretty

Op = Literal["<", "<=", "==", ">=", ">"]
COMPARE = {"<": operator.lt, "<=": operator.le, "==": operator.eq, ">=": operator.ge, ">": operator.gt}
SIGN = {"<": "<", "<=": "≤", "==": "=", ">=": "≥", ">": ">"}


class ClaimFailed(AssertionError):
    """A sentence of the book that the numbers of this run do not bear out."""


def claim(text: str, value: float, op: Op, bound: float) -> None:
    """State a claim, show it beside what was measured, and stop the run where it is false.

    During a build the row also goes to the run's ``evidence.json``, from which the page *Evidence* is made.

    Args:
        text: the claim as a sentence a reader can check, with its unit.
        value: what this run measured. NaN makes every claim false.
        op: ``<``, ``<=``, ``==``, ``>=`` or ``>``.
        bound: what ``value`` is held against.

    Raises:
        ClaimFailed: the comparison does not hold.
        ValueError: ``op`` is not one of the five.
    """
    if op not in COMPARE:
        raise ValueError(f"claim op: got {op!r}, wanted one of {' '.join(COMPARE)}")
    value, bound = float(value), float(bound)
    holds = not math.isnan(value) and bool(COMPARE[op](value, bound))
    _record({"claim": text, "value": value, "op": op, "bound": bound, "ok": holds, "scale": scale_name()})
    verdict, measured, wanted = ("holds" if holds else "fails"), pretty(value), f"{SIGN[op]} {pretty(bound)}"
    emit(f"{verdict}: {text}: {measured} ({wanted})", html=_row(text, measured, wanted, holds))
    if not holds:
        raise ClaimFailed(f"{text}: measured {measured}, claimed {wanted}")


def _row(text: str, measured: str, wanted: str, holds: bool) -> str:
    mark = "holds" if holds else "fails"
    return (
        f'<div class="wm-claim" data-ok="{str(holds).lower()}" style="display:flex;gap:.8em;align-items:baseline">'
        f'<strong class="wm-claim-verdict">{mark}</strong>'
        f'<span class="wm-claim-text" style="flex:1">{escape(text)}</span>'
        f'<span class="wm-claim-number"><b>{measured}</b> <span class="wm-claim-bound">{escape(wanted)}</span></span>'
        "</div>"
    )


def _record(row: dict) -> None:
    folder = run_dir()
    if folder is None or not speaks():
        return
    file = folder / "evidence.json"
    rows = json.loads(file.read_text()) if file.exists() else []
    file.write_text(json.dumps([*rows, row], indent=1))
