"""Run lessons and keep what they leave behind; a lesson whose inputs have not changed is not run again.

A run is stale when the lesson's text, the scale, PyTorch's version, any file of wm_core that the run itself imported,
or any artefact that it asked for has changed since.
"""

import json
import os
import shutil
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import nbformat
import torch
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from tqdm import tqdm
from traitlets.config import Config

from tools.lessons import Lesson, all_lessons, sha256
from tools.paths import EVIDENCE, ROOT, RUNS
from wm_core.artefacts import device_name
from wm_core.lesson.scales import scale_name

#: No cell of a lesson may take longer, in seconds; a lesson's whole budget is 60.
CELL_TIMEOUT = 600

#: Lessons that run side by side. Each computes on one core; a GPU is one lesson's at a time.
AT_ONCE = 1 if torch.cuda.is_available() else min(4, os.cpu_count() or 1)

#: Held while a lesson is read: two threads of Python 3.11 may not parse at the same time.
ONE_READS = threading.Lock()

REPORT = """
import json, sys
from wm_core.artefacts import asked_for
modules = {m.__file__ for n, m in sys.modules.items() if n.split(".")[0] == "wm_core" and m.__file__}
print(json.dumps(sorted({*modules, *map(str, asked_for)})))
"""


def execute(lessons: list[Lesson], *, force: bool = False) -> int:
    """Run every stale lesson, and write what all lessons claim to ``_build/evidence.json``.

    Returns:
        How many were run.

    Raises:
        SystemExit: a lesson raised, or an exercise's solution is not right.
    """
    stale = lessons if force else [lesson for lesson in lessons if not fresh(lesson)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = [pool.submit(run, lesson) for lesson in stale]
        try:
            for done in as_completed(runs):
                done.result()
        except BaseException:  # SystemExit and Ctrl-C too: begin no other
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    collect_evidence()
    return len(stale)


def fresh(lesson: Lesson) -> bool:
    """True where the last run's inputs are what they would be now."""
    record = lesson.run / "run.json"
    if not record.exists():
        return False
    last = json.loads(record.read_text())
    here = {"source": sha256(lesson.text.encode()), "scale": scale_name(), "torch": torch.__version__}
    if any(last[key] != value for key, value in here.items()):
        return False
    return all(
        (ROOT / file).exists() and sha256((ROOT / file).read_bytes()) == sha for file, sha in last["inputs"].items()
    )


def run(lesson: Lesson) -> None:
    """Run one lesson from top to bottom and put its folder in place when it is complete."""
    scratch = RUNS / f".{lesson.name.replace('/', '-')}"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    with ONE_READS:
        notebook = lesson.notebook()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    notebook.cells.append(nbformat.v4.new_code_cell(REPORT))
    start = time.perf_counter()
    with (
        tempfile.TemporaryDirectory(prefix="wm") as sockets,
        tqdm(total=len(code), desc=lesson.name, unit="cell", mininterval=2, leave=False) as bar,
    ):
        client = NotebookClient(
            notebook,
            timeout=CELL_TIMEOUT,
            kernel_name="python3",
            config=Config(
                KernelManager={"transport": "ipc", "ip": f"{sockets}/kernel"}
            ),  # files: nobody else can listen
            resources={"metadata": {"path": str(ROOT)}},
            on_cell_executed=lambda cell, cell_index, execute_reply: bar.update(cell.cell_type == "code"),
        )
        try:
            client.execute(env={**os.environ, "WM_RUN_DIR": str(scratch)})
        except CellExecutionError as error:
            raise SystemExit(_failure(lesson, notebook, error)) from None
    seconds = time.perf_counter() - start
    inputs = json.loads(notebook.cells.pop().outputs[0].text)
    _examine_exercises(lesson, notebook)
    record = {
        "source": sha256(lesson.text.encode()),
        "scale": scale_name(),
        "torch": torch.__version__,
        "inputs": {os.path.relpath(file, ROOT): sha256(Path(file).read_bytes()) for file in inputs},
        "seconds": round(seconds, 1),
        "date": time.strftime("%Y-%m-%d"),
        "cores": os.cpu_count(),
        "device": device_name(),
    }
    nbformat.write(notebook, scratch / "notebook.ipynb")
    (scratch / "run.json").write_text(json.dumps(record, indent=1))
    shutil.rmtree(lesson.run, ignore_errors=True)
    lesson.run.parent.mkdir(parents=True, exist_ok=True)
    scratch.rename(lesson.run)
    tqdm.write(f"  {lesson.name}: {len(code)} cells in {seconds:.0f} s")


def collect_evidence() -> list[dict]:
    """Gather the claims of every lesson that has run into ``_build/evidence.json``."""
    rows = []
    for lesson in all_lessons():
        file = lesson.run / "evidence.json"
        if file.exists():
            rows += [{"lesson": lesson.name, **row} for row in json.loads(file.read_text())]
    EVIDENCE.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(rows, indent=1)
    if not EVIDENCE.exists() or EVIDENCE.read_text() != text:  # an untouched file lets Sphinx skip its page
        EVIDENCE.write_text(text)
    return rows


def _failure(lesson: Lesson, notebook: nbformat.NotebookNode, error: CellExecutionError) -> str:
    """Name the lesson, the cell and its line, and show the traceback."""
    failed = [
        (n, c) for n, c in enumerate(notebook.cells) if any(o.output_type == "error" for o in c.get("outputs", []))
    ]
    number, cell = failed[-1]
    where = f"lessons/{lesson.name}.py, cell {number + 1} (line {lesson.line_of(cell)})"
    return f"\n{where} stopped with {error.ename}: {error.evalue}\n\n{error.traceback}\n"


def _examine_exercises(lesson: Lesson, notebook: nbformat.NotebookNode) -> None:
    """Hold every solution to its check, and see that a stub is still open."""
    for number, cell in enumerate(notebook.cells):
        tags = cell.metadata.get("tags", [])
        wanted = "right" if "solution" in tags else "open" if "exercise" in tags else None
        if wanted is None:
            continue
        shown = " ".join(str(output.get("data", {}).get("text/html", "")) for output in cell.outputs)
        if f'data-check="{wanted}"' not in shown:
            where = f"lessons/{lesson.name}.py, cell {number + 1} (line {lesson.line_of(cell)})"
            raise SystemExit(f"\n{where}: its check should say {wanted!r}, and shows: {shown or 'nothing'}\n")
