"""A running bot quotes from the published table, and in its own size whatever the calibrator publishes."""

import pytest

from tests.live_bot import LiveBot
from tests.puppet_market import PuppetMarket, VenueThread, parameters, with_table

pytestmark = pytest.mark.slow

PAIRS = {"ETH": "ETH/USDC:USDC", "BTC": "BTC/USDC:USDC"}


def test_a_table_changed_by_hand_changes_the_resting_quote(tmp_path):
    """One dollar further from mid in every column of the file, one dollar further from mid at the exchange."""
    with VenueThread(PuppetMarket()) as venue:
        bot = LiveBot(venue, tmp_path)
        bot.publish()
        with bot:
            bot.wait(lambda: bool(venue.open_orders()), 60, "a bid")
            (first,) = venue.open_orders()
            published = parameters()
            depths = [[None if depth is None else depth + 1.0 for depth in row] for row in published.hjb.bid_depth]
            bot.publish(model=published.model, hjb=published.hjb.model_copy(update={"bid_depth": depths}))
            bot.wait(lambda: venue.open_orders() not in ([first], []), 10, "another bid")
            (second,) = venue.open_orders()
        assert (first["side"], second["side"]) == ("B", "B")
        assert float(first["limitPx"]) - float(second["limitPx"]) == pytest.approx(1.0)
        assert "the calibrator's settings differ" not in bot.log


@pytest.mark.parametrize("own", [50.0, 100.0])
def test_no_order_is_larger_than_the_bots_own(tmp_path, own):
    """A calibrator of 100 before the bot's start, one of 300 while it runs and before its restart; two pairs."""
    changes = {
        "max_open_trades": 2,
        "exchange": {"pair_whitelist": list(PAIRS.values())},
        "market_making": {"model": {"order_notional": own}},
    }
    with VenueThread(PuppetMarket(coins=tuple(PAIRS))) as venue:

        def publish(notional):
            for coin, pair in PAIRS.items():
                with_table(parameters(coin=coin, pair=pair), order_notional=notional).write(tmp_path / "parameters")

        def prices():
            return {order["coin"]: order["limitPx"] for order in venue.open_orders()}

        def are_new(old):
            return set(prices()) == set(PAIRS) and not set(prices().items()) & set(old.items())

        def values():
            return [float(order["limitPx"]) * float(order["sz"]) for order in venue.open_orders()]

        seen = []
        for first, later in ((100.0, 300.0), (300.0, 100.0)):
            publish(first)
            bot = LiveBot(venue, tmp_path, changes=changes)
            with bot:
                bot.wait(lambda: set(prices()) == set(PAIRS), 60, "a quote on both pairs")
                old, seen = prices(), seen + values()
                publish(later)
                venue.market.mid -= 1.0
                bot.wait(lambda old=old: are_new(old), 15, "other quotes on both pairs")
                seen += values()
            assert "the calibrator's settings differ" in bot.log
        assert len(seen) == 8
        assert all(own - 0.5 <= value <= own for value in seen)
