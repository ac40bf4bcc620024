"""Every annotated shape of wm_core is checked while the tests run, and PyTorch uses one thread, as small networks like."""

import functools
import os
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from jaxtyping import install_import_hook

from tools.paths import HTML

os.environ.pop("WM_RUN_DIR", None)  # the tests themselves are no build

SHAPED = ("worlds", "nets", "objectives", "metrics", "jepa", "generative", "physics", "planning", "distributed")
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


@pytest.fixture(scope="session")
def needs():
    """Skips the test where something it needs is not there; CI may not pass over it and fails instead."""

    def check(thing, words):
        if not thing:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(words)

    return check


class Quietly(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def site(needs):
    """The address of the built site, served on a free port of this machine."""
    needs((HTML / "index.html").exists(), f"{HTML} holds no site: run make book")
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quietly, directory=HTML))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
