"""Every lesson keeps the form that makes it read the same on a page, in Jupyter and on Colab, and is clean code."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.lessons import all_lessons
from tools.lint import faults_of
from tools.paths import ROOT


@pytest.mark.parametrize("lesson", all_lessons(), ids=lambda lesson: lesson.name)
def test_a_lesson_keeps_the_form_of_the_book(lesson):
    assert list(faults_of(lesson)) == []


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=" ".join)
def test_ruff_finds_nothing(command):
    ruff = Path(sys.executable).parent / "ruff"
    done = subprocess.run([ruff, *command, "lessons"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
