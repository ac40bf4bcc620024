"""Every page of the site: it loads without a fault, asks no other host, fits every screen, and axe has no objection."""

import pytest

from tools.lessons import all_lessons, toc_pages
from tools.paths import HTML
from tools.site import BY_SPHINX, address

pytestmark = pytest.mark.site

PAGES = [f"{page}.html" for page in [*toc_pages(), *BY_SPHINX]]
LESSONS = [f"lessons/{lesson.name}.html" for lesson in all_lessons()]

#: What a lesson may weigh before the reader presses Run, in bytes as they cross the network.
HEAVIEST = 1.5e6


def test_the_site_has_the_pages_of_the_book_and_no_others(site):
    assert sorted(file.relative_to(HTML).as_posix() for file in HTML.rglob("*.html")) == sorted(PAGES)


@pytest.fixture(scope="module", params=PAGES)
def read(request, opening):
    """Each page in turn, opened once for all the tests that only look at it."""
    with opening(request.param, viewport={"width": 1280, "height": 800}) as visited:
        visited.page.evaluate("document.fonts.ready.then(() => true)")
        visited.page.wait_for_load_state("networkidle")
        yield visited


def test_a_page_loads_without_a_fault_and_asks_no_other_host(read):
    assert read.faults == []
    assert read.page.title()
    assert read.page.evaluate("[...document.images].filter(i => !i.naturalWidth).map(i => i.src)") == []


@pytest.mark.parametrize("read", LESSONS, indirect=True)
def test_a_lesson_is_light_and_loads_no_model_before_run_is_pressed(read):
    """The sum of all bodies as they crossed the network to an empty cache. This server compresses nothing."""
    heavy = (".onnx", ".wasm", "ort.wasm.bundle.min.mjs")
    assert [request.url for request in read.answered if request.url.endswith(heavy)] == []
    assert sum(request.sizes()["responseBodySize"] for request in read.answered) < HEAVIEST


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_violation(read, objections, scheme):
    read.page.emulate_media(color_scheme=scheme)
    read.page.set_viewport_size({"width": {"light": 1280, "dark": 360}[scheme], "height": 800})
    assert objections(read.page) == []


def test_a_page_fits_every_screen(read):
    for width in (360, 768, 1280, 1600):
        read.page.set_viewport_size({"width": width, "height": 800})
        assert read.page.evaluate("document.documentElement.scrollWidth") <= width, f"at {width} px"


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
    page, faults, _ = visit("index.html", until="networkidle")  # else leaving the page may break off its icon's request
    page.get_by_role("searchbox", name="Search the book").fill("symplectic")
    page.keyboard.press("Enter")
    hit = page.locator("#search-results li", has=page.locator("a[href*='lessons/physics/hamiltonian.html']")).first
    hit.locator(".context").wait_for()
    assert "symplectic" in hit.inner_text().lower()
    assert faults == []
