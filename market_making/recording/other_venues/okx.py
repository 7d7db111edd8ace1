"""OKX: linear perpetuals.

* Sizes come in contracts, 0.01 BTC each for example; they are recorded in coins.
* ``bbo-tbt`` gives best quotes every 10 ms, ``books`` 400 levels every 100 ms; books by the tick need an account.
* ``trades`` merges the fills of one taker at one price; its ``side`` is the taker's.
* All times are the matching engine's.
"""

from collections.abc import Mapping
from typing import Any

from market_making.recording.other_venues.quirks import VenueQuirks


class Okx(VenueQuirks):
    """Linear perpetuals."""

    name = "okx"
    quote = "USDT"
    options: Mapping[str, Any] = {"fetchMarkets": {"types": ["swap"]}}
