"""A plugin for nbval: it runs a notebook as a reader meets it, and keeps what the reader sees.

Usage: python -m pytest -p nbval.plugin -p tools.reader --nbval-lax --nbval-kernel-name=NAME --seen=FILE NOTEBOOK
"""

import tempfile

import nbformat
import pytest
import zmq
from jupyter_client.manager import KernelManager
from nbval import kernel

WIDGET = "application/vnd.jupyter.widget-view+json"


class OnFiles(KernelManager):
    """A kernel that listens on files, not on ports: kernels that start together may take each other's ports."""

    def __init__(self, folder: str, **settings: object):
        super().__init__(transport="ipc", ip=f"{folder}/kernel", **settings)

    def client(self, **settings: object):
        """A client that loses no message, however many a progress bar sends while nbval waits for the cell's end."""
        context = zmq.Context()
        context.setsockopt(zmq.RCVHWM, 0)
        return super().client(context=context, **settings)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seen", metavar="FILE", help="write the notebook with this run's outputs there")


def pytest_configure(config: pytest.Config) -> None:
    folder = tempfile.TemporaryDirectory(prefix="wm")
    config.add_cleanup(folder.cleanup)
    kernel.KernelManager = lambda **settings: OnFiles(folder.name, **settings)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.compare_outputs = lambda new, old, compare=item.compare_outputs: compare(results(new), old)


def results(outputs: list) -> list:
    """The outputs without widgets: where a reader watches a progress bar, the page's own run was silent."""
    return [output for output in outputs if WIDGET not in output.get("data", {})]


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not session.config.option.seen or not session.items:
        return
    for item in session.items:
        item.cell.outputs = item.test_outputs or []
    nbformat.write(session.items[0].parent.nb, session.config.option.seen)
