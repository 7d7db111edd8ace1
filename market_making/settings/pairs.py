"""Which pairs a Freqtrade configuration trades."""

import re
from typing import Any

from market_making.settings.files import typed

_STATIC = "StaticPairList"


def pairs_of(config: dict[str, Any], where: str) -> tuple[str, ...]:
    """Names and regular expressions of the pairs that a bot may trade.

    A list that Freqtrade makes while it runs may hold any market of the stake currency, so all of them are named.

    Raises
    ------
    ConfigurationError
        If the whitelist or the pair lists are none.
    """
    lists = typed(config, "pairlists", list, where)
    if lists and isinstance(lists[0], dict) and lists[0].get("method") != _STATIC:
        stake = re.escape(str(config.get("stake_currency", "USDC")))
        return (f".*/{stake}" if config.get("trading_mode") == "spot" else f".*/{stake}:{stake}",)
    exchange = typed(config, "exchange", dict, where)
    return tuple(str(pair) for pair in typed(exchange, "pair_whitelist", list, f"{where}: exchange"))
