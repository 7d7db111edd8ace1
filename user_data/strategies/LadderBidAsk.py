"""`LadderSpot` with another shape."""

from LadderSpot import LadderSpot

from market_making.quoting.models.ladder_shape import LadderShape


class LadderBidAsk(LadderSpot):
    """A ladder with sizes that rise with the distance from mid, collapsed to the level that should earn most."""

    shape = LadderShape.BID_ASK
