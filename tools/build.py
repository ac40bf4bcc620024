"""Build the book: everything between the sources and _build/html.

Usage: python -m tools.build [--lesson part/name]
"""

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tools import execute, notebooks, site, vendor
from tools.lessons import all_lessons, find, sha256
from tools.paths import BUILD, EXTRA, HTML, ROOT

Result = TypeVar("Result")


def main() -> None:
    """Take every step, say how long it took, and end with where the book is."""
    parser = argparse.ArgumentParser(description="Build the book into _build/html.")
    parser.add_argument("--lesson", help="run only this lesson, and build a draft of the site", metavar="part/name")
    asked = parser.parse_args()
    lessons = [find(asked.lesson)] if asked.lesson else all_lessons()
    draft = asked.lesson is not None
    begin = time.perf_counter()
    step("fonts, MathJax, ONNX Runtime", vendor.vendor)
    wheel = step("the wheel of wm_core", build_wheel)
    count = step("lessons", lambda: execute.execute(lessons, force=draft))
    print(f"  {count} of {len(lessons)} run")
    step("notebooks", lambda: notebooks.publish(all_lessons(), wheel))
    step("pages", lambda: site.build(draft=draft))
    faults = [] if draft else step("check", site.check)
    if faults:
        raise SystemExit("the site is not complete:\n  " + "\n  ".join(faults))
    print(f"\nThe book is at {HTML / 'index.html'} ({time.perf_counter() - begin:.0f} s). Read it with: make serve")


def step(name: str, work: Callable[[], Result]) -> Result:
    """Do one step of the build and say how long it took."""
    print(f"{name} ...", flush=True)
    begin = time.perf_counter()
    result = work()
    print(f"{name}: {time.perf_counter() - begin:.1f} s", flush=True)
    return result


def build_wheel() -> str:
    """Build the wheel that the site serves, unless wm_core has not changed. Returns its file name."""
    target, stamp = EXTRA / "wheels", BUILD / "wheel.sha256"
    files = sorted(f for f in [*(ROOT / "wm_core").rglob("*"), ROOT / "pyproject.toml"] if _in_wheel(f))
    state = sha256(b"".join(str(f.relative_to(ROOT)).encode() + f.read_bytes() for f in files))
    built = list(target.glob("*.whl"))
    if not built or not stamp.exists() or stamp.read_text() != state:
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        command = [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            target,
            ROOT,
        ]
        subprocess.run([str(part) for part in command], check=True)
        stamp.write_text(state)
        built = list(target.glob("*.whl"))
    return built[0].name


def _in_wheel(file: Path) -> bool:
    return file.is_file() and "__pycache__" not in file.parts


if __name__ == "__main__":
    main()
