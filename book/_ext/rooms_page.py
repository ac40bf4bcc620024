"""The table of Two Rooms: every arm on the published trials, for both kinds of layout, as the benchmark measured them."""

import json
from html import escape
from itertools import groupby
from pathlib import Path

from book_pages import Page, provenance
from docutils import nodes
from sphinx.application import Sphinx

from tools.paths import ROOT
from wm_core.metrics.intervals import wilson

RESULTS = ROOT / "book" / "_static" / "benchmarks" / "two_rooms.json"
SHARES = {"at_end": "at the end / %", "ever": "ever / %", "hit": "1.41 px / %", "crossed": "goal's room / %"}
MEANS = {"error": ("error / px²", 2), "steps": ("steps", 0), "detour": ("detour", 2)}
KINDS = {"fixed": "One layout for all", "random": "A layout for each trial"}
ROLES = {"floor": "floors", "reference": "told the rules, or the way", "learned": "learned from pictures"}


class RoomsTable(Page):
    """``{rooms-table}``: a table for each kind of layout, and where the numbers come from."""

    def run(self) -> list[nodes.Node]:
        found = json.loads(RESULTS.read_text(encoding="utf-8"))
        about, arms = found["about"], found["arms"]
        text = "".join(f"<h3>{escape(says)}</h3>{table(arms, kind)}" for kind, says in KINDS.items())
        return self.html(f"{text}<p>Measured on {provenance(about)}.</p>", RESULTS, Path(__file__))


def table(arms: list[dict], kind: str) -> str:
    """One row an arm, all its seeds counted together: shares in percent with their intervals by Wilson, and means."""
    head = "".join(
        f'<th scope="col">{escape(name)}</th>' for name in (*SHARES.values(), *(name for name, _ in MEANS.values()))
    )
    body, columns = "", 2 + len(SHARES) + len(MEANS)
    for role, says in ROLES.items():
        body += f'<tr><th scope="rowgroup" colspan="{columns}">{escape(says)}</th></tr>'
        for name, seeds in groupby((arm for arm in arms if arm["role"] == role), key=lambda arm: arm["name"]):
            seeds = list(seeds)
            parts = [arm["layouts"][kind] for arm in seeds]
            cells = [_share(parts, key) for key in SHARES] + [
                _mean(parts, key, digits) for key, (_, digits) in MEANS.items()
            ]
            cells.append(_ms([arm["alone_ms"] for arm in seeds]))
            of = sum(part["count"] for part in parts)
            body += f'<tr><th scope="row">{escape(name)}<small>{of} trials</small></th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
    return (
        f'<div class="table-scroll wm-family-table" tabindex="0" role="region" aria-label="{escape(KINDS[kind])}: all readings of all arms">'
        f'<table><thead><tr><th scope="col">arm</th>{head}<th scope="col">ms a plan</th></tr></thead><tbody>{body}</tbody></table></div>'
    )


def _share(parts: list[dict], key: str) -> str:
    """In percent, and the interval."""
    of = sum(part["count"] for part in parts)
    hits = sum(round(part[key] * part["count"]) for part in parts)
    share, low, high = (100 * value for value in wilson(hits, of))
    return f"{share:.3g}<small>{low:.0f} to {high:.0f}</small>"


def _mean(parts: list[dict], key: str, digits: int) -> str:
    """The mean over seeds, and below it the least and the greatest."""
    found = [part[key] for part in parts if part[key] is not None]
    if not found:
        return "–"
    mean, low, high = (f"{value:.{digits}f}" for value in (sum(found) / len(found), min(found), max(found)))
    return mean if low == high else f"{mean}<small>{low} to {high}</small>"


def _ms(found: list[float | None]) -> str:
    """Milliseconds of processor time."""
    return "–" if found[0] is None else f"{sum(found) / len(found):.0f}"


def setup(app: Sphinx) -> dict:
    app.add_directive("rooms-table", RoomsTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
