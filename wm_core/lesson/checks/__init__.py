"""Checks of the exercises: right or wrong, and if wrong, which mistake it looks like.

One module a lesson (``physics/hamiltonian`` is ``checks/physics_hamiltonian.py``), one function an exercise. A check
returns None when the answer is right, else a sentence that helps. The exercise ``physics/hamiltonian/leapfrog`` is the
function ``leapfrog`` there.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable
from html import escape
from importlib import import_module
from typing import Literal

from wm_core.lesson.stages import emit

Verdict = Literal["open", "right", "wrong"]


def check(name: str, answer: object) -> None:
    """Check an answer to an exercise and show whether it is right and, if not, what is wrong with it.

    Args:
        name: ``part/lesson/exercise``.
        answer: a value, or a function to be tried out. A hole (``...``) in it leaves the exercise open.

    Raises:
        ValueError: there is no such exercise.
    """
    verdict, sentence = examine(name, answer)
    mark = {"open": "○", "right": "✓", "wrong": "✗"}[verdict]
    emit(f"{mark} {sentence}", html=f'<p class="wm-check" data-check="{verdict}">{mark} {escape(sentence)}</p>')


def examine(name: str, answer: object) -> tuple[Verdict, str]:
    """What `check` shows: ``open``, ``right`` or ``wrong``, and a sentence.

    Raises:
        ValueError: there is no such exercise.
    """
    judge = find(name)
    if has_hole(answer):
        return "open", "Nothing to check yet: replace the ... with your answer and run the cell again."
    try:
        fault = judge(answer)
    except Exception as error:  # whatever a reader's own code raises is an answer's fault, not the notebook's
        return "wrong", f"It stops with {type(error).__name__}: {error}"
    return ("right", "Right.") if fault is None else ("wrong", fault)


def find(name: str) -> Callable[[object], str | None]:
    """The check behind an exercise's name."""
    lesson, _, exercise = name.rpartition("/")
    try:
        return getattr(import_module(f"{__name__}.{lesson.replace('/', '_')}"), exercise)
    except (ImportError, AttributeError):
        raise ValueError(f"check: there is no exercise {name!r}") from None


def has_hole(answer: object) -> bool:
    """True where the answer still contains a ``...``: it is one, holds one, or is a function that mentions one.

    The dots of an index, as in ``x[..., 0]``, are no hole.
    """
    if isinstance(answer, list | tuple):
        return any(has_hole(part) for part in answer)
    if not inspect.isfunction(answer):
        return answer is ...
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(answer)))
    except (OSError, SyntaxError):  # typed at a prompt, or a lambda in the middle of something
        return ... in answer.__code__.co_consts
    indices = {part for node in ast.walk(tree) if isinstance(node, ast.Subscript) for part in ast.walk(node.slice)}
    return any(isinstance(node, ast.Constant) and node.value is ... and node not in indices for node in ast.walk(tree))
