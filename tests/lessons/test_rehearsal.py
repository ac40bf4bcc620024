"""The reader's way: nbval runs each published notebook, in an environment that has never heard of wm_core, top to bottom.

The site is served on localhost, and the environment holds what Colab has: PyTorch, NumPy, Matplotlib, ipywidgets and a
kernel. The notebook's first cell must bring the rest, and may not change the version of anything that was there. Every
table of results must be the one that the lesson's page shows.
"""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.lessons import Lesson, all_lessons
from tools.paths import HTML, ROOT

ON_COLAB = ("torch", "numpy", "matplotlib", "ipywidgets", "ipykernel", "pip")
LONGEST = 900  # seconds

pytestmark = [pytest.mark.slow, pytest.mark.site]


class Rehearsal(NamedTuple):
    """One notebook's run: what nbval said, what the page had shown and what the reader saw, and the versions around it."""

    passed: bool
    report: str
    shown: list
    seen: list
    python: Path
    before: dict[str, str]
    after: dict[str, str]


@pytest.fixture(scope="module")
def colab(tmp_path_factory) -> Path:
    """An environment with what Colab has and nothing else, to be copied."""
    return fresh_environment(tmp_path_factory.mktemp("colab") / "venv", with_all_they_need(ON_COLAB))


@pytest.fixture(scope="module", params=[lesson.name for lesson in all_lessons()])
def reader(request, site, colab, tmp_path_factory):
    """One lesson's notebook, run in an environment of its own."""
    home = tmp_path_factory.mktemp("reader")
    shutil.copytree(colab, home / "venv", symlinks=True, copy_function=os.link)
    yield rehearse(Lesson(request.param), home, site)
    shutil.rmtree(home / "venv")


def rehearse(lesson: Lesson, home: Path, site: str) -> Rehearsal:
    python = home / "venv" / "bin" / "python"
    kernel = home / "share" / "kernels" / "reader" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    command = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel.write_text(json.dumps({"argv": command, "display_name": "A reader's", "language": "python"}))
    shown = with_the_pages_outputs(lesson)
    nbformat.write(shown, home / "notebook.ipynb")
    foreign = ("PYTHONPATH", "WM_RUN_DIR", "WM_SCALE", "WM_CHECKPOINTS")
    environment = {key: value for key, value in os.environ.items() if key not in foreign}
    environment |= {"WM_SITE": site, "JUPYTER_PATH": str(home / "share"), "IPYTHONDIR": str(home)}
    environment["PIP_NO_COMPILE"] = "1"  # Python compiles what is imported, which is less
    before = versions(python)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "--disable-plugin-autoload", "-p", "nbval.plugin", "-p", "tools.reader"),
            *("-p", "no:cacheprovider", "--color=no", "--nbval-lax", "--nbval-kernel-name=reader"),
            *("--nbval-kernel-startup-timeout=180", f"--nbval-cell-timeout={LONGEST}"),
            *(f"--seen={home / 'seen.ipynb'}", home / "notebook.ipynb"),
        ],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    report = done.stdout[:9000] + done.stderr[-3000:]
    seen = nbformat.read(home / "seen.ipynb", as_version=4).cells if (home / "seen.ipynb").exists() else []
    return Rehearsal(done.returncode == 0, report, shown.cells, seen, python, before, versions(python))


def with_the_pages_outputs(lesson: Lesson) -> nbformat.NotebookNode:
    """The published notebook, holding what the build's run of the lesson showed: nbval compares with that."""
    notebook = nbformat.read(HTML / "notebooks" / f"{lesson.name}.ipynb", as_version=4)
    ran = nbformat.read(lesson.run / "notebook.ipynb", as_version=4).cells
    for cell, own in zip(notebook.cells[1:], ran, strict=True):  # the first brings the library
        if cell.cell_type == "code":
            assert cell.source.endswith(own.source)
            cell.outputs, cell.execution_count = own.outputs, own.execution_count
    return notebook


def fresh_environment(home: Path, names: set[str]) -> Path:
    """A virtual environment with these packages, in the versions that this one has.

    The packages are linked from this environment, file by file as their own lists name them, which is what installing
    them again would give without downloading PyTorch.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    packages = home / Path(importlib.metadata.distribution("torch").locate_file("")).relative_to(sys.prefix)
    for name in names:
        distribution = importlib.metadata.distribution(name)
        for file in distribution.files:
            target = Path(os.path.normpath(packages / file))
            if target.is_relative_to(home / "bin"):
                continue  # a script names the Python that it was installed for
            target.parent.mkdir(parents=True, exist_ok=True)
            link(distribution.locate_file(file), target)
    return home


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


def test_the_notebook_runs_to_the_end_and_its_tables_are_those_of_the_page(reader):
    assert reader.passed, reader.report
    compared = [cell for cell in reader.shown if "nbval-check-output" in cell.metadata.get("tags", [])]
    assert compared
    assert all(cell.execution_count and cell.outputs for cell in compared)  # nbval passes over a cell that has not run


def test_claims_hold_solutions_are_right_and_figures_are_alive(reader):
    outputs = str([cell.get("outputs") for cell in reader.seen])
    assert outputs.count('data-ok="true"') >= 3
    assert outputs.count('data-check="right"') >= 2
    assert "application/vnd.jupyter.widget-view+json" in outputs  # live figures and sliders are widgets here


def test_its_first_cell_brought_the_library_from_the_site(reader, site):
    assert "wm_core" not in reader.before
    ask = "import importlib.metadata as m; print(m.distribution('wm_core').read_text('direct_url.json'))"
    came_from = json.loads(subprocess.check_output([reader.python, "-c", ask]))["url"]
    assert came_from.startswith(f"{site}/wheels/wm_core-")


def test_nothing_that_was_there_has_changed(reader):
    assert set(ON_COLAB) <= reader.before.keys()
    assert {name: reader.after.get(name) for name in reader.before} == reader.before
    checked = subprocess.run([reader.python, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
