"""What the page says of what is missing, old, ended or not there yet: words, and no made-up figure."""

import re

import pytest

from calibration.publication.history import HistoryWriter
from market_making.market.clock import now_ms
from market_making.safety.kill_switch import Kill, write_kill
from market_making.safety.state_file import (
    ActiveNotice,
    MarkoutState,
    MoneyState,
    PairState,
    write_state,
)
from tests.dashboard.browsing import IN_A_BROWSER, opened
from tests.dashboard.served import Served
from tests.dashboard.written import PAIR, bot_state, pair_state, write_all
from tests.polling import until
from tests.puppet_market import parameters

pytestmark = IN_A_BROWSER
MISSING = (
    "the bot has written nothing for",
    "The kill switch is on",
    "12 actions are left",
    "buy actions or wait",
    "no book that it trusts",
    "No fill yet",
    "No calibration in the last two hours",
)


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


def test_a_bot_that_has_only_begun_is_said_to_have_no_plan_yet(browser, served):
    """Its first document knows neither a reason nor since when; nothing is called unknown, and no figure is made up."""
    write_state(served.settings.state, "bot", bot_state(now_ms(), (PairState(PAIR, "ETH", quoting=False),)))
    page = opened(browser, served, "coins")
    page.get_by_text(re.compile("^the bot has not planned a quote yet$")).wait_for(timeout=5_000)
    page.goto(f"{served.url}/#/pair/bot/ETH%2FUSDC%3AUSDC")
    page.get_by_text("No order rests: the bot has not planned a quote yet.").wait_for(timeout=5_000)
    assert page.get_by_text("unknown").count() == 0
    assert page.complaints == []


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
