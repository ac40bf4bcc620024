"""Tables of results that read the same on a page, in a notebook and in a terminal."""

import math
from collections.abc import Sequence

from wm_core.lesson.stages import emit


def pretty(number: float, digits: int = 4, *, zeros: bool = False) -> str:
    """Write a number with ``digits`` significant digits, and a tiny or huge one with an exponent.

    With ``zeros`` the digits that are zeros at the end are written too: 0.030 was measured, 0.03 was said.
    """
    size = abs(number)
    if not math.isfinite(size):
        return str(number)
    if size == 0 or 1e-3 <= size < 10**digits:
        return f"{number:#.{digits}g}".rstrip(".") if zeros else f"{number:.{digits}g}"
    if size < 1e6 and size >= 1:
        return f"{number:.0f}"
    mantissa, exponent = f"{number:.{digits - 1}e}".split("e")
    return f"{mantissa if zeros else mantissa.rstrip('0').rstrip('.')}e{exponent}"


def table(head: Sequence[str], rows: Sequence[Sequence[object]], *, digits: int = 3) -> None:
    """Show a table of results.

    Args:
        head: the column titles, with their units.
        rows: one sequence a row, as long as ``head``. A float gets ``digits`` significant digits; a triple
            ``(mean, low, high)`` is written "mean (low to high)".
        digits: significant digits of every float.

    Raises:
        ValueError: a row's length differs from the head's.
    """
    for row in rows:
        if len(row) != len(head):
            raise ValueError(f"table row {row!r}: got {len(row)} cells, wanted {len(head)}")
    lines = [list(head), *[[_cell(cell, digits) for cell in row] for row in rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    plain = "\n".join("  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines)
    rule = ["---"] + ["---:"] * (len(head) - 1)
    lines = [[cell.replace("|", r"\|") for cell in line] for line in lines]  # else it would end the cell
    emit(plain, markdown="\n".join("| " + " | ".join(line) + " |" for line in [lines[0], rule, *lines[1:]]))


def _cell(cell: object, digits: int) -> str:
    if isinstance(cell, float):
        return pretty(cell, digits, zeros=True)
    if isinstance(cell, tuple):
        mean, low, high = (pretty(part, digits, zeros=True) for part in cell)
        return f"{mean} ({low} to {high})"
    return str(cell)
