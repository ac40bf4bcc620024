"""The built site in a real browser that reaches no other machine and writes down all that goes wrong."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Locator, Page, Request, sync_playwright

from tools.browser import HOW_TO_GET_ONE, find_browser
from tools.paths import ROOT

AXE = ROOT / "book" / "node_modules" / "axe-core" / "axe.min.js"


class Visit(NamedTuple):
    """A page of the site, and since it was opened: all that went wrong, and every request that was answered.

    Wrong is a warning or error on the console, a failed request, and a request to another host.
    """

    page: Page
    faults: list[str]
    answered: list[Request]

    def figure(self, name: str) -> Locator:
        return self.page.locator(f".wm-live[data-live={name}]")


@pytest.fixture(scope="module")
def browser(needs) -> Browser:
    path = find_browser()
    needs(path, HOW_TO_GET_ONE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def opening(browser, site):
    """``with opening(path) as visited``: a page as it meets a reader who has never been here."""

    @contextmanager
    def open_page(path: str, *, until: str = "load", **options: object) -> Iterator[Visit]:
        with browser.new_context(**options) as context:
            context.set_default_timeout(
                120_000
            )  # milliseconds: figures compute, and a shared machine may take four times as long
            faults, answered = watch(context, site), []
            context.on("requestfinished", lambda request: answered.append(request))
            page = context.new_page()
            assert page.goto(f"{site}/{path}", wait_until=until).status == 200, path
            yield Visit(page, faults, answered)

    return open_page


@pytest.fixture
def visit(opening):
    """Opens pages until the test ends."""
    with ExitStack() as stack:
        yield lambda *where, **options: stack.enter_context(opening(*where, **options))


@pytest.fixture
def start(visit):
    """Opens a page and starts one of its live figures with the keyboard."""

    def open_and_run(path: str, name: str, **options: object) -> Visit:
        visited = visit(path, **options)
        visited.figure(name).get_by_role("button", name="Run").press("Enter")
        visited.page.locator(f".wm-live[data-live={name}][data-state=running]").wait_for()
        return visited

    return open_and_run


@pytest.fixture
def objections():
    """What axe finds serious or critical on a page or in a part of it, a line each."""

    def ask(page: Page, part: str = "html") -> list[str]:
        page.evaluate(AXE.read_text())
        found = page.evaluate("part => axe.run(part, {resultTypes: ['violations']})", part)["violations"]
        return [
            f"{rule['id']} ({rule['impact']}, {len(rule['nodes'])} times): {rule['nodes'][0]['html'][:150]}"
            for rule in found
            if rule["impact"] in ("serious", "critical")
        ]

    return ask


def watch(context, site: str) -> list[str]:
    """Cut a browser context off from every host but the site's, and list all that goes wrong in it."""
    faults = []

    def refuse(route):
        faults.append(f"asks another host: {route.request.url}")
        route.abort()

    def hear(message):
        if message.type in ("error", "warning"):
            faults.append(f"console {message.type}: {message.text}")

    def receive(response):
        if response.status >= 400:
            faults.append(f"{response.status}: {response.url}")

    context.route(lambda url: not url.startswith((site, "data:", "blob:")), refuse)
    context.on("console", hear)
    context.on("weberror", lambda error: faults.append(f"uncaught: {error.error}"))
    context.on("requestfailed", lambda request: faults.append(f"{request.failure}: {request.url}"))
    context.on("response", receive)
    return faults
