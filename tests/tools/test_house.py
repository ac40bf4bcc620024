"""What the house says of itself in several places is the same in all of them."""

import re

import pytest
import yaml

import wm_core
from tools.lessons import all_lessons
from tools.paths import ROOT, TOC

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_command_that_is_written_down_is_one_of_makes():
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), flags=re.M))
    written = set(re.findall(r"(?<![\w-])make ([a-z-]+)(?=[\s`,)]| L=)", read("README.md")))
    assert {"book", "test", "serve", "lint", "lesson", "full", "new-lesson"} <= written <= targets


def test_the_citation_names_the_version_that_is_there():
    assert yaml.safe_load(read("CITATION.cff"))["version"] == wm_core.__version__


def test_links_of_the_front_pages_lead_somewhere():
    for page in ("README.md", "CONTRIBUTING.md"):
        targets = re.findall(r"(?<!!)\[[^\]]*\]\((?!https?:)([^)\s]+)\)", read(page))
        assert targets
        assert [target for target in targets if not (ROOT / target).exists()] == []


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_workflow_says_what_it_may_and_that_runs_do_not_pile_up(file):
    workflow = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert "write" not in str(workflow["permissions"])  # a job that must write asks for it itself
    assert workflow["concurrency"]["group"]
    assert all(job["timeout-minutes"] for job in workflow["jobs"].values())


def test_there_are_workflows_for_testing_publishing_and_every_week():
    assert {file.stem for file in WORKFLOWS} == {"test", "publish", "weekly"}


def test_no_chapter_is_both_written_and_to_come():
    coming = {part["part"]: part["coming"] for part in yaml.safe_load(read("book/coming.yml"))}
    captions = [part["caption"] for part in yaml.safe_load(TOC.read_text(encoding="utf-8"))["parts"]]
    written = {lesson.name for lesson in all_lessons()}
    assert written.isdisjoint(f"{part.lower()}/{name}" for part, names in coming.items() for name in names)
    assert {name.split("/")[0] for name in written} <= {part.lower() for part in coming}
    assert [caption for caption in captions if caption in coming] == [part for part in coming if part in captions]
