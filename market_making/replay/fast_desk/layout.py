"""What the fast desk keeps in memory: records, because a compiled function takes one as a mere address.

Numbers are those of the Python desk under the same names. A reason is the position of its member in `Reason`, `NONE`
where there is none; a side is `BID` or `ASK`; what is true is 1.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from market_making.market.reasons import Reason
from market_making.market.tape import FloatArray, IntArray
from market_making.quoting.readings.observer import SPACING_MS
from market_making.quoting.readings.rolling_volatility import KEPT_MS

NONE = -1
BID, ASK = 0, 1
QUOTING, WIDENED, PAUSED = 0, 1, 2
ALONE, LONG, SHORT = 0, 1, 2
REASON = {reason: number for number, reason in enumerate(Reason)}
REASONS = len(Reason)

RETURNS = KEPT_MS // SPACING_MS + 2  # no more fit into the time that is remembered
RECENT = 1024  # mids, and fills, of the last ten seconds
OWN_FILLS = 1024  # of the last five minutes
MOST_TIERS = 32
QUOTE_NUMBERS = 18

ROOM, SELECTION, FEE, INVENTORY, LEVEL_TERM, FAIR_VALUE, FLOOR = range(7)
REGIME, RISK, USER, BOUNDS, IMBALANCE, TOUCH, TICK = range(7, 14)
"""Terms of a depth in the sequence of `Terms`, without those that are always zero."""
TERMS, OF_MODEL = 14, 9  # how many they are, and how many of them make the depth that a model prefers by
SIZE, PRICE, COINS, WHY = 14, 15, 16, 17
"""The rest of a quote: size [lots], valid price, size of its order [coins], and the reason why there is none."""

Records = NDArray[np.void]


def _fields(**kinds: str) -> list[tuple[str, str]]:
    """Fields of 8 bytes: of floating point, and whole numbers."""
    return [(name, {"floats": "f8", "whole": "i8"}[kind]) for kind, names in kinds.items() for name in names.split()]


_SETTING = [
    *_fields(
        floats="""tick tick_scale price_unit lot_unit lot_scale lot_size minimum_notional
        maker_fee model_fee widen pause session_s model_inventory
        maximum_inventory minimum_bps maximum_bps tolerance_bps minimum_life_ms smallest_notional depth_factor valid_ms
        per_ms most_actions reserve action_price
        largest_position daily_loss drawdown one_sided_share both_sided_share leave_share spike_ratio move_share
        fade_factor
        side_size smallest_tier weight_of_tiers tier_inventory skew_from widen_from one_sided_from skew_strength
        least_notional funding_holding_s tier_fee nearest_bps half""",
        whole="""number figures decimals lowest_tick group opens_bid opens_ask wakes cancels_first fresh anchors
        orders_before_flat governed entry_actions spike_warm_up_ms spike_memory_ms move_within_ms move_pause_ms fade_at
        pause_at losing_pause_ms oldest_data_ms leave_after_loss leg other apart_ms tiers book_levels""",
    ),
    ("tier_weights", "f8", (MOST_TIERS,)),
]
SETTING = np.dtype(_SETTING)
"""What a setting decides and never changes: grid, model, rules, edge, budget, limits of the risk rules.

Two legs are two settings: `leg` tells which one it is, `other` which setting the other leg is, `apart_ms` how much
later it begins. `tiers` is 0 for a model that is a table; from `side_size` on there are numbers of tiers. `half` is
0.5: of a constant the compiler would make another function than `pow`, with other last bits.
"""

_NUMBERS = _fields(
    floats="""cash price size made_price made_size made_mid made_depth made_touch made_near made_ahead out_price
        view_mid view_lot bid ask mid imbalance depth_factor tolerance_factor life_factor
        fade bid_notional ask_notional microprice usual capture
        left level earned_since told_coins other_coins
        start_of_day peak spike_usual aside_usual volatility
        long_move long_square long_span long_span_square long_product
        short_move short_square short_span short_span_square short_product weighted_square weighted_span""",
    whole="""phase next_ms wanted_ms turn start_ms reached_ms begin_ms now_ms wake_ms earliest_ms news draw sending
        feed_ms decide_ms entry_ms response_ms period_ms pause_ms
        lots orders number side placed_ms tracked is_open fill_ms
        inputs calibration plan_ms made made_lots made_number made_orders wants made_side grows keep out view_ms
        growing reducing shut_growing shut_reducing leaves leaving saving opening placing decisions
        time_ms level_ms sent_since sent_ms
        told told_order told_bid told_ask heard other_order other_bid other_ask
        day lost_today drawn_down one_sided spike_known_ms spike_last_ms spiking spike_observed
        aside_known_ms aside_last_ms move_until_ms losses losing_until_ms
        is_anchored risk_level losing_fills scored_ms usual_ms own_head own_count
        mid_head mid_count return_head return_count since_sum move_head move_count wait_head wait_count""",
)
_RINGS = [
    *((name, kind, (RETURNS,)) for name, kind in (("mid_ms", "i8"), ("mid_log", "f8"), ("mid_linked", "i8"))),
    *((name, "f8", (RETURNS,)) for name in ("moves", "spans")),
    *((name, kind, (RECENT,)) for name, kind in (("recent_ms", "i8"), ("recent_mid", "f8"))),
    *(
        (name, kind, (RECENT,))
        for name, kind in (("due_ms", "i8"), ("due_side", "i8"), ("due_price", "f8"), ("due_mid", "f8"))
    ),
    *((name, kind, (OWN_FILLS,)) for name, kind in (("own_ms", "i8"), ("own_side", "i8"), ("own_price", "f8"))),
    ("own_lots", "f8", (OWN_FILLS,)),
]
_OF_SIDES = [("scores", "f8", (2,)), ("scored", "i8", (2,)), ("shared_out", "f8", (2,))]
_TIERS = [("bands", "f8", (3, 2)), ("distances", "f8", (3, MOST_TIERS)), ("tier_sizes", "f8", (2, MOST_TIERS))]
_COUNTS = [(name, "i8", (REASONS,)) for name in ("withheld", "first")]
STATE = np.dtype([*_NUMBERS, ("quotes", "f8", (2, QUOTE_NUMBERS)), *_COUNTS, *_OF_SIDES, *_TIERS, *_RINGS])
"""What a setting's bot remembers: its loop, what it holds, its plan, its budget, its risk rules, its readings.

`quotes` is where a plan is worked out, a row a side. `withheld` and `first` tell in how many loops no order was wanted
for a reason, and the loop in which that began. Rings: `mid_ms`, `mid_log` and `mid_linked` are the mids of the last ten
minutes, their logarithms, and whether there is a return to each; `moves` and `spans` those returns and how long they
took [s]; `recent_ms` and `recent_mid` the mids of the last seconds; `due_` fills that are too fresh to be judged;
`own_` those of the last minutes.

For a model of tiers: `scores` of `scored` fills say what followed those of each side; `usual` is the volatility that is
usual after `usual_ms` in which it was known; `capture` what recent fills brought [bps]; `distances` of each tier in the
three `bands` of the spread; `tier_sizes` are of the size that is `shared_out`.
"""

MODEL = np.dtype(
    _fields(
        floats="""bid_decay ask_decay bid_intensity ask_intensity bid_adverse ask_adverse volatility lot
            response funding_rate bid_selection ask_selection bid_fee ask_fee bid_floor ask_floor bid_kept ask_kept""",
        whole="created_ms is_bad fault regime table rows columns",
    )
)
"""One calibration as a group of settings reads it; `bid_` is of what fills a bid.

`response` is β of the imbalance; `selection`, `fee`, `floor` and `kept` are those of `FillCosts`; `fault` is why
nothing can be quoted from it. From `table` on, `Arrays.cells` hold depths of bids and of asks and the value, each of
shape (rows, columns), and the time left of each row.
"""

ORDER = np.dtype(_fields(floats="price size mid", whole="setting arrival asked_ms placed_ms ended_ms sign outcome"))
"""An order; one that is filled is filled whole, when it ends. It counts from its `arrival`, in the order of turns."""

OWN = np.dtype(_fields(floats="front traded", whole="side tick"))
"""The order of a setting in the book: size ahead, what was traded there since the level changed [coins]; `NONE`."""

LEVEL = np.dtype(_fields(floats="bid_size ask_size", whole="bid_own ask_own"))
"""A tick of the book: sizes of the market [coins], and how many own orders rest there."""

MID = np.dtype(_fields(floats="mid", whole="time_ms"))

WORLD = np.dtype(_fields(whole="row start_ms end_ms fault drawn orders turn bid ask own_bid own_ask"))
"""Where a pass has come to: row of the file, session [ms], what went wrong, lags used, orders asked for, turns,
best prices.

Prices are ticks above the lowest. No own bid is above `own_bid`, no own ask below `own_ask`.
"""
FULL, OUTSIDE, UNDRAWN, CROWDED = 1, 2, 3, 4


class Arrays(NamedTuple):
    """What all settings read and write.

    Attributes
    ----------
    models : array of MODEL, shape (G, C)
        Calibrations as each group reads them.
    cells : FloatArray
        Tables of all models, one after the other.
    mids : array of MID
        Of the session, one entry a change.
    lags : IntArray, shape (loops, 6)
        Times of each loop in the sequence of `Lags`, or one row for all loops [ms].
    orders : array of ORDER
        Of all settings, in the sequence in which they were asked for.
    levels : array of LEVEL
        The book.
    """

    models: Records
    cells: FloatArray
    mids: Records
    lags: IntArray
    orders: Records
    levels: Records


class Run(NamedTuple):
    """Everything of a pass over a tape: one entry a setting, one `WORLD`, and what they share."""

    settings: Records
    states: Records
    owns: Records
    world: Records
    arrays: Arrays
