"""The table of the JEPA family: for each member what was measured over its seeds, as dots to choose from and as one table."""

import json
from html import escape
from pathlib import Path
from typing import NamedTuple

from book_pages import Page, provenance
from docutils import nodes
from sphinx.application import Sphinx

from tools.paths import ROOT
from wm_core.metrics.intervals import mean_and_range

RESULTS = ROOT / "book" / "_static" / "benchmarks" / "jepa_family.json"


class Measure(NamedTuple):
    """A column.

    Attributes:
        key: its name in the results.
        name: its head in the table.
        says: what it is, for the dots.
        better: "more", "less", or "" where neither is.
        low, high: ends of the axis; None where the values decide.
        chance: what guessing gives.
        form: how a value is written.
    """

    key: str
    name: str
    says: str
    better: str = "more"
    low: float | None = 0.0
    high: float | None = 1.0
    chance: float | None = None
    form: str = ".2f"

    def write(self, value: float) -> str:
        """The value as the page has it, with a minus that is one and no zero that is negative."""
        return f"{value:z{self.form}}".replace("-", "−").replace(",", " ")


MEASURES = (
    Measure("mean token, robot", "robot", "R² of the robot's place, read linearly from the mean over tokens"),
    Measure("mean token, puck", "puck", "R² of the puck's place, read linearly from the mean over tokens"),
    Measure("mean token, wallpaper", "wall­paper", "R² of the wallpaper's grey at sixteen points, from the mean over tokens", ""),
    Measure("reader, robot", "robot, read", "R² of the robot's place in the sixteen numbers of the reader"),
    Measure("reader, puck", "puck, read", "R² of the puck's place in the sixteen numbers of the reader"),
    Measure("error after 1", "error, 1 step", "squared error of the imagined latents after one action, as a share of their variance", "less", 0, None, form=".3f"),
    Measure("error after 8", "error, 8 steps", "squared error of the imagined latents after eight actions, as a share of their variance", "less", 0, None, form=".3f"),
    Measure("horizon", "horizon", "actions before the imagined robot is two pixels off (15 at most)", "more", 0, 15, form=".1f"),
    Measure("surprise, robot jumps", "robot jumps", "how often a robot that jumps by three pixels surprises more than one that does as told", "more", 0, 1, 0.5),
    Measure("surprise, puck goes alone", "puck goes alone", "how often a puck that moves untouched surprises more than one that stays", "more", 0, 1, 0.5),
    Measure("surprise, puck stands firm", "puck stands firm", "how often a puck that stands firm when pushed surprises more than one that gives way", "more", 0, 1, 0.5),
    Measure("reached", "goals reached", "share of 50 pictures of a goal to which the planner brought the robot"),
    Measure("surprise, puck stands firm, longer", "stands firm, longer", "the same after 2,000 steps of the predictor instead of 500: how often a puck that stands firm surprises more", "more", 0, 1, 0.5),
    Measure("horizon, longer", "horizon, longer", "actions before the imagined robot is two pixels off, after 2,000 steps of the predictor", "more", 0, 15, form=".1f"),
    Measure("reached, longer", "reached, longer", "share of 50 goals reached, after 2,000 steps of the predictor"),
    Measure("parameters", "weights", "weights of the encoder", "", 0, None, form=",.0f"),
    Measure("ms a step", "ms a step", "CPU milliseconds of a training step, on one core of a shared machine", "less", 0, None, form=".0f"),
)  # fmt: skip

SHOWN_FIRST = "reached"


class FamilyTable(Page):
    """``{family-table}``: the dots, the table, and where they come from."""

    def run(self) -> list[nodes.Node]:
        found = json.loads(RESULTS.read_text(encoding="utf-8"))
        about, rows = found["about"], found["rows"]
        source = (
            f"<p>{len(rows)} rows, {about['seeds']} seeds each; encoders and readers learned for {about['steps']} steps, predictors for "
            f"{about['acting'][0]} (<em>longer</em>: {about['acting'][1]:,}). Trained on {provenance(about)}. "
            "Each dot is a seed; the tick is their mean.</p>"
        )
        return self.html(dots(rows) + table(rows) + source, RESULTS, Path(__file__))


def values(runs: list[dict], measure: Measure) -> list[float]:
    """What the seeds of a row measured, where something was; a step that nobody took has no time."""
    found = [run[measure.key] for run in runs if run.get(measure.key) is not None]
    return found if measure.key != "ms a step" or any(found) else []


def dots(rows: dict[str, list[dict]]) -> str:
    """A list to choose a measure from, and for each one a row of dots for every member. It needs no script."""
    text = ""
    for number, measure in enumerate(MEASURES):
        chosen = " checked" if measure.key == SHOWN_FIRST else ""
        text += (
            f'<input type="radio" name="family" id="family-{number}"{chosen}>'
            f'<label for="family-{number}">{escape(measure.name)}</label>'
            f'<div class="wm-dots">{_panel(rows, measure)}</div>'
        )
    return f'<fieldset class="wm-family"><legend>What to compare</legend>{text}</fieldset>'


def _panel(rows: dict[str, list[dict]], measure: Measure) -> str:
    known = {name: values(runs, measure) for name, runs in rows.items()}
    known = {name: found for name, found in known.items() if found}
    every = [value for found in known.values() for value in found]
    low = min(0.0, *every) if measure.low is None else min(measure.low, *every)
    high = max(every) * 1.05 if measure.high is None else max(measure.high, *every)
    place = lambda value: f"{100 * (value - low) / (high - low):.1f}%"  # noqa: E731
    better = {"more": "Right is better.", "less": "Left is better.", "": "Neither end is better."}[measure.better]
    text = f"<p>{escape(measure.says[0].upper() + measure.says[1:])}. {better}</p>"
    for name, found in known.items():
        mean = sum(found) / len(found)
        chance = "" if measure.chance is None else f'<i class="chance" style="left:{place(measure.chance)}"></i>'
        marks = "".join(f'<i style="left:{place(value)}"></i>' for value in found)
        text += (
            f'<div class="wm-dots-row"><span>{escape(name)}</span>'
            f'<span class="wm-dots-line" aria-hidden="true">{chance}<b style="left:{place(mean)}"></b>{marks}</span>'
            f"<span>{measure.write(mean)}</span></div>"
        )
    ends = f"<span>{measure.write(low)}</span><span>{measure.write(high)}</span>"
    return (
        text
        + f'<div class="wm-dots-row wm-dots-ends" aria-hidden="true"><span></span><span>{ends}</span><span></span></div>'
    )


def table(rows: dict[str, list[dict]]) -> str:
    """All measures of all members: the mean over seeds, and below it the least and the greatest."""
    head = "".join(f'<th scope="col">{escape(measure.name)}</th>' for measure in MEASURES)
    body = ""
    for name, runs in rows.items():
        cells = "".join(f"<td>{_cell(measure, values(runs, measure))}</td>" for measure in MEASURES)
        body += f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>'
    return (
        '<div class="table-scroll wm-family-table" tabindex="0" role="region" aria-label="All measures of all members">'
        f'<table><thead><tr><th scope="col">encoder</th>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _cell(measure: Measure, found: list[float]) -> str:
    if not found:
        return "–"
    mean, least, greatest = (measure.write(value) for value in mean_and_range(found))
    return mean if least == greatest else f"{mean}<small>{least} to {greatest}</small>"


def setup(app: Sphinx) -> dict:
    app.add_directive("family-table", FamilyTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
