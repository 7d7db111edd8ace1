"""A view of the page, opened in a real browser."""

import shutil

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
IN_A_BROWSER = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"),
    # Chromium's driver leaves the closing of its pipes to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


def opened(browser, server, view, size=DESK, scheme="light"):
    """Open a view; whatever the page complains about is kept."""
    context = browser.new_context(viewport=size, color_scheme=scheme)
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda said: page.complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(f"{server.url}/#/{view}")
    return page
