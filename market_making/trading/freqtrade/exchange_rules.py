"""What Freqtrade's market description says about an exchange: its price grid, its lots, its post-only flag.

The description is ccxt's market structure, in which prices and amounts come in steps.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from market_making.market.errors import MalformedMessage
from market_making.market.instrument import FixedTick, Instrument, PriceGrid, SignificantFigures
from market_making.market.names import Names, file_key, spot_names
from market_making.market.reasons import Reason

_HYPERLIQUID_FIGURES = 5
_HYPERLIQUID_DECIMALS = {"swap": 6, "spot": 8}


def post_only_flag(exchange: str) -> str:
    """Time in force that makes a limit order post-only, as ccxt passes it on.

    Hyperliquid's own word is ``Alo``, add liquidity only; ccxt capitalises the flag and does not translate ``PO``.
    """
    return "ALO" if exchange == "hyperliquid" else "PO"


def names_of(exchange: str, market: Mapping[str, Any]) -> Names:
    """Names of a market, from ccxt's description of it.

    ccxt writes capitals and words of its own, so what the venue calls the market is read and not made from the pair.
    """
    pair = str(market["symbol"])
    coin = str(market.get("baseName") or market["base"])
    if exchange != "hyperliquid":
        return Names(str(market.get("id", pair)), pair, coin)
    if market["type"] == "spot":
        return spot_names(str(market["id"]), pair, coin, str(market["quote"]))
    return Names(coin, pair, file_key(coin))


def instrument_of(exchange: str, market: Mapping[str, Any]) -> Instrument:
    """Trading rules of one pair.

    Raises
    ------
    MalformedMessage
        If the description has no steps.
    """
    lot, tick = (_step(market, name) for name in ("amount", "price"))
    grid: PriceGrid = FixedTick(tick)
    if exchange == "hyperliquid":
        # ccxt gives the step at the price of the moment the markets were loaded; the rule is in significant figures.
        decimals = _HYPERLIQUID_DECIMALS[market["type"]] + lot.adjusted()
        grid = SignificantFigures(_HYPERLIQUID_FIGURES, decimals)
    minimum = ((market.get("limits") or {}).get("cost") or {}).get("min")
    names = names_of(exchange, market)
    return Instrument(names.key, names.pair, grid, lot, float(minimum or 0.0))


def require_listed(market: Mapping[str, Any]) -> None:
    """Make sure that orders in a market are not refused for certain; a description that does not say so is believed.

    Raises
    ------
    MalformedMessage
        If the exchange has delisted it.
    """
    if market.get("active") is False:
        raise MalformedMessage(f"the exchange has delisted {market.get('symbol')}", reason=Reason.DELISTED)


def _step(market: Mapping[str, Any], name: str) -> Decimal:
    value = (market.get("precision") or {}).get(name)
    if value is None or not float(value) > 0:
        detail = f"the market {market.get('symbol')} has {name} step {value!r}, needed is a positive one"
        raise MalformedMessage(detail, reason=Reason.MARKET_UNKNOWN)
    return Decimal(repr(float(value))).normalize()
