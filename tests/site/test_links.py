"""Every link, image, script, style and label of every page leads to something that is there."""

import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import nbformat
import pytest

from tools.lessons import all_lessons
from tools.paths import HTML
from tools.site import address

pytestmark = pytest.mark.site

HOME = "http://this.site/"
FILES = sorted(file.relative_to(HTML).as_posix() for file in HTML.rglob("*.html"))
POINTERS = ("href", "src", "poster", "action", "xlink:href")
NAMES = ("aria-labelledby", "aria-describedby", "aria-controls", "for", "popovertarget")


class Page(HTMLParser):
    """The ids of a page and everything in it that points somewhere."""

    def __init__(self, text: str):
        super().__init__()
        self.ids: list[str] = []
        self.targets: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for key, value in attributes:
            if key == "id" or (key == "name" and tag == "a"):
                self.ids.append(value)
            elif key in POINTERS:
                self.targets.add(value)
            elif key in NAMES:
                self.targets.update(f"#{name}" for name in value.split())
            elif key in ("clip-path", "style"):
                self.targets.update(re.findall(r"url\(['\"]?(.*?)['\"]?\)", value))


@cache
def read(path: str) -> Page:
    return Page((HTML / path).read_text(encoding="utf-8"))


def lost(target: str, *, of: str) -> bool:
    """True where a page's target is on this site and is not there."""
    parts = urlsplit(urljoin(f"{HOME}{of}", target))
    if parts.netloc != "this.site":
        return parts.scheme not in ("http", "https", "mailto", "data")
    path = unquote(parts.path).lstrip("/")
    path = f"{path}index.html" if path == "" or path.endswith("/") else path
    if not (HTML / path).is_file():
        return True
    return bool(parts.fragment) and path.endswith(".html") and unquote(parts.fragment) not in read(path).ids


@pytest.mark.parametrize("path", FILES)
def test_every_link_of_a_page_leads_somewhere(path):
    assert [target for target in sorted(read(path).targets) if lost(target, of=path)] == []


@pytest.mark.parametrize("path", FILES)
def test_no_two_elements_of_a_page_share_an_id(path):
    ids = read(path).ids
    assert sorted({name for name in ids if ids.count(name) > 1}) == []


@pytest.mark.parametrize("sheet", ["wm.css", "mathjax.css"])
def test_every_font_of_a_style_sheet_is_there(site, sheet):
    text = (HTML / "_static" / sheet).read_text(encoding="utf-8")
    fonts = re.findall(r"url\([\"']?(.*?)[\"']?\)", text)
    assert fonts
    assert [font for font in fonts if lost(font, of=f"_static/{sheet}")] == []


@pytest.mark.parametrize("lesson", all_lessons(), ids=lambda lesson: lesson.name)
def test_every_link_of_a_published_notebook_is_absolute_and_leads_to_this_site_or_another(site, lesson):
    home = address().site
    notebook = nbformat.read(HTML / "notebooks" / f"{lesson.name}.ipynb", as_version=4)
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    prose = re.sub(r"```.*?```|`[^`]*`|\$[^$]*\$", "", prose, flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)", prose) + re.findall(r'(?:src|href)="([^"]+)"', prose)
    assert targets
    assert [target for target in targets if not target.startswith(("https://", "http://", "#"))] == []
    ours = [target.removeprefix(home) for target in targets if target.startswith(f"{home}/")]
    assert [target for target in ours if lost(target, of="index.html")] == []


def test_a_link_that_leads_nowhere_is_found(site):
    page = next(Path(file).as_posix() for file in FILES if file == "index.html")
    assert lost("no/such/page.html", of=page)
    assert lost("#no-such-place", of=page)
    assert not lost("#main", of=page)
    assert not lost("https://example.org/anything", of=page)
