"""What a peer knows of its market beside the book: its lot, its bound and the calibrations of the time."""

from typing import NamedTuple

from market_making.market.errors import MarketMakingError
from market_making.market.instrument import Instrument
from market_making.quoting.order_flow import OrderFlow
from market_making.replay.bot.as_of import CalibrationsAsOf


class PeerMarket(NamedTuple):
    """Trading rules, calibrations, size of an order and the largest position [coins]."""

    instrument: Instrument
    calibrations: CalibrationsAsOf
    lot: float
    bound: float

    def flow(self, now_ms: int) -> OrderFlow | None:
        """The newest calibration that is valid at a time [ms]."""
        try:
            return self.calibrations.at(now_ms).flow
        except MarketMakingError:
            return None
