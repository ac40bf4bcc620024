"""The real source of a function or class, so that a page never retypes code."""

import ast
import inspect
import textwrap
from pathlib import Path

import wm_core
from wm_core.lesson.stages import emit


def source(*objects: object, docstring: bool = False) -> None:
    """Show the library's own source of one or more functions, methods or classes, highlighted.

    Args:
        *objects: what to show, in this order.
        docstring: keep the docstrings; without them the page shows the logic only.

    Raises:
        TypeError: an object has no Python source (a builtin, say).
    """
    for thing in objects:
        code, where = read(thing, docstring=docstring)
        emit(f"# {where}\n{code}", markdown=f"`{where}`\n\n```python\n{code}\n```")


def read(thing: object, *, docstring: bool = False) -> tuple[str, str]:
    """The source of ``thing`` and where it stands, such as ``wm_core/physics/integrators.py``."""
    thing = inspect.unwrap(thing)  # what jaxtyping and others wrapped
    code = textwrap.dedent(inspect.getsource(thing)).rstrip()
    if not docstring:
        code = without_docstrings(code)
    file = Path(inspect.getsourcefile(thing)).resolve()
    home = Path(wm_core.__file__).resolve().parent.parent
    return code, (file.relative_to(home).as_posix() if file.is_relative_to(home) else file.name)


def without_docstrings(code: str) -> str:
    """Drop every docstring of ``code`` and leave all other lines as they are."""
    lines = code.splitlines()
    gone: set[int] = set()
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or len(node.body) < 2:
            continue
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            end = first.end_lineno
            while end < len(lines) and not lines[end].strip():
                end += 1  # the blank line under a docstring goes with it
            gone.update(range(first.lineno, end + 1))
    return "\n".join(line for number, line in enumerate(lines, 1) if number not in gone)
