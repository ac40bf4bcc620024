"""The built site in a real browser that reaches no other machine and writes down all that goes wrong."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Locator, Page, Request, sync_playwright

from tools.browser import HOW_TO_GET_ONE, find_browser
from tools.paths import HTML, ROOT
from wm_core.lesson.figures import figure
from wm_core.lesson.live_figure import FOLDER, live

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


@pytest.fixture(scope="module")
def running(opening):
    """``with running(path, name) as visited``: a page with one of its live figures started by the keyboard."""

    @contextmanager
    def open_and_run(path: str, name: str, **options: object) -> Iterator[Visit]:
        with opening(path, **options) as visited:
            visited.figure(name).get_by_role("button", name="Run").press("Enter")
            visited.page.locator(f".wm-live[data-live={name}][data-state=running]").wait_for()
            yield visited

    return open_and_run


@pytest.fixture
def start(running):
    """Opens pages and starts a live figure on each, until the test ends."""
    with ExitStack() as stack:
        yield lambda *where, **options: stack.enter_context(running(*where, **options))


@pytest.fixture(scope="module")
def lay_out(needs):
    """Writes PAGE.html into a folder: one live figure and nothing else, with what it needs beside it as on the book's site."""

    def write(folder: Path, page: str, name: str, **settings: object) -> None:
        needs((HTML / "_static" / "vendor" / "onnxruntime").exists(), f"{HTML} holds no site: run make book")
        static, bundles = folder / "_static", []
        if not static.exists():
            (static / "live").mkdir(parents=True)
            (static / "vendor").symlink_to(HTML / "_static" / "vendor")
            for module in FOLDER.iterdir():
                (static / "live" / module.name).symlink_to(module)
            for file in ("wm.css", "wm.mjs"):
                (static / file).symlink_to(ROOT / "book" / "_theme" / "wm" / "static" / file)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("WM_RUN_DIR", str(folder / page))
            patch.setattr("IPython.display.display", lambda bundle, raw: bundles.append(bundle))
            (folder / page).mkdir()
            live(name, poster=figure()[0], caption="Drag.", alt="A picture.", **settings)
        (static / "live" / page).symlink_to(folder / page / "live")
        html = bundles[0]["text/html"].replace("<figure", f'<figure data-lesson="{page}"', 1)
        (folder / f"{page}.html").write_text(
            '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>A figure</title><link rel="icon" href="data:,">'
            '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="_static/wm.css">'
            '<body class="is-lesson"><button class="bar-theme" hidden></button><main class="text"><h1>A figure</h1>'
            f'{html}</main><script type="module" src="_static/wm.mjs"></script></body></html>'
        )

    return write


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
