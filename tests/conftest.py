"""Every annotated shape of wm_core is checked while the tests run, and PyTorch uses one thread, as small networks like."""

import os

import pytest
from jaxtyping import install_import_hook

os.environ.pop("WM_RUN_DIR", None)  # the tests themselves are no build

SHAPED = ("worlds", "nets", "objectives", "metrics", "jepa", "generative", "physics", "distributed")
hook = install_import_hook([f"wm_core.{room}" for room in SHAPED], "beartype.beartype")


@pytest.fixture(autouse=True)
def one_thread():
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def page(tmp_path, monkeypatch):
    """A build's run folder: within this test, lessons' functions show what a page shows."""
    monkeypatch.setenv("WM_RUN_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def shown(monkeypatch):
    """What was shown through IPython's display, one mime bundle each."""
    bundles = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: bundles.append(bundle))
    return bundles
