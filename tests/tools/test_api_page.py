"""The API page describes the whole library: nothing that is imported by name is missing from it, and nothing else is on it."""

import re

import wm_core.lesson
from tools.paths import ROOT

PAGE = (ROOT / "book" / "api.md").read_text(encoding="utf-8")
ON_PAGE = re.findall(r"^\.\. automodule:: (\S+)$", PAGE, flags=re.M)


def public_modules() -> set[str]:
    """Every module of wm_core but the answers to the exercises, which would spoil them."""
    files = (ROOT / "wm_core").rglob("*.py")
    parts = [file.relative_to(ROOT).with_suffix("").parts for file in files]
    modules = {".".join(part for part in path if part != "__init__") for path in parts}
    return {name for name in modules if not name.startswith("wm_core.lesson.checks.") and "._" not in name} - {
        "wm_core"
    }


def test_every_module_is_on_the_page_once():
    assert sorted(ON_PAGE) == sorted(public_modules())


def test_whatever_lessons_import_is_described():
    """The rooms of floor 4 show the members that are named on the page, and those must be all that lessons use."""
    named = {name for names in re.findall(r"^   :members: (.+)$", PAGE, flags=re.M) for name in names.split(", ")}
    assert set(wm_core.lesson.__all__) <= named


def test_a_module_stands_under_its_own_name():
    headings = re.findall(r"^### `(\S+)`\n+```\{eval-rst\}\n\.\. automodule:: wm_core\.(\S+)$", PAGE, flags=re.M)
    assert len(headings) > 20
    assert all(heading == module for heading, module in headings)
