"""Every annotated shape of wm_core is checked while the tests run, and PyTorch uses one thread, as small networks like."""

import functools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

from tools.paths import HTML

os.environ.pop("WM_RUN_DIR", None)  # the tests themselves are no build

SHAPED = ("worlds", "nets", "objectives", "metrics", "jepa", "generative", "physics", "planning", "distributed")
hook = install_import_hook([f"wm_core.{room}" for room in SHAPED], "beartype.beartype")

REHEARSAL = "tests/lessons/test_rehearsal.py"

#: The files that take longest. They begin first, so that what ends last is short.
FIRST = (
    REHEARSAL,
    "tests/site/test_pages.py",
    "tests/site/test_live_figures.py",
    "tests/site/test_figures.py",
    "tests/lessons/test_many_processes.py",
    "tests/lessons/test_artefacts.py",
    "tests/site/test_rooms.py",
    "tests/worlds/test_rooms.py",
    "tests/jepa/test_value.py",
    "tests/tools/test_new_lesson.py",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Put the tests of the longest files first, and leave the order of a file's tests as it is."""
    files = [item.nodeid.partition("::")[0] for item in items]
    place = {file: FIRST.index(file) if file in FIRST else len(FIRST) for file in files}
    items[:] = [item for _, item in sorted(zip(files, items, strict=True), key=lambda pair: place[pair[0]])]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Under --dist=loadfile a file stays in one process; the notebooks are dealt out one by one."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class ByFileOrNotebook(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file, _, test = nodeid.partition("::")
            return file + test[test.find("[") :] if file == REHEARSAL else file

    return ByFileOrNotebook(config, log)


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
def serve():
    """``with serve(folder) as address``: the files of a folder, on a free port of this machine."""

    @contextmanager
    def serving(folder: Path) -> Iterator[str]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quietly, directory=folder))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        server.server_close()

    return serving


@pytest.fixture(scope="session")
def site(needs, serve):
    """The address of the built site."""
    needs((HTML / "index.html").exists(), f"{HTML} holds no site: run make book")
    with serve(HTML) as address:
        yield address
