"""A market that takes no opening order is left alone for a minute; an oracle that stands still closes one."""

import pytest

from market_making.market.errors import MalformedMessage
from market_making.market.reasons import Reason
from market_making.trading.freqtrade.closed_markets import AGAIN_MS, ClosedMarkets
from market_making.trading.freqtrade.edge.oracles import STANDS_AFTER_S, Oracles

PAIR, COIN = "XYZ-NVDA/USDC:USDC", "xyz:NVDA"
CAPPED = 'Error: Message: hyperliquid {"error":"Order would increase open interest while open interest is capped"}'


@pytest.mark.parametrize("said", [CAPPED, "Trading is halted.", "Order would increase open interest too quickly"])
def test_nothing_is_opened_for_a_minute_after_such_a_refusal(said):
    """Then it is tried once more; another pair goes on all the time."""
    closed = ClosedMarkets(lambda _: said)
    assert closed.no_opening(PAIR, 0) is None
    assert closed.about(PAIR) == said
    for now_ms in range(1_000, 1_000 + AGAIN_MS, 7_000):
        because = closed.no_opening(PAIR, now_ms)
        assert because.reason is Reason.MARKET_CLOSED
        assert said in because.detail
    assert closed.no_opening("BTC/USDC:USDC", 2_000) is None
    assert closed.no_opening(PAIR, 1_000 + AGAIN_MS) is None


def test_other_refusals_close_nothing():
    """A post-only order that would trade is simply placed anew."""
    closed = ClosedMarkets(lambda _: "Post only order would have immediately matched")
    closed.about(PAIR)
    assert closed.no_opening(PAIR, 0) is None


class Now:
    """Seconds that a test moves."""

    value = 0.0

    def __call__(self):
        return self.value


@pytest.fixture
def told():
    """An oracle and the clock that it is judged by; `told(oracle, mid)` after a second."""
    now = Now()
    oracles = Oracles(now)

    def tell(oracle, mid, after_s=1.0):
        now.value += after_s
        fields = {
            "funding": "0.0",
            "markPx": str(mid),
            "oraclePx": str(oracle),
            "openInterest": "1.0",
            "midPx": str(mid),
        }
        oracles.take({"coin": COIN, "ctx": fields})
        return oracles.still(COIN)

    tell.oracles = oracles
    return tell


def test_an_oracle_that_stands_still_while_mid_moves_closes_its_market(told):
    """Until it is renewed; also where mid has come back meanwhile."""
    seen = [told(200.0, 200.0 + (0.3 if second == 10 else 0.0)) for second in range(int(STANDS_AFTER_S) + 3)]
    assert [because is None for because in seen] == [True] * int(STANDS_AFTER_S) + [False] * 3
    assert seen[-1].reason is Reason.MARKET_CLOSED
    assert "the oracle has said 200 for 62 s while mid moved by 15.0 bps" in seen[-1].detail
    assert told(200.3, 200.3) is None


def test_a_quiet_market_is_not_closed_and_what_was_missed_is_not_known(told):
    """An unchanged price says nothing while mid does not move; and nothing is known after a cut connection."""
    assert not any(told(200.0, 200.01) for _ in range(300))
    told(200.0, 201.0)
    assert told.oracles.still(COIN) is not None
    told.oracles.forget()
    assert told.oracles.still(COIN) is None
    with pytest.raises(MalformedMessage, match="a context lacks 'funding'"):
        told.oracles.take({"coin": COIN, "ctx": {}})
