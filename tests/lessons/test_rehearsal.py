"""The reader's way: each published notebook, in an environment that has never heard of wm_core, from top to bottom.

The site is served on localhost, and the environment holds what Colab has: PyTorch, NumPy, Matplotlib, ipywidgets and a
kernel. The notebook's first cell must bring the rest, and may not change the version of anything that was there.
"""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.lessons import all_lessons
from tools.paths import HTML

ON_COLAB = ("torch", "numpy", "matplotlib", "ipywidgets", "ipykernel")
LONGEST = 900  # seconds

pytestmark = [pytest.mark.slow, pytest.mark.site]


class Rehearsal(NamedTuple):
    """One notebook's run: what it said where it failed, what it showed, and the environment's versions on both sides of it."""

    fault: str
    cells: list
    python: Path
    before: dict[str, str]
    after: dict[str, str]


@pytest.fixture(scope="module")
def rehearsals(site, tmp_path_factory):
    """Every lesson's notebook, run at the same time, each in an environment of its own."""
    home = tmp_path_factory.mktemp("readers")
    lessons = [lesson.name for lesson in all_lessons()]
    packages = with_all_they_need(ON_COLAB)  # before the threads: Python 3.11 reads no markers in two threads at once
    with ThreadPoolExecutor() as pool:
        runs = pool.map(lambda name: rehearse(name, home / name, site, packages), lessons)
        yield dict(zip(lessons, runs, strict=True))
    for name in lessons:
        shutil.rmtree(home / name / "venv", ignore_errors=True)


def rehearse(lesson: str, home: Path, site: str, packages: set[str]) -> Rehearsal:
    python = fresh_environment(home / "venv", packages)
    kernel = home / "share" / "kernels" / "reader" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    command = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel.write_text(json.dumps({"argv": command, "display_name": "A reader's", "language": "python"}))
    notebook = Path(shutil.copy(HTML / "notebooks" / f"{lesson}.ipynb", home))
    foreign = ("PYTHONPATH", "WM_RUN_DIR", "WM_SCALE", "WM_CHECKPOINTS")
    environment = {key: value for key, value in os.environ.items() if key not in foreign}
    environment |= {"WM_SITE": site, "JUPYTER_PATH": str(home / "share"), "IPYTHONDIR": str(home)}
    before = versions(python)
    done = subprocess.run(
        [Path(sys.executable).parent / "jupyter-execute", "--kernel_name=reader", "--inplace", f"--timeout={LONGEST}", notebook],
        cwd=home, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    cells = nbformat.read(notebook, as_version=4).cells
    return Rehearsal(done.stderr[-5000:] if done.returncode else "", cells, python, before, versions(python))


def fresh_environment(home: Path, names: set[str]) -> Path:
    """A virtual environment with these packages, in the versions that this one has. Returns its Python.

    The packages are linked from this environment, file by file as their own lists name them, which is what installing
    them again would give without downloading PyTorch.
    """
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    python = home / "bin" / "python"
    packages = home / Path(importlib.metadata.distribution("torch").locate_file("")).relative_to(sys.prefix)
    for name in names:
        distribution = importlib.metadata.distribution(name)
        for file in distribution.files:
            target = Path(os.path.normpath(packages / file))
            if target.is_relative_to(home / "bin"):
                continue  # a script names the Python that it was installed for
            target.parent.mkdir(parents=True, exist_ok=True)
            link(distribution.locate_file(file), target)
    return python


def with_all_they_need(names: tuple[str, ...]) -> set[str]:
    """These packages and, all the way down, what they require here."""
    found, ahead = set(), [*names]
    while ahead:
        name = canonicalize_name(ahead.pop())
        if name not in found:
            found.add(name)
            wanted = map(Requirement, importlib.metadata.requires(name) or [])
            ahead += [need.name for need in wanted if need.marker is None or need.marker.evaluate({"extra": ""})]
    return found


def link(file: Path, target: Path) -> None:
    try:
        os.link(file, target)
    except OSError:  # the temporary folder is on another disk
        shutil.copy2(file, target)


def versions(python: Path) -> dict[str, str]:
    listed = subprocess.run([python, "-m", "pip", "list", "--format=json"], capture_output=True, text=True, check=True)
    return {package["name"]: package["version"] for package in json.loads(listed.stdout)}


every_lesson = pytest.mark.parametrize("lesson", [lesson.name for lesson in all_lessons()])


@every_lesson
def test_the_notebook_runs_to_the_end(rehearsals, lesson):
    assert rehearsals[lesson].fault == ""
    shown = str([cell.get("outputs") for cell in rehearsals[lesson].cells])
    assert shown.count('data-ok="true"') >= 3
    assert shown.count('data-check="right"') >= 2
    assert "application/vnd.jupyter.widget-view+json" in shown  # live figures and sliders are widgets here


@every_lesson
def test_its_first_cell_brought_the_library_from_the_site(rehearsals, site, lesson):
    reader = rehearsals[lesson]
    assert "wm_core" not in reader.before
    ask = "import importlib.metadata as m; print(m.distribution('wm_core').read_text('direct_url.json'))"
    came_from = json.loads(subprocess.check_output([reader.python, "-c", ask]))["url"]
    assert came_from.startswith(f"{site}/wheels/wm_core-")


@every_lesson
def test_nothing_that_was_there_has_changed(rehearsals, lesson):
    reader = rehearsals[lesson]
    assert set(ON_COLAB) <= reader.before.keys()
    assert {name: reader.after.get(name) for name in reader.before} == reader.before
    checked = subprocess.run([reader.python, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
