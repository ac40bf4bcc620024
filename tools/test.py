"""Run every test of the book: units, the site in a real browser, and the lessons under nbval.

Usage: python -m tools.test [pytest's arguments]
"""

import os
import subprocess
import sys

from tools.browser import HOW_TO_GET_ONE, find_browser

#: Processes that test side by side. Each computes on one core.
AT_ONCE = min(4, os.cpu_count() or 1)

#: The tests of a file share what they set up, so a file stays in one process; tests/conftest.py says in which order.
SIDE_BY_SIDE = (f"--numprocesses={AT_ONCE}", "--dist=loadfile", "--no-loadscope-reorder")


def main() -> None:
    """Run them and end as pytest ends."""
    if find_browser() is None:
        print(HOW_TO_GET_ONE)
        if os.environ.get("CI"):
            raise SystemExit("CI=true: the site must be tested in a browser")
    arguments = sys.argv[1:] or [*SIDE_BY_SIDE, "tests"]
    raise SystemExit(subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False).returncode)


if __name__ == "__main__":
    main()
