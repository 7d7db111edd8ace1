"""What a market is called: on the wire, by ccxt and Freqtrade, and in files.

A name is made from the venue's, never the other way: ``KPEPE/USDC:USDC`` may be ``kPEPE`` or ``KPEPE`` on the wire, and
``BTC/USDC`` is ``@142``. Whoever has one name and needs another looks it up among the venue's markets
(`market_making.market.identity`) and cuts nothing out of it.
"""

from typing import NamedTuple
from urllib.parse import quote

USDC = "USDC"


class Names(NamedTuple):
    """Names of one market; ``name in names`` tells whether it is called so.

    Parameters
    ----------
    wire : str
        The venue's: ``kPEPE``, ``xyz:NVDA``, ``@142``.
    pair : str
        ccxt's and Freqtrade's: ``KPEPE/USDC:USDC``, ``XYZ-NVDA/USDC:USDC``, ``BTC/USDC``.
    key : str
        That of its files, its state and the command line: ``kPEPE``, ``xyz-NVDA``, ``UBTC_USDC``.
    """

    wire: str
    pair: str
    key: str


def perpetual_names(wire: str, collateral: str = USDC) -> Names:
    """Names of a perpetual, as ccxt makes them: it writes capitals, and a dash for the colon after the dex."""
    base = wire.upper().replace(":", "-")
    return Names(wire, f"{base}/{collateral}:{collateral}", file_key(wire))


def spot_names(wire: str, pair: str, base: str, quote_token: str) -> Names:
    """Names of a spot market, which ccxt may have given other words for its tokens; its key is no perpetual's."""
    return Names(wire, pair, file_key(f"{base}_{quote_token}"))


def candle_stem(pair: str) -> str:
    """How Freqtrade begins the names of a pair's files of candles."""
    return pair.replace("/", "_").replace(":", "_")


def file_key(name: str) -> str:
    """A name that every system takes for a file: what is no letter, digit, dot, dash or underscore is coded.

    >>> file_key("kPEPE"), file_key("xyz:NVDA"), file_key("dex:ABCD**")
    ('kPEPE', 'xyz-NVDA', 'dex-ABCD%2A%2A')
    """
    return quote(name.replace(":", "-"), safe="")
