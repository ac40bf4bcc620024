"""A notebook under nbval as a reader meets it: results are compared, widgets are not, and what was seen is kept."""

import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools.paths import ROOT

PROGRESS = """\
from ipywidgets import IntProgress

bar = IntProgress(max=4000)
display(bar)
for bar.value in range(4000):
    pass
print("done")
"""
LISTENS = """\
import json
from ipykernel.connect import get_connection_info

print(json.loads(get_connection_info())["transport"])
"""


def run_before(source: str, printed: str):
    """A cell whose output is compared with what it is said to have printed in an earlier run."""
    old = new_output("stream", name="stdout", text=f"{printed}\n")
    return new_code_cell(
        source, outputs=[old], execution_count=1, metadata={"tags": ["nbval-check-output"]}, id=f"{printed}-cell"
    )


@pytest.mark.slow
def test_results_are_compared_and_widgets_are_not(tmp_path):
    """The kernel listens on files, and no message of a long progress bar drowns the cell's end."""
    cells = [
        run_before(PROGRESS, "done"),
        run_before(LISTENS, "ipc"),
        run_before("print(1 + 1)", "3"),
        new_code_cell("1 / 0"),
    ]
    nbformat.write(new_notebook(cells=cells), tmp_path / "small.ipynb")
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "--disable-plugin-autoload", "-p", "nbval.plugin", "-p", "tools.reader"),
            *("-p", "no:cacheprovider", "--nbval-lax", "--nbval-current-env", f"--seen={tmp_path / 'seen.ipynb'}"),
            tmp_path / "small.ipynb",
        ],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 1, run.stdout
    assert "2 failed, 2 passed" in run.stdout, run.stdout
    assert "Cell 2: Cell outputs differ" in run.stdout
    assert "ZeroDivisionError" in run.stdout
    seen = [str(cell.outputs) for cell in nbformat.read(tmp_path / "seen.ipynb", as_version=4).cells]
    assert "application/vnd.jupyter.widget-view+json" in seen[0]
    assert "done" in seen[0]
    assert "'2\\n'" in seen[2]
    assert "ZeroDivisionError" in seen[3]
