"""Importing wm_core is cheap, brings nothing heavy along, and follows the floors of the house."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import wm_core

HOUSE = Path(wm_core.__file__).parent
FLOORS = (
    {"worlds"},
    {"nets", "objectives", "metrics", "training", "artefacts", "distributed", "throughput"},
    {"jepa", "generative", "physics", "energy"},
    {"planning"},
    {"lesson"},
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
HEAVY = {"accelerate", "onnx", "onnxscript", "onnxruntime", "matplotlib", "IPython", "ipywidgets", "anywidget", "pooch"}
HEAVY |= {"sklearn", "scipy", "gymnasium"}
#: What is for those who have installed more than the library asks for; nothing else imports it.
OPTIONAL = {"wm_core.worlds.two_rooms_gym"}
MODULES = sorted(
    ".".join(("wm_core", *file.relative_to(HOUSE).with_suffix("").parts)).removesuffix(".__init__")
    for file in HOUSE.rglob("*.py")
)

LOOK = """
import json, sys, time
from importlib import import_module
start = time.process_time()
import torch
before, middle = set(sys.modules), time.process_time()
for name in sys.argv[1:]:
    import_module(name)
share = (time.process_time() - middle) / (middle - start)
print(json.dumps({"share": share, "brought": sorted(set(sys.modules) - before)}))
"""


def importing(*modules):
    """How long they take to import, as a share of what PyTorch takes in the same process, and every module that came along."""
    return json.loads(subprocess.check_output([sys.executable, "-c", LOOK, *modules], text=True))


def test_all_of_it_imports_in_half_the_time_of_torch_and_brings_nothing_heavy():
    """The best of three runs counts: what a busy machine adds is not ours."""
    modules = [name for name in MODULES if name not in OPTIONAL]
    found = min((importing(*modules) for _ in range(3)), key=lambda each: each["share"])
    assert found["share"] < 0.5
    assert set(modules) <= set(found["brought"])
    assert not OPTIONAL & set(found["brought"])
    assert not HEAVY & {module.partition(".")[0] for module in found["brought"]}


def test_the_package_alone_opens_no_room():
    code = (
        "import sys, wm_core; print(*(name for name in sys.modules if name.startswith('wm_core.') or name == 'torch'))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == []


def test_every_room_stands_on_a_floor():
    rooms = {entry.stem for entry in HOUSE.iterdir() if entry.suffix == ".py" or (entry / "__init__.py").exists()}
    assert rooms - {"__init__"} <= set(FLOOR)


def imported(source):
    """The wm_core rooms that a piece of source imports anywhere in it."""
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute, so that they can be followed"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (name.split(".")[1] for name in names if name.startswith("wm_core."))


@pytest.mark.parametrize("module", [name for name in MODULES if name != "wm_core"])
def test_a_room_imports_only_from_floors_at_or_below_its_own(module):
    room = module.split(".")[1]
    path = HOUSE.joinpath(*module.split(".")[1:])
    source = (path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py").read_text()
    above = {other for other in imported(source) if FLOOR[other] > FLOOR[room]}
    assert not above


def test_imports_are_found_wherever_they_stand():
    source = (
        "import wm_core.lesson\nfrom wm_core import nets\ndef f():\n    from wm_core.jepa.action_jepa import Weights"
    )
    assert set(imported(source)) == {"lesson", "nets", "jepa"}
