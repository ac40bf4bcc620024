"""The API page: docstrings as they are written, for people who read source, made fit for reStructuredText and for HTML."""

import re

from sphinx.application import Sphinx

LINE = '<span class="sig-line" style="display:block;padding-left:1.5rem">'


def keep_bars(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """An absolute value such as |H(0)| is no reStructuredText substitution."""
    lines[:] = [line if "``" in line else line.replace("|", "\\|") for line in lines]


def skip_fields(app: Sphinx, what: str, name: str, thing: object, skip: bool, options: object) -> bool | None:
    """The fields of a NamedTuple are described in its docstring; Python's own "Alias for field number 0" adds nothing."""
    return True if type(thing).__name__ == "_tuplegetter" else None


def mend_signatures(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Sphinx sets a long signature's parameters as a list of definitions that define nothing; make them lines."""
    if "body" in context:
        context["body"] = re.sub(r'<dt class="sig .*?</dt>', _as_lines, context["body"], flags=re.S)


def _as_lines(signature: re.Match) -> str:
    without_list = re.sub(r"\s*</?dl>\s*", "", signature[0])
    return re.sub(r"\s*<dd>", LINE, without_list).replace("</dd>", "</span>")


def setup(app: Sphinx) -> dict:
    app.connect("autodoc-process-docstring", keep_bars)
    app.connect("autodoc-skip-member", skip_fields)
    app.connect("html-page-context", mend_signatures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
