"""Watches the page of a running demo in Chromium: first content, size, jumps, long tasks, and whether its heap grows.

``python benchmarks/page_heap.py [--minutes 30] [--warm-up 30]`` takes an hour: first the page fills with the half hour
of prices and fills that it keeps, then garbage is collected and the heap is read each minute. Claims: content within
1 s, at most 100 kB besides data, long tasks of at most 10 ms per second, at most 0.02 of layout shift per minute, and a
heap whose slope is below 10 kB per minute. Long tasks are counted by the clock, so a busy machine has more of them; the
processor time of the page's main thread is told beside them.
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
_READINGS = 5
FIRST = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


def main() -> None:
    """Start the demo, watch its page for so long, and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--warm-up", type=float, default=30.0)
    asked = parser.parse_args()
    length = asked.minutes + asked.warm_up + 3
    command = [sys.executable, "-m", "market_making.ops", "demo", f"--minutes={length}"]
    said = Path(tempfile.mkstemp()[1])
    with said.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as demo:
        try:
            with sync_playwright() as driver:
                browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
                page = browser.new_page(viewport={"width": 1280, "height": 900})
                _open(page, _address(said))
                watched(page, asked.warm_up, asked.minutes)
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


def watched(page: Page, warm_up: float, minutes: float) -> None:
    """Open the view of a pair once it trades, reload it, and look on."""
    page.locator("tbody a").first.click(timeout=180_000)
    page.locator(".why rect").first.wait_for(timeout=120_000)
    page.add_init_script(WATCH)
    page.reload()
    page.locator(".price path.line").first.wait_for(timeout=30_000)
    print(f"first content: {page.evaluate(FIRST):.0f} ms (claim: 1,000)")
    print(f"page besides data: {page.evaluate(BYTES) / 1e3:.1f} kB (claim: 100)")
    page.wait_for_timeout(warm_up * 60_000)
    devtools, began = page.context.new_cdp_session(page), time.monotonic()
    before = page.evaluate("window.seen")
    heaps = [_heap(page, devtools)]
    while time.monotonic() - began < 60 * minutes:
        page.wait_for_timeout(60_000)
        heaps.append(_heap(page, devtools))
        used_mb, nodes = heaps[-1]["JSHeapUsedSize"] / 1e6, heaps[-1]["Nodes"]
        print(f"{(time.monotonic() - began) / 60:5.1f} min: {used_mb:.2f} MB, {nodes:.0f} nodes")
    seen, spent_s = page.evaluate("window.seen"), time.monotonic() - began
    print(f"long tasks: {(seen['long_ms'] - before['long_ms']) / spent_s:.2f} ms/s (claim: 10)")
    worked_s = heaps[-1]["TaskDuration"] - heaps[0]["TaskDuration"]
    print(f"main thread: {1e3 * worked_s / spent_s:.1f} ms of processor time per second, collecting garbage included")
    print(f"layout shift: {60 * (seen['shift'] - before['shift']) / spent_s:.4f} per minute (claim: 0.02)")
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


def _heap(page: Page, devtools: CDPSession) -> dict[str, Any]:
    """The least of some readings: one that falls between two drawings finds both of them."""
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    readings = []
    for _ in range(_READINGS):
        devtools.send("HeapProfiler.collectGarbage")
        readings.append({one["name"]: one["value"] for one in devtools.send("Performance.getMetrics")["metrics"]})
        page.wait_for_timeout(1_000)
    return min(readings, key=lambda reading: reading["JSHeapUsedSize"])


def _slope(heap_kb: np.ndarray[Any, np.dtype[np.float64]]) -> None:
    """Print where it began and ended, and its slope with the 95 % interval."""
    fit = linregress(np.arange(len(heap_kb)), heap_kb)
    room = t.ppf(0.975, len(heap_kb) - 2) * fit.stderr
    print(
        f"heap: {heap_kb[0] / 1e3:.2f} MB at first, {heap_kb[-1] / 1e3:.2f} MB at last; slope {fit.slope:+.1f}", end=" "
    )
    print(f"({fit.slope - room:+.1f} … {fit.slope + room:+.1f}) kB per minute (claim: 10)")


if __name__ == "__main__":
    main()
