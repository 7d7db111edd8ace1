"""Watches the page of a running demo in Chromium: first content, size, jumps, long tasks, and whether its heap grows.

``python benchmarks/page_heap.py [--minutes 30]`` collects garbage and reads the heap each minute. Claims: content
within 1 s, at most 100 kB besides data, long tasks of at most 10 ms per second, a layout shift of at most 0.02, and a
heap that does not grow: its slope over the second half of the run is below 10 kB per minute.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import CDPSession, Error, Page, sync_playwright
from scipy.stats import linregress, t

WATCH = """
window.seen = { shift: 0, long_ms: 0 };
const jumped = (list) => { for (const e of list.getEntries()) if (!e.hadRecentInput) window.seen.shift += e.value; };
const worked = (list) => { for (const e of list.getEntries()) window.seen.long_ms += e.duration; };
new PerformanceObserver(jumped).observe({ type: 'layout-shift', buffered: true });
new PerformanceObserver(worked).observe({ type: 'longtask', buffered: true });
"""
BYTES = """performance.getEntriesByType('resource').filter((e) => !e.name.includes('/api/'))
  .reduce((sum, e) => sum + e.transferSize, performance.getEntriesByType('navigation')[0].transferSize)"""
FIRST = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
WARM_UP_MINUTES = 2


def main() -> None:
    """Start the demo, watch its page for so long, and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    minutes = parser.parse_args().minutes
    command = [sys.executable, "-m", "market_making.ops", "demo", f"--minutes={minutes + WARM_UP_MINUTES + 3}"]
    said = Path(tempfile.mkstemp()[1])
    with said.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as demo:
        try:
            with sync_playwright() as driver:
                browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
                watched(browser.new_page(viewport={"width": 1280, "height": 900}), _address(said), minutes)
                browser.close()
        finally:
            demo.terminate()
    said.unlink()


def _address(said: Path) -> str:
    for _ in range(600):
        if found := re.search(r"^the page: (http://\S+)$", said.read_text(), re.MULTILINE):
            return found[1]
        time.sleep(0.1)
    raise SystemExit("the demo did not say where its page is")


def watched(page: Page, url: str, minutes: float) -> None:
    """Open the view of a pair once it trades, reload it, and look on."""
    _open(page, url)
    page.locator("tbody a").first.click(timeout=180_000)
    page.locator(".why rect").first.wait_for(timeout=120_000)
    page.add_init_script(WATCH)
    page.reload()
    page.locator(".price path.line").first.wait_for(timeout=30_000)
    print(f"first content: {page.evaluate(FIRST):.0f} ms (claim: 1,000)")
    print(f"page besides data: {page.evaluate(BYTES) / 1e3:.1f} kB (claim: 100)")
    page.wait_for_timeout(WARM_UP_MINUTES * 60_000)
    devtools, began = page.context.new_cdp_session(page), time.monotonic()
    before = page.evaluate("window.seen.long_ms")
    heaps = [_heap(devtools)]
    while time.monotonic() - began < 60 * minutes:
        page.wait_for_timeout(60_000)
        heaps.append(_heap(devtools))
        used_mb, nodes = heaps[-1]["JSHeapUsedSize"] / 1e6, heaps[-1]["Nodes"]
        print(f"{(time.monotonic() - began) / 60:5.1f} min: {used_mb:.2f} MB, {nodes:.0f} nodes")
    seen, spent_s = page.evaluate("window.seen"), time.monotonic() - began
    print(f"long tasks: {(seen['long_ms'] - before) / spent_s:.2f} ms/s (claim: 10)")
    print(f"layout shift: {seen['shift']:.4f} (claim: 0.02)")
    _slope(np.array([heap["JSHeapUsedSize"] for heap in heaps]) / 1e3)


def _open(page: Page, url: str) -> None:
    for _ in range(120):
        try:
            page.goto(url)
        except Error:  # refused: the page starts a little after the demo has said where it will be
            page.wait_for_timeout(500)
        else:
            return
    raise SystemExit(f"the page did not answer at {url}")


def _heap(devtools: CDPSession) -> dict[str, Any]:
    devtools.send("HeapProfiler.collectGarbage")
    devtools.send("Performance.enable")
    return {one["name"]: one["value"] for one in devtools.send("Performance.getMetrics")["metrics"]}


def _slope(heap_kb: np.ndarray) -> None:
    """The first half fills the half hour of prices that the page keeps."""
    half = heap_kb[len(heap_kb) // 2 :]
    fit = linregress(np.arange(len(half)), half)
    room = t.ppf(0.975, len(half) - 2) * fit.stderr
    print(
        f"heap: {heap_kb[0] / 1e3:.2f} MB at first, {heap_kb[-1] / 1e3:.2f} MB at last; slope of the second half",
        end=" ",
    )
    print(f"{fit.slope:+.1f} ({fit.slope - room:+.1f} … {fit.slope + room:+.1f}) kB per minute (claim: 10)")


if __name__ == "__main__":
    main()
