"""Where a lesson is being run, and how to show something there."""

import os
from pathlib import Path
from typing import Literal

Stage = Literal["page", "notebook", "script"]


def run_dir() -> Path | None:
    """The folder in which a build collects what this lesson's run leaves behind, or None outside a build."""
    folder = os.environ.get("WM_RUN_DIR")
    return Path(folder) if folder else None


def stage() -> Stage:
    """Tell where the lesson runs: ``page`` (the book's build), ``notebook`` (a kernel with a reader) or ``script``."""
    if run_dir():
        return "page"
    try:
        from IPython import get_ipython
    except ImportError:
        return "script"
    shell = get_ipython()
    return "notebook" if shell is not None and hasattr(shell, "kernel") else "script"


def speaks() -> bool:
    """True on the one process that may print: of several started together, the first."""
    return int(os.environ.get("RANK", "0")) == 0


def emit(plain: str, **formats: str) -> None:
    """Show one thing in every form it has; a script prints the plain one.

    Args:
        plain: what a terminal shows.
        **formats: richer forms by name: ``html``, ``markdown``.
    """
    if not speaks():
        return
    if stage() == "script":
        print(plain)
        return
    from IPython.display import display

    bundle = {f"text/{name}": text for name, text in formats.items()}
    display({"text/plain": plain, **bundle}, raw=True)
