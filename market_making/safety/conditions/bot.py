"""What is wrong with a bot beside a pair that is not quoted."""

from market_making.market.reasons import Reason
from market_making.safety import findings as found
from market_making.safety.condition import LATER_MS, SOON_MS, Condition, Severity
from market_making.safety.conditions.remedies import SEE_DISK, SET_CLOCK, START_BOT

RISK = (
    Condition(
        "risk_rule",
        Severity.WARNING,
        found.risk_holds,
        "{pair} {does}: {rules}.{held}",
        "{pair} may open again: no risk rule holds.",
        "Wait: a daily loss is forgotten at 00:00 UTC, and all other rules but the drawdown end by themselves. After a "
        "drawdown find out what was lost, then remove the file of {coin} in `user_data/risk` and restart the bot.",
    ),
    Condition(
        "risk_unsaved",
        Severity.ALARM,
        found.risk_says(Reason.RISK_UNSAVED),
        "{pair} opens nothing: the losses so far cannot be saved, and a restart would forget them.{held}",
        "The losses of {pair} are saved again.",
        SEE_DISK,
    ),
    Condition(
        "risk_unreadable",
        Severity.ALARM,
        found.risk_says(Reason.RISK_UNREADABLE),
        "{pair} is not quoted: the losses of an earlier run cannot be read.{held}",
        "The losses of {pair} are known again.",
        "Look at the file of {coin} in `user_data/risk`; remove it to start afresh, and restart the bot.",
    ),
    Condition(
        "equity_unknown",
        Severity.WARNING,
        found.risk_says(Reason.EQUITY_UNKNOWN),
        "{pair} opens nothing: the value of the account is not known.{held}",
        "The value of the account is known again.",
        "Wait if the exchange is disturbed. Else look whether a fill is missing in the bot's log, and restart it.",
    ),
)

BOT = (
    Condition(
        "kill_switch",
        Severity.WARNING,
        found.killed,
        "The kill switch is on: nothing is opened.{held}",
        "The kill switch is off.",
        "`mm stop --resume` lets all bots go on; `mm stop --flatten` also closes what is held.",
    ),
    Condition(
        "clock_behind",
        Severity.WARNING,
        found.clock_behind,
        "The book of {pair} is {ahead} ahead of this machine's clock, so a book that stops would be noticed late.",
        "The book of {pair} and this machine's clock agree again.",
        SET_CLOCK,
        after_ms=SOON_MS,
    ),
    Condition(
        "settings_differ",
        Severity.INFO,
        found.settings_differ,
        "{pair} is quoted with the bot's own settings, which are not the calibrator's: {why}.{table}",
        "{pair} is quoted with the calibrator's settings again.",
        "Nothing needs to be done: order size and bound are always the bot's. To quote from the published table, start "
        "the calibrator with the bot's configuration files, as in `mm calibrate -c user_data/config.json`.",
    ),
    Condition(
        "actions_low",
        Severity.WARNING,
        found.actions_low,
        "The address has {left} actions left{lasting}.",
        "The address has enough actions again.",
        "Raise `quote.tolerance_bps` and `quote.minimum_life_s` in the `market_making` section, so that orders are "
        "moved less often. Each USDC traded earns one action.",
    ),
    Condition(
        "legs_uneven",
        Severity.WARNING,
        found.legs_uneven,
        "The account of the {leg} leg is worth {own} USDC, that of the other leg {other}: results drift from one "
        "account to the other.",
        "Both legs have about the same capital again.",
        "On the exchange's page, {transfer}. A leg without margin places no order.",
        after_ms=LATER_MS,
    ),
    Condition(
        "no_pair",
        Severity.WARNING,
        found.no_pair,
        "The bot has no pair to quote.",
        "The bot has a pair again.",
        "Correct `exchange.pair_whitelist`, and restart the bot with " + START_BOT + ".",
        after_ms=LATER_MS,
    ),
    Condition(
        "loop_slow",
        Severity.WARNING,
        found.loop_slow,
        "A loop takes {loop}; quotes are late by as much.",
        "The loop is fast again.",
        "Look with `top` whether this machine is busy, and at the exchange's status page. "
        "Fewer pairs make the loop shorter.",
        after_ms=LATER_MS,
    ),
    Condition(
        "log_unwritable",
        Severity.WARNING,
        found.unwritable("decisions"),
        "Decisions are not logged: {detail}.",
        "Decisions are logged again.",
        SEE_DISK,
    ),
    Condition(
        "state_unwritable",
        Severity.WARNING,
        found.unwritable("state"),
        "The state folder cannot be written: {detail}. Nothing is opened, as an order whose answer is lost could not "
        "be found again; `mm status` and the guard do not see this bot.",
        "The state file is written again.",
        SEE_DISK,
        after_ms=SOON_MS,
    ),
)
