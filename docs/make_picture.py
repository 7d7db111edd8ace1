"""Makes docs/page.png: the page of a running `mm demo`, in Chromium.

Run it from the repository's root as ``python docs/make_picture.py``; it takes three minutes.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Error, Page, sync_playwright

PICTURE = Path(__file__).parent / "page.png"
MINUTES = 3.0
SIZE = {"width": 1100, "height": 914}
_ENOUGH_MS = 100_000


def main() -> None:
    """Start the demo, wait until there is something to see, and take the picture."""
    command = [sys.executable, "-m", "market_making.ops", "demo", f"--minutes={MINUTES}"]
    said = Path(tempfile.mkstemp()[1])
    with said.open("wb") as output, subprocess.Popen(command, stderr=output) as demo:  # noqa: S603 - our own program
        take(_address(said))
        demo.wait()
    said.unlink()


def _address(said: Path) -> str:
    """Where the demo says that its page is."""
    for _ in range(600):
        found = re.search(r"^the page: (http://\S+)$", said.read_text(), re.MULTILINE)
        if found:
            return found[1]
        time.sleep(0.1)
    raise SystemExit("the demo did not say where its page is")


def take(url: str) -> None:
    """Open the first pair, and wait until it has traded for a while."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE)
        _open(page, url)
        page.locator("tbody a").first.click(timeout=120_000)
        page.wait_for_timeout(_ENOUGH_MS)
        page.locator(".why rect.add, .why rect.less").first.wait_for(timeout=30_000)
        page.evaluate("scrollTo(0, 0)")
        last = page.locator(".panel", has=page.locator(".inventory")).bounding_box()
        assert last is not None, "the page has no inventory to end with"  # noqa: S101 - a script for people
        bottom = round(last["y"] + last["height"]) + 8
        page.screenshot(path=PICTURE, full_page=True, clip={"x": 0, "y": 0, "width": SIZE["width"], "height": bottom})
        browser.close()


def _open(page: Page, url: str) -> None:
    """The page starts a little after the demo has said where it will be."""
    for _ in range(120):
        try:
            page.goto(url)
        except Error:  # refused
            page.wait_for_timeout(500)
        else:
            return
    raise SystemExit(f"the page did not answer at {url}")


if __name__ == "__main__":
    main()
