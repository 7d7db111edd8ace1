"""Why a quote is not there, is moved, or stays: an enum to count and group by, beside a text with the figures."""

from enum import StrEnum
from typing import NamedTuple


class Reason(StrEnum):
    """One cause; logs, state files, metrics and alerts group by it, so a member is never renamed."""

    # What is known of the market.
    BOOK_UNUSABLE = "book_unusable"
    BOOK_STALE = "book_stale"
    NUMBERS_UNUSABLE = "numbers_unusable"
    MARKET_UNKNOWN = "market_unknown"
    DELISTED = "delisted"
    MARKET_CLOSED = "market_closed"
    # What is known of the calibration.
    PARAMETERS_MISSING = "parameters_missing"
    PARAMETERS_INVALID = "parameters_invalid"
    PARAMETERS_STALE = "parameters_stale"
    CALIBRATION_BAD = "calibration_bad"
    CALIBRATION_PAUSE = "calibration_pause"
    NO_HISTORY = "no_history"
    # What the model says.
    MODEL_WITHHOLDS = "model_withholds"
    NO_SOLUTION = "no_solution"
    TOXIC_FLOW = "toxic_flow"
    AT_BOUND = "at_bound"
    NOTHING_EARNS = "nothing_earns"
    THIN_BOOK = "thin_book"
    # What is held and known of the account.
    POSITION_UNKNOWN = "position_unknown"
    ORDER_UNKNOWN = "order_unknown"
    ACCOUNT_UNKNOWN = "account_unknown"
    OTHER_LEG_SILENT = "other_leg_silent"
    OTHER_LEG_QUOTES = "other_leg_quotes"
    OTHER_LEG_TURNS = "other_leg_turns"
    WRONG_SIDE = "wrong_side"
    BELOW_SMALLEST_ORDER = "below_smallest_order"
    # What the risk rules say.
    DRAWDOWN = "drawdown"
    DAILY_LOSS = "daily_loss"
    POSITION_LARGE = "position_large"
    VOLATILITY_SPIKE = "volatility_spike"
    FAST_MOVE = "fast_move"
    INTERFACE_ERRORS = "interface_errors"
    TAKER_VOLUME = "taker_volume"
    LOSING_FILLS = "losing_fills"
    RISK_UNSAVED = "risk_unsaved"
    RISK_UNREADABLE = "risk_unreadable"
    EQUITY_UNKNOWN = "equity_unknown"
    LEAVING = "leaving"
    # Limits, and what people have said.
    ACTIONS_SPENT = "actions_spent"
    ACTIONS_RESERVED = "actions_reserved"
    ADDITION_DROPPED = "addition_dropped"
    ORDER_REFUSED = "order_refused"
    PAIR_LOCKED = "pair_locked"
    WINDING_DOWN = "winding_down"
    KILL_SWITCH = "kill_switch"
    STOPPED = "stopped"
    BOT_SILENT = "bot_silent"
    EXCHANGE_ERROR = "exchange_error"
    UNEXPECTED = "unexpected"
    # Why a resting order is moved or kept.
    NO_PLAN = "no_plan"
    SIDE_FREE = "side_free"
    OTHER_SIDE = "other_side"
    TOO_LARGE = "too_large"
    TOO_SMALL = "too_small"
    TOO_CLOSE = "too_close"
    TOO_FAR = "too_far"
    YOUNG = "young"
    SAVING_ACTIONS = "saving_actions"
    GOOD = "good"
    GUARD = "guard"


class Because(NamedTuple):
    """A reason and its text with figures; the text alone is what people read."""

    reason: Reason
    detail: str

    def __str__(self) -> str:
        return self.detail
