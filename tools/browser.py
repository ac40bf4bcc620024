"""Which browser the site's tests use."""

import os
import shutil
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
HOW_TO_GET_ONE = (
    "No Chromium or Chrome found: the browser tests are skipped. Get one with `apt install chromium`, "
    "`brew install --cask chromium`, or .venv/bin/playwright install chromium; or name one in WM_BROWSER."
)


def find_browser() -> str | None:
    """The path of a Chromium or Chrome: ``WM_BROWSER``, one on the PATH, an application, or Playwright's own."""
    named = os.environ.get("WM_BROWSER")
    found = [named, *(shutil.which(name) for name in NAMES), *MAC, _playwrights()]
    return next((path for path in found if path and Path(path).exists()), None)


def _playwrights() -> str | None:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    with sync_playwright() as playwright:
        return playwright.chromium.executable_path
