"""The site: its address, its static files, the Sphinx build, and the check that nothing is missing from it."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tools.lessons import all_lessons, toc_pages
from tools.paths import EXTRA, HTML, ROOT, STATIC

THEME = ROOT / "book" / "_theme" / "wm"
LIVE = ROOT / "wm_core" / "lesson" / "live_figures"

#: Pages that Sphinx adds to those of _toc.yml.
BY_SPHINX = ("search", "genindex", "py-modindex")

#: Where `make serve` serves the site: the address of a site that has no other.
LOCAL = "http://localhost:8000"


@dataclass(frozen=True)
class Address:
    """Where the site will be, and the GitHub repository (``owner/name``) it comes from, if any."""

    site: str
    repository: str | None

    def colab(self, lesson: str) -> str:
        """Where Colab opens a lesson's notebook; it reads GitHub, so the notebook must be on the branch gh-pages."""
        return f"https://colab.research.google.com/github/{self.repository}/blob/gh-pages/notebooks/{lesson}.ipynb"


def address() -> Address:
    """The site's address from ``WM_SITE``, and the repository from ``GITHUB_REPOSITORY`` or the git remote.

    The sources name neither. Without a repository there is no Colab button; without an address the notebooks point to
    where `make serve` serves the site.
    """
    repository = os.environ.get("GITHUB_REPOSITORY") or _remote()
    pages = None
    if repository:
        owner, name = repository.split("/")
        pages = f"https://{owner.lower()}.github.io/{name}"
    return Address(site=(os.environ.get("WM_SITE") or pages or LOCAL).rstrip("/"), repository=repository)


def _remote() -> str | None:
    asked = subprocess.run(
        ["git", "remote", "get-url", "origin"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    match = re.search(r"github\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?$", asked.stdout.strip())
    return match[1] if match else None


def lay_out_static() -> None:
    """Bring the live figures' modules and every lesson's exported networks to where the site serves them."""
    target = STATIC / "live"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(LIVE, target, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for lesson in all_lessons():
        for file in sorted((lesson.run / "live").glob("*.onnx")):
            (target / lesson.name).mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, target / lesson.name)


def assets_version() -> str:
    """A short hash of the site's own CSS and JavaScript, so that a browser never keeps an old one."""
    digest = hashlib.sha256()
    for file in sorted([*THEME.rglob("*.css"), *THEME.rglob("*.mjs"), *LIVE.glob("*.mjs")]):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:8]


def build(*, draft: bool = False) -> None:
    """Run Jupyter Book. A warning is an error, except in a draft.

    Raises:
        SystemExit: the build failed.
    """
    lay_out_static()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "WM_ASSETS_VERSION": assets_version()}
    strict = [] if draft else ["--warningiserror", "--keep-going"]
    if draft:
        environment["WM_DRAFT"] = "1"
    command = [str(Path(sys.executable).parent / "jupyter-book"), "build", str(ROOT), "--quiet", *strict]
    if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:
        raise SystemExit("the site was not built: see above")
    sweep()


def sweep() -> None:
    """Remove from the site what the book no longer has; Sphinx leaves old pages, notebooks and wheels where they were."""
    pages = {HTML / f"{page}.html" for page in [*toc_pages(), *BY_SPHINX]}
    files = {HTML / file.relative_to(EXTRA) for file in EXTRA.rglob("*")}
    old = [*HTML.rglob("*.html"), *(HTML / "notebooks").rglob("*.ipynb"), *(HTML / "wheels").glob("*.whl")]
    for file in {*old} - pages - files:
        file.unlink()


def check() -> list[str]:
    """Everything that is missing from the built site; an empty list is a complete site."""
    faults = []
    for page in toc_pages():
        file = HTML / f"{page}.html"
        if not file.exists():
            faults.append(f"{page}.html is missing")
    for lesson in all_lessons():
        faults += [f"{lesson.name}: {fault}" for fault in _lesson_faults(lesson)]
    return faults


def _lesson_faults(lesson) -> list[str]:
    page = HTML / "lessons" / f"{lesson.name}.html"
    notebook = HTML / "notebooks" / f"{lesson.name}.ipynb"
    if not page.exists():
        return ["no page"]
    html = page.read_text(encoding="utf-8")
    faults = [] if notebook.exists() else ["no notebook beside its page"]
    if not (lesson.run / "run.json").exists():
        return [*faults, "was not executed"]
    import nbformat

    cells = nbformat.read(lesson.run / "notebook.ipynb", as_version=4).cells
    shown = {"wm-figure": 0, "wm-live": 0, "wm-claim": 0, "wm-check": 0}
    for cell in cells:
        for output in cell.get("outputs", []):
            text = str(output.get("data", {}).get("text/html", ""))
            for kind in shown:
                shown[kind] += len(re.findall(rf'class="{kind}[" ]', text))
    for kind, count in shown.items():
        got = len(re.findall(rf'class="{kind}[" ]', html))
        if got != count:
            faults.append(f"the run showed {count} of {kind}, the page shows {got}")
    for model in re.findall(r'"([\w-]+\.onnx)"', html):
        if not (HTML / "_static" / "live" / lesson.name / model).exists():
            faults.append(f"its model {model} is not in the site")
    return faults
