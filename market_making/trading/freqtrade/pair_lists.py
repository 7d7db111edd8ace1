"""Pairs that Freqtrade's lists no longer want: what is held of them is left at a maker's price, and nothing is opened.

Freqtrade itself stops opening trades in a pair that has left its lists, as one whose delisting was announced and that
somebody has black-listed (`/blacklist`, or `exchange.pair_blacklist`). But it asks for additions to a trade as long as
there is one, and puts the pair back into its list of the loop.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from market_making.market.names import Names
from market_making.market.reasons import Because, Reason
from market_making.market.selection import Selection
from market_making.settings.pairs import pairs_of

_BLACKLISTED = Because(Reason.WINDING_DOWN, "the pair is black-listed: what is held of it is only left")
_LEFT_OUT = Because(Reason.WINDING_DOWN, "the pair is in no whitelist: what is held of it is only left")


class PairLists:
    """What the lists of a bot say.

    Parameters
    ----------
    dp : freqtrade.data.dataprovider.DataProvider
        Knows the blacklist, to which people add while the bot runs.
    config : Mapping
        Of Freqtrade, with the whitelist.
    """

    def __init__(self, dp: Any, config: Mapping[str, Any]) -> None:
        self._dp = dp
        self._wanted = pairs_of(dict(config), "the configuration")

    def no_opening(self, pair: str) -> Because | None:
        """Why nothing may be opened in a pair; None if its lists want it."""
        lists = getattr(self._dp, "_pairlists", None)
        if lists is not None and _is_among(pair, tuple(lists.blacklist)):
            return _BLACKLISTED
        return None if _is_among(pair, self._wanted) else _LEFT_OUT


@cache
def _is_among(pair: str, patterns: tuple[str, ...]) -> bool:
    return bool(Selection(patterns).choose([Names(pair, pair, pair)]).chosen)
