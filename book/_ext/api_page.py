"""The API page: docstrings as they are written, for people who read source, made fit for reStructuredText."""

from sphinx.application import Sphinx


def keep_bars(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """An absolute value such as |H(0)| is no reStructuredText substitution."""
    lines[:] = [line if "``" in line else line.replace("|", "\\|") for line in lines]


def skip_fields(app: Sphinx, what: str, name: str, thing: object, skip: bool, options: object) -> bool | None:
    """The fields of a NamedTuple are described in its docstring; Python's own "Alias for field number 0" adds nothing."""
    return True if type(thing).__name__ == "_tuplegetter" else None


def setup(app: Sphinx) -> dict:
    app.connect("autodoc-process-docstring", keep_bars)
    app.connect("autodoc-skip-member", skip_fields)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
