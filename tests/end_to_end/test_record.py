"""The record of a running bot: its log is what the venue says, its state file what it does, whatever happens."""

import time
from collections import Counter

import pytest

from market_making.market.sides import Direction
from market_making.ops.demo.audit import decisions_in, unrecorded
from market_making.safety.state_file import read_state
from market_making.trading.decision_log import Event
from market_making.trading.freqtrade.logged_model import LoggedModels
from market_making.trading.remade import remade
from tests.live_bot import ROOT, LiveBot
from tests.puppet_market import ADDRESS, KEY, PuppetMarket, VenueThread
from tests.record_laws import disordered, miscounted, misplaced, mistimed

pytestmark = pytest.mark.slow
TOO_LITTLE = 0.002  # to be sold again: Freqtrade does not cancel an order of which so little was filled
STRATEGY = '''
from pathlib import Path
from MarketMaking import MarketMaking


class Breaking(MarketMaking):
    """Its model raises an error of no known kind while a file exists."""

    def quoter(self):
        model, broken = super().quoter(), Path(r"{flag}")

        def quote(*arguments):
            if broken.exists():
                raise RuntimeError("the model broke")
            return model(*arguments)

        return quote
'''


@pytest.fixture
def venue():
    """A venue of its own."""
    with VenueThread(PuppetMarket()) as running:
        yield running


def fill(venue, order, size=10.0):
    """Let somebody trade so much through an order."""
    price, is_bid = float(order["limitPx"]), order["side"] == "B"
    venue.market.print_trade(Direction.SELL if is_bid else Direction.BUY, price - 1 if is_bid else price + 1, size)


def state_of(bot):
    """The state file as it is now; None before the first."""
    path = next((bot.folder / "state").glob("market-making*.json"), None)
    return None if path is None else read_state(path)


def wait_for(bot, condition, what, seconds=20):
    """Wait until the state file is as wanted; return it."""
    bot.wait(lambda: (state := state_of(bot)) is not None and condition(state), seconds, what)
    return state_of(bot)


def resting(bot, venue, side, seconds=60, but=None):
    """Wait until one order rests on this side, another one than `but`; return it as it was then."""
    found = []

    def rests():
        found[:] = venue.open_orders()
        return [order["side"] for order in found] == [side] and (but is None or found[0]["oid"] != but["oid"])

    bot.wait(rests, seconds, f"an order on side {side}")
    return found[0]


def round_trip(bot, venue):
    """A bid filled in two parts, an ask that is moved, then filled."""
    bid = resting(bot, venue, "B")
    fill(venue, bid, TOO_LITTLE)
    bot.wait(lambda: any(line["event"] == "fill" for line in bot.decisions()[-5:]), 10, "a part")
    fill(venue, bid)
    ask = resting(bot, venue, "A")
    venue.market.mid -= 1.0
    fill(venue, resting(bot, venue, "A", but=ask))
    resting(bot, venue, "B")


def test_the_log_equals_the_venues_account_fill_by_fill(venue, tmp_path):
    """Orders filled in parts and whole, one refused, some cancelled, a restart in between: nothing twice, none missing.

    Every place names the plan that priced it, and every plan made again from the log is the logged one to the last bit.
    """
    bot = LiveBot(venue, tmp_path)
    for _ in range(2):
        bot.publish()
        with bot:
            round_trip(bot, venue)
            bot.stop()
    lines, account = decisions_in(tmp_path / "decisions"), venue.audit(orders="yes")
    assert unrecorded(lines, account["fills"]) == []
    ends = Counter(fill["oid"] for fill in account["fills"])
    assert len(ends) >= 4
    assert max(ends.values()) > 1
    runs = [[line for line in lines if line["run"] == run] for run in dict.fromkeys(line["run"] for line in lines)]
    assert [list(disordered(run)) + list(misplaced(run)) for run in runs] == [[], []]
    assert list(miscounted(lines, account)) == []
    assert list(mistimed(lines)) == []
    plans = list(remade(lines, LoggedModels(ROOT / "user_data")))
    assert len(plans) >= sum(line["event"] is Event.PLACE for line in lines) >= 6
    assert all(plan.is_equal for plan in plans)


def test_the_first_line_of_a_run_tells_what_has_run_and_no_secret(venue, tmp_path):
    """Strategy, model, settings, versions; the account masked."""
    bot = LiveBot(venue, tmp_path)
    bot.publish()
    with bot:
        resting(bot, venue, "B")
    first = bot.decisions()[0]
    assert (first["event"], first["strategy"], first["model"]) == ("run", "MarketMaking", "cartea_jaimungal")
    assert set(first["versions"]) == {"project", "freqtrade", "ccxt"}
    assert first["settings"]["sides"] == "alternate"
    assert first["account"] == f"{ADDRESS[:6]}…{ADDRESS[-4:]}"
    for path in (*(tmp_path / "decisions").iterdir(), *(tmp_path / "state").glob("*.json")):
        said = path.read_text()
        assert ADDRESS not in said
        assert KEY not in said
        assert KEY.removeprefix("0x") not in said


def test_the_state_file_follows_the_bot(venue, tmp_path):
    """A quote with its terms, a fill with its result, a pair that is not quoted with the reason, and the end."""
    bot = LiveBot(venue, tmp_path)
    bot.publish()
    with bot:
        state = wait_for(bot, lambda state: state.pairs and state.pairs[0].resting is not None, "a resting order", 60)
        pair, (order,) = state.pairs[0], venue.open_orders()
        assert pair.resting.price == float(order["limitPx"])
        assert pair.resting.planned_mid - sum(pair.resting.terms.values()) == pytest.approx(pair.resting.price)
        assert pair.book.bids[0] == (venue.market.mid - 0.1, 5.0)
        assert abs(state.written_ms - pair.book.exchange_ms) < 3_000
        fill(venue, order)
        pair = wait_for(bot, lambda state: state.pairs[0].money.fills == 1, "a fill").pairs[0]
        assert (pair.coins, pair.fills) == (0.0333, 1)
        assert pair.money.fees == pytest.approx(venue.audit()["fees"], abs=1e-5)
        (tmp_path / "parameters" / "ETH.json").unlink()
        pair = wait_for(bot, lambda state: not state.pairs[0].quoting, "no quote").pairs[0]
        assert pair.reason == "parameters_missing"
        assert time.time() * 1e3 - pair.since_ms < 5_000
        assert pair.coins == 0.0333
        bot.stop()
    assert state_of(bot).stopped


def test_a_loop_in_which_everything_fails_writes_its_state_too(venue, tmp_path):
    """An error of no known kind ends the planning of a loop: the bot still gives a sign of life, and says so."""
    flag = tmp_path / "broken"
    (tmp_path / "Breaking.py").write_text(STRATEGY.format(flag=flag))
    bot = LiveBot(venue, tmp_path, strategy="Breaking")
    bot.publish()
    with bot:
        wait_for(bot, lambda state: state.pairs and state.pairs[0].quoting, "a quote", 60)
        flag.touch()
        failed = wait_for(bot, lambda state: not state.pairs[0].quoting, "no quote")
        assert failed.pairs[0].reason == "unexpected"
        wait_for(bot, lambda state: state.loop > failed.loop + 2, "more loops")
        flag.unlink()
        wait_for(bot, lambda state: state.pairs[0].quoting, "a quote again")


def test_files_that_cannot_be_written_do_not_stop_the_bot(venue, tmp_path):
    """Neither the decision log nor the state file: it quotes, and says what is missing."""
    bot = LiveBot(venue, tmp_path)
    bot.publish()
    with bot:
        bid = resting(bot, venue, "B")
        for path in (tmp_path / "state" / "market-making.json", *(tmp_path / "decisions").glob("*.jsonl")):
            path.unlink()
            (path / "in the way").mkdir(parents=True)
        fill(venue, bid)
        resting(bot, venue, "A")
        bot.wait(lambda: "[log_unwritable]" in bot.log and "[state_unwritable]" in bot.log, 15, "two warnings")
