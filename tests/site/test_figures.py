"""Figures in every state a reader may meet them: no JavaScript, sliders moved, on paper, with reduced motion."""

import base64
import gzip
import json
import re

import pytest

from tools.paths import HTML

pytestmark = pytest.mark.site


def pages_with(kind: str) -> list[str]:
    """The pages that show a figure of this kind."""
    pages = sorted(HTML.rglob("*.html"))
    found = [
        page for page in pages if re.search(rf'<figure[^>]*class="[^"]*\b{kind}\b', page.read_text(encoding="utf-8"))
    ]
    return [page.relative_to(HTML).as_posix() for page in found]


LIVE, SLIDERS = pages_with("wm-live"), pages_with("wm-explore")
A4 = {"width": 718, "height": 1046}  # A4 at 96 dots an inch, less a centimetre of margin on every side


def test_each_kind_of_figure_is_somewhere(site):
    assert LIVE
    assert SLIDERS


@pytest.mark.parametrize("path", sorted({*LIVE, *SLIDERS}))
def test_without_javascript_every_figure_is_a_picture_with_words(visit, path):
    page, faults, _ = visit(path, java_script_enabled=False)
    for figure in page.locator("figure.wm-live, figure.wm-figure").all():
        box = figure.locator("svg").first.bounding_box()
        assert box["width"] > 100
        assert box["height"] > 50
        assert len(figure.locator("figcaption").inner_text()) > 20
        assert figure.locator("button, input").filter(visible=True).count() == 0  # nothing to press that does nothing
    for figure in page.locator("figure.wm-live").all():
        assert "needs JavaScript" in figure.get_by_role("status").inner_text()
    assert faults == []


@pytest.mark.parametrize("path", [path for path in LIVE if path.startswith("lessons/")])
def test_without_javascript_equations_are_set_and_can_be_heard(visit, path):
    page, *_ = visit(path, java_script_enabled=False)
    shown = page.locator("mjx-container[display=true]").all()
    assert len(shown) >= 3
    assert all(equation.bounding_box()["height"] > 15 for equation in shown)
    assert page.locator("mjx-container").count() == page.locator(".math-said math").count()
    for _ in range(100):  # fonts come when they come
        if page.evaluate("[...document.fonts].some(f => f.family.startsWith('MJX') && f.status === 'loaded')"):
            return
        page.wait_for_timeout(50)
    pytest.fail("no font of the equations was loaded")


@pytest.mark.parametrize("path", SLIDERS)
def test_a_slider_moved_by_keyboard_shows_the_drawing_of_its_setting(visit, path):
    page, faults, _ = visit(path)
    for figure in page.locator(".wm-explore").all():
        packed = figure.locator("script").text_content()
        drawings = json.loads(gzip.decompress(base64.b64decode(packed)))
        sliders = figure.get_by_role("slider").all()
        settings = [json.loads(slider.get_attribute("data-values")) for slider in sliders]
        for slider in sliders[::-1]:
            slider.press("Home")
        assert shows(figure, drawings[0])
        sliders[-1].press("ArrowRight")
        assert shows(figure, drawings[1])
        assert sliders[-1].get_attribute("aria-valuetext") == settings[-1][1]
        assert figure.locator("output").last.inner_text() == settings[-1][1]
        for slider in sliders:
            slider.press("End")
        assert shows(figure, drawings[-1])
    assert faults == []


def shows(figure, drawing: str) -> bool:
    """Waits until a figure's frame holds this drawing, as its words and its size in characters tell."""
    label = re.search(r'aria-label="([^"]*)"', drawing)[1]
    figure.locator(f'.wm-explore-frame svg[aria-label="{label}"]').wait_for()
    return figure.locator(".wm-explore-frame").inner_html().count("<path") == drawing.count("<path")


@pytest.mark.parametrize("path", sorted({*LIVE, *SLIDERS}))
def test_paper_shows_the_text_and_whole_figures_and_nothing_to_press(visit, path):
    page, *_ = visit(path, viewport=A4)
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator("nav, button, input, select, .bar, .badges, .foot").filter(visible=True).count() == 0
    assert page.evaluate("getComputedStyle(document.body).colorScheme") == "light"
    cut = page.evaluate("""([width, height]) => [...document.querySelectorAll("main figure, main pre, main table, main img, main mjx-container")]
        .filter((e) => e.checkVisibility())
        .filter((e) => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== "visible"
            || e.getBoundingClientRect().right > width + 1
            || e.matches("figure") && (e.getBoundingClientRect().height > height || getComputedStyle(e).breakInside !== "avoid"))
        .map((e) => e.outerHTML.slice(0, 100))""", [A4["width"], A4["height"]])  # fmt: skip
    assert cut == []


@pytest.mark.parametrize("path", LIVE)
def test_with_reduced_motion_nothing_moves_by_itself(visit, path):
    page, *_ = visit(path, reduced_motion="reduce")
    for figure in page.locator(".wm-live").all():
        figure.get_by_role("button", name="Run").press("Enter")
    page.wait_for_function("[...document.querySelectorAll('.wm-live')].every(f => f.dataset.state === 'running')")
    pictures = "[...document.querySelectorAll('.wm-live canvas')].map(c => c.toDataURL())"
    before = page.evaluate(pictures)
    page.wait_for_timeout(500)
    assert page.evaluate(pictures) == before
    assert page.evaluate("document.getAnimations().length") == 0
    moving = "[...document.querySelectorAll('*')].filter(e => getComputedStyle(e).scrollBehavior === 'smooth').length"
    assert page.evaluate(moving) == 0
