"""Run every test of the book: units and the site in a real browser, then the lessons under nbval.

Usage: python -m tools.test [pytest's arguments, for the first of the two]
"""

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

from tools.browser import HOW_TO_GET_ONE, find_browser
from tools.lessons import Lesson, all_lessons

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
    failed = pytest(*(sys.argv[1:] or [*SIDE_BY_SIDE, "tests"])).returncode != 0
    if not sys.argv[1:]:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for run in pool.map(notebook_test, all_lessons()):
                print(run.stdout, end="", flush=True)
                failed |= run.returncode != 0
    raise SystemExit(failed)


def notebook_test(lesson: Lesson) -> subprocess.CompletedProcess:
    """Run a lesson's notebook again under nbval: no cell may raise, and tagged outputs must repeat."""
    notebook = str(lesson.run / "notebook.ipynb")
    with tempfile.TemporaryDirectory() as run:  # under nbval a lesson shows what its page shows, and leaves it here
        return pytest("--nbval-lax", "-p", "no:cacheprovider", notebook, quiet=True, WM_RUN_DIR=run)


def pytest(*arguments: str, quiet: bool = False, **environment: str) -> subprocess.CompletedProcess:
    """Start pytest; where ``quiet``, what it says comes back in ``stdout`` instead of being printed."""
    command = [sys.executable, "-m", "pytest", *arguments]
    to = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True} if quiet else {}
    return subprocess.run(command, env={**os.environ, **environment}, check=False, **to)


if __name__ == "__main__":
    main()
