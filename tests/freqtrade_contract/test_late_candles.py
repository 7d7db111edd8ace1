"""Freqtrade takes an answer without rows for candles that have not changed, and asks again."""

import time

import pytest
from freqtrade.enums import CandleType
from freqtrade.persistence import Trade

from market_making.hyperliquid.shared_bucket import SharedBucket
from tests.live_bot import ROOT
from tests.puppet_market import parameters

pytestmark = pytest.mark.filterwarnings("ignore::Warning")  # Freqtrade's own
PAIR = "ETH/USDC:USDC"
MINE = {"pace": True, "patience": True, "socket": False}


@pytest.fixture
def maker(start, tmp_path):
    """Start the market maker with the pace, and with or without patience."""

    def start_maker(**edge):
        parameters().write(tmp_path / "parameters")
        bot = start("MarketMaking", ROOT / "user_data" / "strategies", market_making={"edge": MINE | edge})
        bot.process()
        return bot

    return start_maker


def due(bot):
    """Let the candles of the pair be due, as they are at the beginning of each minute."""
    for key in bot.exchange._pairs_last_refresh_time:
        bot.exchange._pairs_last_refresh_time[key] -= 120_000
    bot.exchange._pairs_last_poll_time.clear()


def leave(tmp_path, tokens):
    (path,) = (tmp_path / "state").glob("pace-127.0.0.1_*")
    bucket = SharedBucket(path)
    bucket.charge(bucket.tokens - tokens)
    bucket.close()


def refresh(bot):
    """Refresh the candles as a loop does; return how long it took, and those there are."""
    began = time.monotonic()
    found = bot.exchange.refresh_latest_ohlcv([(PAIR, "1m", CandleType.FUTURES)])
    return time.monotonic() - began, next(iter(found.values()))


def test_a_loop_does_not_wait_for_candles(maker, tmp_path, venue):
    """They stay as they are, and come once there is room."""
    bot = maker()
    _, before = refresh(bot)
    due(bot)
    leave(tmp_path, 50)
    took_s, kept = refresh(bot)
    assert took_s < 0.5
    assert kept.equals(before)
    leave(tmp_path, 200)
    due(bot)
    asked = len(venue.asked)
    refresh(bot)
    assert "candleSnapshot" in [each.kind for each in venue.asked[asked:]]
    (newest,) = bot.exchange._pairs_last_refresh_time.values()
    assert newest > time.time() * 1e3 - 180_000


def test_without_patience_it_does(maker, tmp_path):
    """For the tokens that are missing, or until Freqtrade has tried five times."""
    bot = maker(patience=False)
    refresh(bot)
    due(bot)
    leave(tmp_path, 50)
    took_s, _ = refresh(bot)
    assert took_s > 1.0
    Trade.session.remove()
