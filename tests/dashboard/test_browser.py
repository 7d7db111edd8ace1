"""The page in a real browser: it shows what the bots have written, on every width, and never jumps."""

import re
from contextlib import closing

import pytest

from calibration.publication.history import HistoryWriter
from market_making.market.clock import now_ms
from market_making.safety.state_file import (
    RestingState,
    write_state,
)
from tests.dashboard.browsing import DESK, IN_A_BROWSER, PHONE, opened
from tests.dashboard.served import Served
from tests.dashboard.written import MID, TERMS, bot_state, pair_state, write_all
from tests.polling import until
from tests.puppet_market import parameters

pytestmark = IN_A_BROWSER
SHOWN_MS = 4_000  # a few readings of the state files
LAYOUT_SHIFT = """() => {
  window.shift = 0;
  const add = (list) => { for (const entry of list.getEntries()) window.shift += entry.value; };
  new PerformanceObserver(add).observe({ type: 'layout-shift', buffered: true });
}"""
BYTES = """performance.getEntriesByType('resource').filter((entry) => !entry.name.includes('/api/'))
  .map((entry) => entry.transferSize)"""


def test_a_quote_is_explained_by_terms_that_sum_to_its_price(browser, served):
    """From mid to the resting price, in the bot's own terms."""
    page = opened(browser, served, "pair/bot/ETH%2FUSDC%3AUSDC")
    picture = page.locator(".why svg")
    picture.wait_for(timeout=5_000)
    text = picture.text_content()
    assert picture.get_attribute("aria-label") == "From mid 3,000.0 to the bid at 2,986.8"
    for name, value in (
        ("room 1/κ", "-0.342"),
        ("adverse selection", "-2.773"),
        ("maker fee", "-2.881"),
        ("inventory", "-7.199"),
    ):
        assert name in text
        assert value in text
    assert len(TERMS) == page.locator(".why rect.add, .why rect.less").count()
    assert (
        "the bound is reached" in page.locator(".both").text_content()
        or "at bound" in page.locator(".both").text_content()
    )
    assert page.complaints == []


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("view", ["", "pair/bot/ETH%2FUSDC%3AUSDC", "safety", "scan", "replays"])
def test_no_view_scrolls_sideways_or_complains(browser, served, view, size):
    """On a phone and on a desk."""
    page = opened(browser, served, view, size, "dark")
    page.locator("main section").first.wait_for(timeout=5_000)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.complaints == []


def test_fifty_coins_are_there_within_a_second_and_nothing_jumps(browser, tmp_path):
    """And the page itself is small."""
    settings = write_all(tmp_path, now_ms(), tuple(f"COIN{number}" for number in range(50)))
    with closing(Served(settings)) as server:
        page = opened(browser, server, "")
        page.evaluate(LAYOUT_SHIFT)
        page.locator("tbody tr").nth(49).wait_for(timeout=5_000)
        shown_ms = page.evaluate("performance.getEntriesByType('paint').at(-1).startTime")
        while page.evaluate("performance.now()") < SHOWN_MS:
            page.wait_for_timeout(50)
        assert page.evaluate("window.shift") <= 0.02
        assert shown_ms <= 1_000
        assert sum(page.evaluate(BYTES)) <= 100_000


def test_a_bar_less_moves_nothing_below_it(browser, served):
    """A page that is drawn again each second must not jump with the number of reasons."""
    page = opened(browser, served, "pair/bot/ETH%2FUSDC%3AUSDC")
    bars = page.locator(".why rect.add, .why rect.less")
    bars.nth(len(TERMS) - 1).wait_for(timeout=5_000)
    before = page.locator(".price").bounding_box()
    terms = {name: TERMS[name] for name in ("room", "fee")}
    order = RestingState("bid", MID - sum(terms.values()), 0.0333, 0.0, "124", now_ms(), "open", MID, terms)
    write_state(served.settings.state, "bot", bot_state(now_ms(), (pair_state("ETH", now_ms(), resting=order),)))
    until(lambda: bars.count() == len(terms), 10, "two bars")
    assert page.locator(".price").bounding_box() == before


def test_each_estimate_is_drawn_with_its_interval_and_told_in_figures(browser, served):
    """Both sides of κ, ε and λ, from the first calibration on: one value is a mark, more are a line."""
    published = [parameters().model_copy(update={"created_ms": now_ms() - 60_000 + 15_000 * k}) for k in range(3)]
    writer = HistoryWriter(served.settings.parameters, "ETH", rows_per_segment=1)
    writer.append(published[0])
    page = opened(browser, served, "pair/bot/ETH%2FUSDC%3AUSDC")
    for name in ("kappa", "epsilon", "lambda"):
        page.locator(f".{name} circle").nth(1).wait_for(timeout=5_000)
        told = page.locator(f".{name} .legend > span").all_text_contents()
        assert [text.partition(":")[0] for text in told] == ["market buys, at the ask", "market sells, at the bid"]
        assert all(re.search(r"[\d.]+ \([\d.]+ … [\d.]+\) \S+", text) for text in told)
    for later in published[1:]:
        writer.append(later)
    page.reload()
    for name in ("kappa", "epsilon", "lambda"):
        page.locator(f".{name} path.line").nth(1).wait_for(state="attached", timeout=5_000)
        assert page.locator(f".{name} path[class^=band]").count() == 2
    assert page.complaints == []


def test_on_a_phone_a_row_is_a_card_that_hides_nothing(browser, served):
    """Every cell is within the width, and says what it is."""
    for view in ("", "safety", "pair/bot/ETH%2FUSDC%3AUSDC"):
        page = opened(browser, served, view, PHONE)
        page.locator("table.cards td").first.wait_for(timeout=5_000)
        cells = page.locator("table.cards td:not(:empty)")
        right = cells.evaluate_all("cells => cells.map((cell) => cell.getBoundingClientRect().right)")
        assert max(right) <= PHONE["width"]
        assert page.locator("table.cards td[data-column='']").count() == 0


def test_a_view_that_is_drawn_again_takes_neither_focus_nor_place_from_who_reads(browser, served):
    """A link keeps the focus, a table that is scrolled sideways stays where it is, and the figures are new."""
    page = opened(browser, served, "", {"width": 700, "height": 900})
    page.locator("tbody a").first.focus(timeout=5_000)
    page.evaluate("document.querySelector('.scroll').scrollLeft = 40")
    write_state(served.settings.state, "bot", bot_state(now_ms(), (pair_state("ETH", now_ms(), mid=3001.5),)))
    page.get_by_text("3,001.5").wait_for(timeout=5_000)
    assert page.evaluate("document.activeElement.textContent") == "ETH"
    assert page.evaluate("document.querySelector('.scroll').scrollLeft") == 40
    assert page.complaints == []


def test_it_is_usable_by_keyboard(browser, served):
    """The first stop skips to the content; links are reached in order and have a visible focus."""
    page = opened(browser, served, "")
    page.locator("tbody a").first.wait_for(timeout=5_000)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "view"
    assert page.locator("tbody a").count() == 1  # its address is not taken for that of a view
    page.locator(".skip").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Coins"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.locator("tbody a").first.focus()
    page.keyboard.press("Enter")
    page.locator(".why svg").wait_for(timeout=5_000)
