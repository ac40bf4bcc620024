"""Everything public in wm_core says what it is."""

import ast
import inspect
from importlib import import_module
from pathlib import Path

import pytest

import wm_core

HOUSE = Path(wm_core.__file__).parent
FILES = sorted(HOUSE.rglob("*.py"))


def undocumented(file):
    """The public modules, functions, classes and methods of a file that have no docstring of their own or inherited."""
    tree = ast.parse(file.read_text())
    if not ast.get_docstring(tree):
        yield "the module itself"
    for node in tree.body:
        if is_public(node) and not ast.get_docstring(node):
            yield node.name
        for method in node.body if isinstance(node, ast.ClassDef) and is_public(node) else ():
            if is_public(method) and not ast.get_docstring(method) and not inherits(file, node.name, method.name):
                yield f"{node.name}.{method.name}"


def is_public(node):
    """True of a function or class whose name does not begin with an underscore."""
    return isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")


def inherits(file, owner, name):
    """True where a class above says what the method is, as PyTorch does of every ``forward``."""
    module = ".".join(("wm_core", *file.relative_to(HOUSE).with_suffix("").parts))
    above = getattr(import_module(module), owner).__mro__[1:]
    return any(inspect.getdoc(vars(parent).get(name)) for parent in above)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(HOUSE).as_posix())
def test_everything_public_has_a_docstring(file):
    assert list(undocumented(file)) == []


def test_what_has_none_is_found(tmp_path):
    file = tmp_path / "bare.py"
    file.write_text(
        'def said():\n    """Yes."""\ndef unsaid(): ...\ndef _private(): ...\nclass Bare:\n    """Yes."""\n    x = 1\nclass Mute: ...'
    )
    assert list(undocumented(file)) == ["the module itself", "unsaid", "Mute"]
