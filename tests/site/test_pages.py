"""Every page of the site: it loads without a fault, asks no other host, fits every screen, and axe has no objection."""

import pytest

from tools.lessons import all_lessons, toc_pages
from tools.paths import HTML
from tools.site import address

pytestmark = pytest.mark.site

MADE_BY_SPHINX = [page for page in ("search", "genindex", "py-modindex") if (HTML / f"{page}.html").exists()]
PAGES = [f"{page}.html" for page in [*toc_pages(), *MADE_BY_SPHINX]]
LESSONS = [f"lessons/{lesson.name}.html" for lesson in all_lessons()]

#: What a lesson may weigh before the reader presses Run, in bytes as they cross the network.
HEAVIEST = 1.5e6


def test_the_site_has_the_pages_of_the_book_and_no_others(site):
    assert sorted(file.relative_to(HTML).as_posix() for file in HTML.rglob("*.html")) == sorted(PAGES)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_without_a_fault_and_asks_no_other_host(visit, path):
    page, faults, _ = visit(path, until="networkidle")
    assert faults == []
    assert page.title()
    broken = page.evaluate("[...document.images].filter(i => !i.naturalWidth).map(i => i.src)")
    assert broken == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_every_screen(visit, path):
    page, *_ = visit(path, viewport={"width": 360, "height": 740})
    for width in (360, 768, 1280, 1600):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"at {width} px"


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_no_serious_violation(visit, objections, path, scheme, width):
    page, *_ = visit(path, color_scheme=scheme, viewport={"width": width, "height": 800})
    assert objections(page) == []


@pytest.mark.parametrize("path", LESSONS)
def test_a_lesson_is_light_and_loads_no_model_before_run_is_pressed(visit, path):
    """The sum of all bodies as they crossed the network, read by a browser with an empty cache; nothing is compressed."""
    *_, answered = visit(path, until="networkidle")
    assert [
        request.url for request in answered if request.url.endswith((".onnx", ".wasm", "ort.wasm.bundle.min.mjs"))
    ] == []
    assert sum(request.sizes()["responseBodySize"] for request in answered) < HEAVIEST


@pytest.mark.parametrize("path", LESSONS)
def test_a_lesson_links_to_colab_only_where_a_repository_is_known(site, path):
    html = (HTML / path).read_text(encoding="utf-8")
    assert ("colab.research.google.com" in html) == (address().repository is not None)


def test_the_reader_chooses_a_theme_and_the_next_page_keeps_it(visit):
    page, *_ = visit("index.html", color_scheme="light")
    paper = "getComputedStyle(document.body).backgroundColor"
    seen = {page.evaluate(paper)}
    for theme in ("light", "dark"):
        page.get_by_role("button", name="Colour theme").click()
        assert page.locator("html").get_attribute("data-theme") == theme
    page.goto(page.url)
    assert page.locator("html").get_attribute("data-theme") == "dark"
    seen.add(page.evaluate(paper))
    assert len(seen) == 2


def test_on_a_phone_the_chapters_are_behind_a_button(visit):
    page, *_ = visit("index.html", viewport={"width": 360, "height": 740}, has_touch=True)
    chapters = page.get_by_role("navigation", name="Chapters of the book")
    assert not chapters.is_visible()
    page.get_by_role("button", name="Chapters").tap()
    chapters.get_by_role("link").last.tap()
    page.wait_for_url("**/book/bibliography.html")


def test_the_search_finds_a_word(visit):
    page, faults, _ = visit("index.html")
    page.get_by_role("searchbox", name="Search the book").fill("symplectic")
    page.keyboard.press("Enter")
    hits = page.locator("#search-results a")
    hits.first.wait_for()
    assert any("lessons/physics/hamiltonian.html" in hit.get_attribute("href") for hit in hits.all())
    assert faults == []
