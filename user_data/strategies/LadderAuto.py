"""`LadderSpot` with a shape that follows volatility."""

from LadderSpot import LadderSpot


class LadderAuto(LadderSpot):
    """A ladder with the shape curve in a calm market, bid-ask in a wild one, spot between; collapsed to one level."""

    shape = None
