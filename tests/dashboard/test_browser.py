"""The page in a real browser: it shows what the bots have written, says what is missing, and never jumps."""

import re
import shutil
from contextlib import closing

import pytest

from calibration.publication.history import HistoryWriter
from market_making.market.clock import now_ms
from market_making.safety.kill_switch import Kill, write_kill
from market_making.safety.state_file import ActiveNotice, MarkoutState, MoneyState, RestingState, write_state
from tests.dashboard.served import Served
from tests.dashboard.written import MID, PAIR, TERMS, bot_state, pair_state, write_all, write_decisions
from tests.polling import until
from tests.puppet_market import parameters

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"),
    # Chromium's driver leaves the closing of its pipes to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
SHOWN_MS = 4_000  # a few readings of the state files
LAYOUT_SHIFT = """() => {
  window.shift = 0;
  const add = (list) => { for (const entry of list.getEntries()) window.shift += entry.value; };
  new PerformanceObserver(add).observe({ type: 'layout-shift', buffered: true });
}"""
BYTES = """performance.getEntriesByType('resource').filter((entry) => !entry.name.includes('/api/'))
  .map((entry) => entry.transferSize)"""
MISSING = (
    "the bot has written nothing for",
    "The kill switch is on",
    "12 actions are left",
    "buy actions or wait",
    "no book that it trusts",
    "No fill yet",
    "No calibration in the last two hours",
)


@pytest.fixture(scope="module")
def browser():
    """One browser for all tests."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


def opened(browser, server, view, size=DESK, scheme="light"):
    """Open a view; whatever the page complains about is kept."""
    context = browser.new_context(viewport=size, color_scheme=scheme)
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda said: page.complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(f"{server.url}/#/{view}")
    return page


@pytest.fixture
def served(tmp_path):
    """The page of a system that runs."""
    settings = write_all(tmp_path, now_ms())
    write_decisions(settings, [{"time_ms": now_ms(), "event": "fill", "side": "bid", "price": 2990.0, "size": 0.01}])
    with closing(Served(settings)) as server:
        server.settings = settings
        yield server


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


def test_what_is_missing_stale_or_wrong_is_said(browser, served):
    """No order, an old bot, a notice, the kill switch: each in a sentence."""
    settings, long_ago = served.settings, now_ms() - 60_000
    notice = ActiveNotice("budget_low", "alarm", long_ago, "12 actions are left", "buy actions or wait", PAIR)
    pairs = (
        pair_state(
            "ETH", long_ago, quoting=False, resting=None, book=None, markouts=(), detail="the parameters are stale"
        ),
    )
    write_state(settings.state, "bot", bot_state(long_ago, pairs, notices=(notice,)))
    write_kill(settings.state, Kill(long_ago, False, "mm stop"))
    page = opened(browser, served, "pair/bot/ETH%2FUSDC%3AUSDC")
    page.get_by_text("No order rests: the parameters are stale.").wait_for(timeout=5_000)
    for words in MISSING:
        assert page.get_by_text(words).first.is_visible()


def test_no_line_leads_over_a_time_of_which_nothing_is_known(browser, served):
    """A bot that was silent or has ended leaves a gap in its prices, and a calibrator in its estimates."""
    writer = HistoryWriter(served.settings.parameters, "ETH", rows_per_segment=1)
    for ago_s in (600, 590, 580, 30, 20, 10):
        writer.append(parameters().model_copy(update={"created_ms": now_ms() - 1000 * ago_s}))
    for ago_s in (*range(120, 100, -1), *range(20, 0, -1)):
        at_ms = now_ms() - 1000 * ago_s
        served.watcher.samples.take(bot_state(at_ms, (pair_state("ETH", at_ms),), "again"))
    write_state(served.settings.state, "again", bot_state(now_ms(), (pair_state("ETH", now_ms()),), "again"))
    page = opened(browser, served, "pair/again/ETH%2FUSDC%3AUSDC")
    lines = [page.locator(name) for name in (".price path.lmid", ".price path.lbid", ".kappa path.l0")]
    lines[-1].wait_for(state="attached", timeout=5_000)

    def pieces():
        return [line.get_attribute("d").count("M") for line in lines]

    until(lambda: pieces() == [2, 2, 2], 5, "two pieces of each line")
    assert page.locator(".kappa path[class^=band]").count() == 4
    assert page.complaints == []


def test_a_bot_that_has_ended_is_said_to_rest_nothing(browser, served):
    """And a command in a sentence is shown as one."""
    notice = ActiveNotice("budget_low", "alarm", now_ms(), "12 actions are left", "Say `mm status`.", PAIR)
    pairs = (pair_state("ETH", now_ms(), resting=None),)
    write_state(served.settings.state, "bot", bot_state(now_ms(), pairs, stopped=True))
    write_state(served.settings.state, "other", bot_state(now_ms(), pairs, "other", notices=(notice,)))
    page = opened(browser, served, "pair/bot/ETH%2FUSDC%3AUSDC")
    page.get_by_text("No order rests: the bot has ended.").wait_for(timeout=5_000)
    assert page.locator("#notices code").all_text_contents() == ["mm status"]


def test_no_figure_is_made_up_from_nothing(browser, served):
    """A time after which no fill has been seen has no value; what floating point leaves of zero is zero."""
    markouts = (MarkoutState(1.0, -0.4, -1.1, 0.3, 20), MarkoutState(60.0, 0.0, None, None, 0))
    money = MoneyState(0.1, 0.3, -0.2, 2.01e-15, 0.0, 0.0, 4, 400.0)
    write_state(
        served.settings.state,
        "bot",
        bot_state(now_ms(), (pair_state("ETH", now_ms(), markouts=markouts, money=money),)),
    )
    page = opened(browser, served, "pair/bot/ETH%2FUSDC%3AUSDC")
    page.get_by_text("no fill that old yet").wait_for(timeout=5_000)
    assert page.locator(".markouts circle").count() == 1
    assert "e-15" not in page.locator(".money").inner_text()
    assert page.complaints == []


def test_what_a_silent_bot_wrote_is_not_shown_as_resting_now(browser, served):
    """Its order may be gone: the row says when it was seen."""
    old_ms = now_ms() - 3_600_000
    write_state(served.settings.state, "bot", bot_state(old_ms, (pair_state("ETH", old_ms),)))
    page = opened(browser, served, "coins")
    page.get_by_text("bid 2,986.8, 60 min ago").wait_for(timeout=5_000)
    assert page.locator("tbody .bid").count() == 0
    page.goto(f"{served.url}/#/pair/bot/ETH%2FUSDC%3AUSDC")
    page.get_by_text("bid 0.0333 at 2,986.8 rested then").wait_for(timeout=5_000)
    page.locator(".why", has_text="bid that rested").wait_for(timeout=5_000)


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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_value_of_every_line_is_a_mark_that_can_be_seen(browser, served, scheme):
    """Mid, the own order and the inventory: each in a colour of the scheme, and not in the black of no colour."""
    page = opened(browser, served, "pair/bot/ETH%2FUSDC%3AUSDC", scheme=scheme)
    page.locator(".price circle").nth(1).wait_for(timeout=5_000)
    fills = page.locator(".price circle, .inventory circle").evaluate_all(
        "marks => marks.map((mark) => getComputedStyle(mark).fill)"
    )
    assert len(fills) >= 3
    assert "rgb(0, 0, 0)" not in fills


def test_what_is_not_there_yet_is_said_with_the_command_that_makes_it(browser, served):
    """The command is set as one, and a tear-sheet goes where this page looks for it."""
    page = opened(browser, served, "replays")
    command = page.locator(".empty code")
    command.wait_for(timeout=5_000)
    folder = "/".join(served.settings.state.parent.parts[-1:])
    assert command.text_content().endswith(f"{folder}/replays/NAME.html")
    page.goto(f"{served.url}/#/safety")
    page.locator(".empty code", has_text="mm guard").wait_for(timeout=5_000)


def test_an_age_cannot_be_taken_for_a_duration(browser, served):
    """When a program wrote last was some time ago."""
    page = opened(browser, served, "safety")
    for name in ("calibrator", "collector", "bot"):
        row = page.locator("tbody tr", has=page.get_by_role("cell", name=name, exact=True))
        assert re.search(r"\d s ago", row.last.text_content(timeout=5_000))
    page.goto(f"{served.url}/#/coins")
    page.locator("tbody td", has_text=re.compile(r"^[\d.]+ s ago$")).first.wait_for(timeout=5_000)


def test_a_pair_that_nobody_quotes_is_one_sentence_and_a_way_back(browser, served):
    """No empty panels; the header is in sight after each change of view."""
    page = opened(browser, served, "safety", {"width": 900, "height": 300})
    page.locator("main section").first.wait_for(timeout=5_000)
    page.evaluate("location.hash = '#/pair/bot/SOL%2FUSDC%3AUSDC'")
    page.get_by_text(re.compile(r"^No bot .*has written of 'SOL/USDC:USDC' here\.$")).wait_for(timeout=5_000)
    assert page.locator("main .panel:visible").count() == 0
    assert page.evaluate("scrollY") == 0
    page.get_by_role("link", name="All coins").click()
    page.locator("tbody tr").first.wait_for(timeout=5_000)


def test_a_server_that_has_gone_is_said_within_seconds(browser, tmp_path):
    """What is shown is old then."""
    server = Served(write_all(tmp_path, now_ms()))
    page = opened(browser, server, "")
    page.locator("tbody tr").first.wait_for(timeout=5_000)
    age = page.locator("#age")
    assert age.get_attribute("aria-live") == "off"  # else a screen reader reads the time every second
    server.close()
    page.get_by_text("does mm dashboard run?").wait_for(timeout=10_000)
    assert age.get_attribute("aria-live") == "polite"


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
