"""Why a pair has no order: one row per kind of reason."""

from typing import Any

from market_making.market.reasons import Reason
from market_making.safety import findings as found
from market_making.safety.condition import LATER_MS, SOON_MS, Condition, Severity
from market_making.safety.conditions.remedies import START_BOT


def _unquoted(
    name: str, reasons: tuple[Reason, ...], remedy: str, severity: Severity = Severity.WARNING, **more: Any
) -> Condition:
    """A reason why a pair has no order: said after 30 s, at once and as an alarm while a position is held."""
    switches = {switch: more.pop(switch, False) for switch in ("never_grave", "also_closed")}
    return Condition(
        name,
        severity,
        found.withheld(*reasons, **switches),
        "{pair} {does}: {detail}.{held}",
        "{pair} is quoted again.",
        remedy,
        after_ms=SOON_MS if severity is Severity.ALARM else LATER_MS,
        topic="quoting",
        **more,
    )


QUOTING = (
    _unquoted(
        "parameters_missing",
        (Reason.PARAMETERS_MISSING,),
        "Start the recorder with `mm collect --coin {coin}` and the calibrator with `mm calibrate --coin {coin}`; the "
        "first calibration needs ten minutes of data. If both run, give them the configuration files of the bot.",
    ),
    _unquoted(
        "parameters_stale",
        (Reason.PARAMETERS_STALE,),
        "The calibrator or the recorder has stopped; `mm status` shows which. Start what is missing with "
        "`mm collect --coin {coin}` or `mm calibrate --coin {coin}`.",
    ),
    _unquoted(
        "parameters_invalid",
        (Reason.PARAMETERS_INVALID,),
        "The file is damaged, of another market or of another version. Start the calibrator of this version with "
        "`mm calibrate --coin {coin}` and the configuration files of the bot.",
    ),
    _unquoted(
        "calibration_bad",
        (Reason.CALIBRATION_BAD, Reason.NO_HISTORY),
        "Wait until more is recorded: `mm quotes {coin}` shows the calibration and `mm status` the age of the data.",
    ),
    _unquoted(
        "calibration_paused",
        (Reason.CALIBRATION_PAUSE, Reason.TOXIC_FLOW),
        "Wait: the order flow of {coin} would cost more than it earns. `model.pause_toxicity` in the `market_making` "
        "section is the limit; `mm scan` ranks other coins.",
    ),
    _unquoted(
        "model_withholds",
        (Reason.MODEL_WITHHOLDS, Reason.NO_SOLUTION, Reason.NOTHING_EARNS, Reason.THIN_BOOK, Reason.AT_BOUND),
        "Wait: the model expects no gain in this market. `mm quotes {coin}` shows its prices, "
        "and `mm scan` ranks other coins.",
    ),
    _unquoted(
        "book_stale",
        (Reason.BOOK_STALE,),
        "Look at the exchange's status page and at the network of this machine. If both are well the clock is wrong: "
        "set it with `sudo chronyc makestep`.",
    ),
    _unquoted(
        "book_unusable",
        (Reason.BOOK_UNUSABLE, Reason.NUMBERS_UNUSABLE),
        "Look at the book of {coin} on the exchange. If it is well, report this sentence as a fault of this program.",
    ),
    _unquoted(
        "market_unknown",
        (Reason.MARKET_UNKNOWN, Reason.DELISTED),
        "Correct or remove {pair} in `exchange.pair_whitelist`, and restart the bot with " + START_BOT + ".",
    ),
    _unquoted(
        "market_closed",
        (Reason.MARKET_CLOSED,),
        "Wait, or choose another market with `mm scan`: the exchange takes no order that opens a position in {pair}, "
        "or its oracle stands still and the mark price may jump.",
        also_closed=True,
    ),
    _unquoted(
        "position_unknown",
        (Reason.POSITION_UNKNOWN,),
        "Close what the bot does not know in the exchange's own application: the bot goes on when the account "
        "agrees with its orders. If somebody else trades on this account, give the bot an account of its own.",
        Severity.ALARM,
        also_closed=True,
    ),
    _unquoted(
        "order_unknown",
        (Reason.ORDER_UNKNOWN,),
        "Cancel the order in the exchange's own application, or start the guard with `mm guard`, which does it. If "
        "somebody else trades on this account, give the bot an account of its own.",
        Severity.ALARM,
        also_closed=True,
    ),
    _unquoted(
        "account_unknown",
        (Reason.ACCOUNT_UNKNOWN,),
        "Wait if the exchange is disturbed. Else compare `exchange.walletAddress` and the key with the exchange's page "
        "of API wallets: the key may have expired.",
        also_closed=True,
    ),
    _unquoted(
        "other_leg_silent",
        (Reason.OTHER_LEG_SILENT,),
        "Start the other leg with `freqtrade trade --strategy MarketMaking -c user_data/config.json` and its own two "
        "files; `market_making.legs` must be the same folder for both.",
        also_closed=True,
    ),
    _unquoted(
        "one_sided",
        (Reason.OTHER_LEG_QUOTES, Reason.OTHER_LEG_TURNS),
        "Look at the other leg with `mm status`: a rule, a lock or a person keeps one of the two from a side, or an "
        "order of the other leg cannot be cancelled.",
        Severity.INFO,
    ),
    _unquoted(
        "below_smallest_order",
        (Reason.BELOW_SMALLEST_ORDER,),
        "Wait until the price has moved, or close the rest in the exchange's own application. If it comes back, raise "
        "`model.order_notional` in the `market_making` section.",
        never_grave=True,
    ),
    _unquoted(
        "actions_spent",
        (Reason.ACTIONS_SPENT, Reason.ACTIONS_RESERVED, Reason.SAVING_ACTIONS),
        "Raise `quote.tolerance_bps` and `quote.minimum_life_s` in the `market_making` section, so that orders are "
        "moved less often, and restart the bot with " + START_BOT + ".",
    ),
    _unquoted(
        "pair_locked",
        (Reason.PAIR_LOCKED,),
        "Look at `/locks` in Telegram or FreqUI; `/unlock` lets {pair} go on before the lock ends.",
    ),
    _unquoted(
        "winding_down",
        (Reason.WINDING_DOWN,),
        "Nothing, if the pair was black-listed or taken from the whitelist on purpose: its position is offered at a "
        "maker's price, and `/forceexit` leaves it at once. Else correct `exchange.pair_whitelist` and "
        "`exchange.pair_blacklist`, and restart the bot with " + START_BOT + ".",
        also_closed=True,
    ),
    _unquoted(
        "paused",
        (Reason.STOPPED,),
        "Somebody has paused the bot or asked it to leave its position; `/start` in Telegram or FreqUI lets it open "
        "again.",
    ),
    _unquoted(
        "exchange_error",
        (Reason.EXCHANGE_ERROR,),
        "Look at the exchange's status page and at the network of this machine; the bot asks again in every loop.",
    ),
    _unquoted(
        "not_quoting",
        (
            *(Reason.UNEXPECTED, Reason.WRONG_SIDE, Reason.ADDITION_DROPPED, Reason.LEAVING, Reason.NO_PLAN),
            *(Reason.SIDE_FREE, Reason.OTHER_SIDE, Reason.TOO_LARGE, Reason.TOO_SMALL, Reason.TOO_CLOSE),
            *(Reason.TOO_FAR, Reason.YOUNG, Reason.GOOD, Reason.GUARD, Reason.BOT_SILENT, Reason.ORDER_REFUSED),
        ),
        "Look at the end of the bot's log and of its decision log in `user_data/logs/decisions`.",
    ),
    Condition(
        "nothing_rests",
        Severity.WARNING,
        found.nothing_rests,
        "{pair} should be quoted, but no order rests.{held}",
        "{pair} is quoted again.",
        "Look in the bot's log for refused orders: the key may have expired, the balance may be too low, or "
        "`/stopentry` may be in force. `mm check` shows which.",
        after_ms=LATER_MS,
        topic="quoting",
    ),
)
