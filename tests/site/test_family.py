"""The table of the JEPA family in a browser: a measure is chosen with the keyboard, and every number can be reached."""

import pytest

pytestmark = pytest.mark.site

PAGE = "book/jepa.html"


@pytest.fixture
def family(visit):
    return visit(PAGE, viewport={"width": 375, "height": 800}).page.locator(".wm-family")


def test_one_panel_is_shown_and_the_arrow_keys_choose_another(family):
    panels = family.locator(".wm-dots")
    assert panels.evaluate_all("all => all.filter(p => p.offsetHeight).length") == 1
    before = panels.evaluate_all("all => all.findIndex(p => p.offsetHeight)")
    family.locator("input:checked").press("ArrowRight")
    after = panels.evaluate_all("all => all.findIndex(p => p.offsetHeight)")
    assert after == before + 1
    assert panels.evaluate_all("all => all.filter(p => p.offsetHeight).length") == 1


def test_every_dot_lies_on_its_line(family):
    for choice in family.locator("label").all():
        choice.click()
        outside = family.locator(".wm-dots-line").evaluate_all(
            """all => all.filter(line => line.offsetHeight).flatMap(line => [...line.children].filter(mark => {
                const [a, b] = [line.getBoundingClientRect(), mark.getBoundingClientRect()];
                const middle = (b.left + b.right) / 2;
                return middle < a.left - 1 || middle > a.right + 1;
            })).length"""
        )
        assert outside == 0


def test_the_table_scrolls_within_itself_and_keeps_the_names_in_sight(visit):
    page = visit(PAGE, viewport={"width": 375, "height": 800}).page
    table = page.locator(".wm-family-table")
    table.evaluate("t => (t.scrollLeft = 600)")
    name = table.locator("tbody th").first
    assert abs(name.bounding_box()["x"] - table.bounding_box()["x"]) < 2
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
