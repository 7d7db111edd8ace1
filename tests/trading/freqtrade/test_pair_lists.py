"""A pair that has left the lists of the bot is only left, whatever Freqtrade goes on asking for."""

from types import SimpleNamespace

import pytest

from market_making.market.reasons import Reason
from market_making.trading.freqtrade.pair_lists import PairLists

ETH = "ETH/USDC:USDC"
DYNAMIC = {"pairlists": [{"method": "VolumePairList"}], "stake_currency": "USDC", "trading_mode": "futures"}


@pytest.mark.parametrize(
    ("whitelist", "more", "blacklist", "wanted"),
    [
        ([ETH], {}, [], True),
        ([".*/USDC:USDC"], {}, [], True),
        ([ETH], {}, [ETH], False),
        ([ETH], {}, ["(ETH|BTC)/.*"], False),
        ([ETH], {}, ["BTC/USDC:USDC"], True),
        (["BTC/USDC:USDC"], {}, [], False),
        ([], DYNAMIC, [], True),
        ([], DYNAMIC, ["ETH/.*"], False),
    ],
)
def test_only_what_the_lists_want_is_opened(whitelist, more, blacklist, wanted):
    """Names and expressions, of both lists, and lists that Freqtrade makes while it runs."""
    dp = SimpleNamespace(_pairlists=SimpleNamespace(blacklist=blacklist))
    because = PairLists(dp, {"exchange": {"pair_whitelist": whitelist}, **more}).no_opening(ETH)
    assert because is None if wanted else because.reason is Reason.WINDING_DOWN


def test_a_pair_that_is_black_listed_while_the_bot_runs_is_left_from_then_on():
    """As by `/blacklist`, when a delisting was announced."""
    lists = SimpleNamespace(blacklist=[])
    bot = PairLists(SimpleNamespace(_pairlists=lists), {"exchange": {"pair_whitelist": [ETH]}})
    assert bot.no_opening(ETH) is None
    lists.blacklist.append(ETH)
    assert bot.no_opening(ETH).reason is Reason.WINDING_DOWN
