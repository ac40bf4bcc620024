"""Two tables of the part Physics: who keeps what, and ours beside the libraries of others."""

import json
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from book_pages import Page, provenance
from docutils import nodes
from sphinx.application import Sphinx

from tools.lessons import Lesson
from tools.paths import ROOT

RESULTS = ROOT / "book" / "_static" / "benchmarks" / "physics.json"

#: The measures of the first table: key, head, and below what a value counts as rounding.
KEPT = (
    ("momentum", "momentum", 1e-9),
    ("angular momentum", "angular", 1e-9),
    ("energy", "energy", 1e-9),
    ("horizon", "horizon / s", None),
)


class PhysicsKept(Page):
    """``{physics-kept}``: each kind of network on five bodies, and how well energy and both momenta are kept."""

    def run(self) -> list[nodes.Node]:
        found = json.loads(RESULTS.read_text(encoding="utf-8"))["kept"]
        return self.html(kept_table(found) + measured(found["about"]), RESULTS, Path(__file__))


class PhysicsPeers(Page):
    """``{physics-peers}``: a row for each comparison, theirs, ours and the target."""

    def run(self) -> list[nodes.Node]:
        chapters = json.loads(RESULTS.read_text(encoding="utf-8"))["chapters"]
        text = peers_table({name: chapter["rows"] for name, chapter in chapters.items()})
        latest = max((chapter["about"] for chapter in chapters.values()), key=lambda about: about["date"])
        lessons = (Lesson(f"physics/{name}").source for name in chapters)  # their titles
        return self.html(text + measured(latest), RESULTS, Path(__file__), *lessons)


def measured(about: dict) -> str:
    """Where the numbers come from."""
    return f"<p>Measured on {provenance(about)}.</p>"


def number(value: float | str | None) -> str:
    """A number with two digits that count, as 1.3·10⁻⁷ where it is far from one; words as they are."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return escape(value)
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        return f"{value:.2g}" if abs(value) < 100 else f"{value:.0f}"
    digits, power = f"{value:.1e}".split("e")
    return f"{digits}·10<sup>{int(power)}</sup>".replace("-", "−")


def spread(values: Sequence[float], rounding: float | None) -> str:
    """The mean over seeds with the least and the greatest below it; what is rounding is given as a bound alone."""
    if rounding is not None and max(values) < rounding:
        return f"{number(max(values))}<small>rounding</small>"
    mean, low, high = (number(value) for value in (sum(values) / len(values), min(values), max(values)))
    return mean if low == high else f"{mean}<small>{low} to {high}</small>"


def kept_table(found: dict) -> str:
    """One row an arm: what is left of the forces, the errors of what nature keeps, and how long the prediction holds."""
    heads = ("arm", "forces left", *(head for _, head, _ in KEPT))
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = ""
    for row in found["rows"]:
        cells = [number(row.get("error of forces"))]
        cells += [spread(row[key], rounding) if key in row else "–" for key, _, rounding in KEPT]
        body += f'<tr><th scope="row">{escape(row["name"])}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
    return _table("Who keeps what, on five bodies joined by springs", head, body)


def said(words: str) -> str:
    """Words in which numbers such as 1e-13 are written as powers of ten."""

    def power(found: re.Match) -> str:
        return f"10<sup>{int(found[2])}</sup>".replace("-", "−") if found[1] == "1" else number(float(found[0]))

    return re.sub(r"\b(\d+(?:\.\d+)?)e([+-]?\d+)\b", power, escape(words))


def peers_table(chapters: dict[str, Sequence[dict]]) -> str:
    """One row a comparison, chapter by chapter."""
    head = "".join(f'<th scope="col">{name}</th>' for name in ("what", "theirs", "ours", "target", "reached"))
    body = ""
    for chapter, rows in chapters.items():
        body += f'<tr><th scope="rowgroup" colspan="5">{escape(Lesson(f"physics/{chapter}").title)}</th></tr>'
        for row in rows:
            small = "; ".join(said(row[key]) for key in ("peer", "unit", "note") if row.get(key))
            reached = {True: "yes", False: "no", None: "–"}[row["reached"]]
            cells = (number(row["theirs"]), number(row["ours"]), said(row["target"]), reached)
            head_cell = f'<th scope="row">{escape(row["topic"])}<small>{small}</small></th>'
            body += f"<tr>{head_cell}{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
    return _table("Ours beside the libraries of others", head, body, "wm-peers-table")


def _table(says: str, head: str, body: str, kind: str = "wm-measures-table") -> str:
    return (
        f'<div class="table-scroll wm-family-table {kind}" tabindex="0" role="region" aria-label="{escape(says)}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def setup(app: Sphinx) -> dict:
    app.add_directive("physics-kept", PhysicsKept)
    app.add_directive("physics-peers", PhysicsPeers)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
