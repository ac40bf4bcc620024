"""Run every test of the book: units and the site in a real browser, then the lessons under nbval.

Usage: python -m tools.test [pytest's arguments, for the first of the two]
"""

import os
import subprocess
import sys
import tempfile

from tools.browser import HOW_TO_GET_ONE, find_browser
from tools.lessons import all_lessons

#: Processes that test side by side. Each computes on one core.
AT_ONCE = min(4, os.cpu_count() or 1)

#: The tests of a file share what they set up, so a file stays in one process.
SIDE_BY_SIDE = (f"--numprocesses={AT_ONCE}", "--dist=loadfile")


def main() -> None:
    """Run both, whatever the first says, and end with failure if either failed."""
    if find_browser() is None:
        print(HOW_TO_GET_ONE)
        if os.environ.get("CI"):
            raise SystemExit("CI=true: the site must be tested in a browser")
    failed = pytest(*(sys.argv[1:] or [*SIDE_BY_SIDE, "tests"]))
    if not sys.argv[1:]:  # one notebook after another: kernels that start together may take each other's ports
        notebooks = [str(lesson.run / "notebook.ipynb") for lesson in all_lessons()]
        with tempfile.TemporaryDirectory() as run:  # under nbval a lesson shows what its page shows, and leaves it here
            failed |= pytest("--nbval-lax", "-p", "no:cacheprovider", *notebooks, WM_RUN_DIR=run)
    raise SystemExit(failed)


def pytest(*arguments: str, **environment: str) -> bool:
    """Start pytest and tell whether it failed."""
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, env={**os.environ, **environment}, check=False).returncode != 0


if __name__ == "__main__":
    main()
