"""Stock `freqtrade trade` makes a market on the local venue."""

import time

import pytest

from calibration.publication.document import PublishedRegime
from market_making.market.sides import Direction
from tests.live_bot import LiveBot
from tests.puppet_market import (
    ADDRESS,
    PuppetMarket,
    VenueThread,
    parameters,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def venue():
    """A venue of its own."""
    with VenueThread(PuppetMarket()) as running:
        yield running


def fill(venue, order):
    """Let somebody trade through one order."""
    price, is_bid = float(order["limitPx"]), order["side"] == "B"
    venue.market.print_trade(Direction.SELL if is_bid else Direction.BUY, price - 1 if is_bid else price + 1, 10.0)


def resting(venue, address=ADDRESS):
    """The side that rests, empty if none does."""
    return "".join(order["side"] for order in venue.open_orders(address))


def test_round_trips(venue, tmp_path):
    """Each fill turns the quote around; all is post-only, one order at a time, nothing for a builder, nothing left."""
    bot = LiveBot(venue, tmp_path)
    bot.publish()
    with bot:
        for side in "BABA":
            bot.publish()
            bot.wait(lambda side=side: resting(venue) == side, 60, f"a quote on side {side}")
            fill(venue, venue.open_orders()[0])
        bot.wait(lambda: resting(venue) == "B", 10, "a bid after two round trips")
        bot.stop()
        assert venue.open_orders() == []
    audit = venue.audit()
    assert audit["round_trips"] == 2
    assert audit["taker_fills"] == audit["rejected"] == audit["builder_fees"] == audit["approvals_asked"] == 0
    assert set(audit["orders_by_tif"]) == {"Alo"}
    assert audit["positions"] == {}
    lines = bot.decisions()
    assert [line["sequence"] for line in lines] == list(range(1, len(lines) + 1))
    assert (lines[0]["event"], lines[-1]["event"]) == ("run", "stop")
    life = [(line["event"], line["side"]) for line in lines if line["event"] in ("place", "placed", "fill")]
    assert life[:12] == [(event, side) for side in ("bid", "ask") * 2 for event in ("place", "placed", "fill")]
    assert [line["tag"] for line in lines if line["event"] == "place"][:4] == ["open", "reduce"] * 2
    filled = sum(line["size"] for line in lines if line["event"] == "fill")
    assert filled == pytest.approx(4 * 0.0333)


@pytest.mark.parametrize("side", ["B", "A"])
def test_a_stop_while_an_order_is_on_its_way_leaves_no_order_behind(venue, tmp_path, side):
    """The venue has the order, the bot waits for the answer, and is stopped: it cancels the order all the same."""
    bot = LiveBot(venue, tmp_path)
    bot.publish()
    with bot:
        if side == "A":
            bot.wait(lambda: resting(venue) == "B", 60, "a bid")
            fill(venue, venue.open_orders()[0])
        venue.answer_s = 1.5
        bot.wait(lambda: resting(venue) == side, 60, f"a quote on side {side}")
        bot.stop()
    assert venue.open_orders() == []
    assert "Traceback" not in bot.log.split("calling exit")[0]


def test_a_quote_follows_the_market_and_keeps_its_place_while_it_need_not(venue, tmp_path):
    """A move within the tolerance leaves the order alone; one beyond it replaces the order by one at the new price."""
    bot = LiveBot(venue, tmp_path)
    bot.publish()
    with bot:
        bot.wait(lambda: resting(venue) == "B", 60, "a bid")
        (first,) = venue.open_orders()
        venue.market.mid += 0.1  # 0.33 bps
        until = time.monotonic() + 4
        bot.wait(lambda: time.monotonic() > until, 5, "the watch")
        assert venue.open_orders() == [first]
        venue.market.mid -= 1.0
        bot.wait(lambda: venue.open_orders() not in ([first], []), 10, "a new bid")
        (second,) = venue.open_orders()
        assert float(first["limitPx"]) - float(second["limitPx"]) == pytest.approx(0.9, abs=0.2)


def test_a_paused_calibration_takes_the_quote_back_and_a_wide_one_rests_further_away(venue, tmp_path):
    """The state published with the calibration holds in a running bot, though the flow itself is harmless."""
    regime = {"toxicity_buy": 0.5, "toxicity_sell": 0.5}
    bot = LiveBot(venue, tmp_path)
    bot.publish()
    with bot:
        bot.wait(lambda: resting(venue) == "B", 60, "a bid")
        usual = float(venue.open_orders()[0]["limitPx"])
        bot.publish(regime=PublishedRegime(**regime, state="pause"))
        bot.wait(lambda: resting(venue) == "", 5, "no quote")
        bot.publish(regime=PublishedRegime(**regime, state="widen"))
        bot.wait(lambda: resting(venue) == "B", 10, "a bid again")
        wide = float(venue.open_orders()[0]["limitPx"])
    assert venue.market.mid - wide == pytest.approx(1.5 * (venue.market.mid - usual), abs=0.2)


def test_a_running_bot_takes_its_fee_from_the_calibration(venue, tmp_path):
    """A better tier brings the quote closer by what the fee fell, unless the configuration has a fee of its own."""
    for number, own in enumerate(({}, {"maker_fee": 0.00015})):
        folder = tmp_path / str(number)
        folder.mkdir()
        bot = LiveBot(venue, folder, changes={"market_making": {"model": own}})
        bot.publish()
        model = parameters().model
        with bot:
            bot.wait(lambda: resting(venue) == "B", 60, "a bid")
            (dear,) = venue.open_orders()
            bot.publish(model=model.model_copy(update={"maker_fee": 0.00005}))
            if own:
                until = time.monotonic() + 4
                bot.wait(lambda until=until: time.monotonic() > until, 5, "the watch")
                assert venue.open_orders() == [dear]
                continue
            bot.wait(lambda dear=dear: venue.open_orders() not in ([dear], []), 10, "another bid")
            closer = float(venue.open_orders()[0]["limitPx"]) - float(dear["limitPx"])
            assert closer == pytest.approx(0.0001 * venue.market.mid, rel=0.35)


def test_several_pairs_are_quoted_by_one_bot(tmp_path):
    """Each pair of the whitelist has its own plan; one that may not be quoted does not keep the other from it."""
    changes = {"max_open_trades": 2, "exchange": {"pair_whitelist": ["ETH/USDC:USDC", "BTC/USDC:USDC"]}}
    with VenueThread(PuppetMarket(coins=("ETH", "BTC"))) as venue:
        bot = LiveBot(venue, tmp_path, changes=changes)

        def coins():
            return {order["coin"] for order in venue.open_orders()}

        for coin in ("ETH", "BTC"):
            bot.publish(coin=coin, pair=f"{coin}/USDC:USDC")
        with bot:
            bot.wait(lambda: coins() == {"ETH", "BTC"}, 60, "a quote on both pairs")
            (tmp_path / "parameters" / "ETH.json").unlink()
            bot.wait(lambda: coins() == {"BTC"}, 5, "only the pair with parameters is quoted")


def test_a_dry_run_quotes_without_touching_the_exchange(venue, tmp_path):
    """As config.json starts: orders are decided and simulated, and no signed action is sent."""
    bot = LiveBot(venue, tmp_path, changes={"dry_run": True, "market_making": {"sides": "long_only"}})
    bot.publish()
    with bot:
        bot.wait(lambda: bool(bot.decisions()), 60, "a decision")
        until = time.monotonic() + 4
        bot.wait(lambda: time.monotonic() > until, 5, "the watch")
    (place,) = [line for line in bot.decisions() if line["event"] == "place"]
    assert place["side"] == "bid"
    assert place["price"] < 2999.9
    assert venue.audit()["actions"] == 0
