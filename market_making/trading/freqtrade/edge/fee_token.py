"""A fee paid in the bought token is told in the word that Freqtrade has for it.

Who buys in spot pays the fee in what was bought. Freqtrade takes it off the amount of a trade where the fee's currency
is the base of the pair. ccxt calls the token ``UBTC`` the coin ``BTC`` in pairs and balances, and leaves it ``UBTC`` in
fills: nothing is taken off, and the wallet holds less than the trade says.
"""

from collections.abc import Mapping
from typing import Any


def name_fee_tokens(client: Any) -> None:
    """Let ccxt's client of Hyperliquid give the fees of fills the same words as its pairs.

    Parameters
    ----------
    client : ccxt.hyperliquid
        Whose ``parse_trade`` is replaced.
    """
    stock = client.parse_trade

    def parse_trade(trade: dict[str, Any], market: Any = None) -> Any:
        parsed = stock(trade, market)
        words = client.options.get("spotCurrencyMapping") or {}
        for fee in (parsed.get("fee"), *(parsed.get("fees") or ())):
            _rename(fee, words)
        return parsed

    client.parse_trade = parse_trade


def _rename(fee: Any, words: Mapping[str, str]) -> None:
    if isinstance(fee, dict) and fee.get("currency") in words:
        fee["currency"] = words[fee["currency"]]
