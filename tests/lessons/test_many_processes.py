"""A lesson started on two processes trains to the same weights as on one, the total batch being the same.

What runs is the lesson's own file, by the reader's own command, until its first model is trained. It runs in double
precision: in single precision two sums in another order differ in the last digit, and within a hundred steps training makes
a tenth of that.
"""

import os
import subprocess
import sys
import time

import pytest
import torch

from tools.paths import ROOT

LESSON = "lessons/foundations/quickstart.py"
FIRST_MODEL = "action-jepa-0.pt"
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2")
PATIENCE = 300  # seconds


def start(folder, *launcher: str) -> subprocess.Popen:
    """Start the lesson as a script that leaves its checkpoints in ``folder``."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text("import torch; torch.set_default_dtype(torch.float64)")
    environment = {
        **os.environ,
        "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
        "WM_CHECKPOINTS": str(folder),
        "WM_SCALE": "tiny",
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
    }
    with (folder / "log.txt").open("w") as log:
        return subprocess.Popen(
            [sys.executable, *launcher, LESSON],
            cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip


def trained(folder, process: subprocess.Popen) -> dict:
    """The checkpoint of the lesson's first model once its last step is done."""
    until, runs = time.monotonic() + PATIENCE, True
    while time.monotonic() < until and runs:
        time.sleep(0.2)
        runs = (
            process.poll() is None
        )  # asked before its last word is read; what comes after the first model does not matter
        if (folder / FIRST_MODEL).exists():
            state = torch.load(folder / FIRST_MODEL, weights_only=True)
            if state["next"] == state["run"]["steps"]:
                return state
    pytest.fail(f"the first model was not trained: {(folder / 'log.txt').read_text()[-3000:]}")


@pytest.mark.slow
def test_two_processes_train_to_the_weights_of_one(tmp_path):
    folders = tmp_path / "one", tmp_path / "two"
    processes = start(folders[0]), start(folders[1], *TORCHRUN)
    try:
        one, two = (trained(folder, process) for folder, process in zip(folders, processes, strict=True))
    finally:
        for process in processes:
            process.terminate()  # torchrun takes its own processes with it
            process.wait(timeout=60)
    assert one["run"] == two["run"]
    assert one["module"].keys() == two["module"].keys()
    for name, weights in one["module"].items():
        assert weights.dtype == torch.float64
        torch.testing.assert_close(two["module"][name], weights, rtol=1e-9, atol=1e-9, msg=name)
    for name, values in one["terms"].items():
        assert two["terms"][name] == pytest.approx(values, rel=1e-6), name
