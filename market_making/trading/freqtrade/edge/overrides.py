"""The register of overrides: their names, and what holds without them.

Each has a switch of its name in the section ``market_making.edge``; off, the object of ccxt or Freqtrade works as
shipped. Nothing is changed on disk, only objects of the running bot. A contract test of each name fails when an upgrade
changes the shape of the object it replaces (`tests/freqtrade_contract/test_edge.py`).
"""

from collections.abc import Sequence
from typing import NamedTuple

from market_making.settings.edge import EdgeSettings
from market_making.settings.settings import Settings
from market_making.trading.actions.budget import ActionBudget
from market_making.trading.actions.governor import ActionGovernor


class Override(NamedTuple):
    """One override: its name, the object whose place it takes, and what holds without it."""

    name: str
    replaces: str
    without: str


OVERRIDES = (
    Override(
        "builder_fee", "ccxt.hyperliquid.handle_builder_fee_approval", "ccxt approves its builder and adds it to orders"
    ),
    Override("pace", "ccxt.hyperliquid.request", "ccxt waits 50 ms for each unit of its own costs before a request"),
    Override(
        "asked_once",
        "ccxt.hyperliquid.request, freqtrade.worker.Worker._sleep",
        "the account is asked for up to four times between two orders",
    ),
    Override("leverage_once", "freqtrade.exchange.Hyperliquid._lev_prep", "the leverage is sent before every entry"),
    Override("address_budget", "ccxt.hyperliquid.request", "only actions per minute are counted, not what is left"),
    Override("named", "ccxt.hyperliquid.create_order", "an order whose answer is lost is unknown, and cancelled later"),
    Override("remembered", "freqtrade.worker.Worker._worker", "/stop and /stopentry are forgotten when the bot ends"),
    Override(
        "socket",
        "ccxt.hyperliquid.request, freqtrade.exchange.Hyperliquid.get_trades_for_order and close",
        "books, orders and fills are asked for",
    ),
    Override(
        "unanswered",
        "ccxt.hyperliquid.request",
        "an order that cannot be asked about holds up the loop for 35 s and rests on",
    ),
    Override(
        "patience",
        "ccxt.hyperliquid.timeout, freqtrade.worker.RETRY_TIMEOUT",
        "an answer is waited for 10 s, and the bot sleeps 30 s after a failed request",
    ),
    Override("sound_answers", "ccxt.hyperliquid.request", "null is an order without a number, or an empty account"),
    Override("wake", "freqtrade.worker.Worker._sleep", "the bot sleeps until its time between two loops is over"),
    Override("cancel_first", "ccxt.hyperliquid.request", "a stale order is cancelled in the turn of its pair"),
    Override(
        "fee_token",
        "ccxt.hyperliquid.parse_trade",
        "a fee paid in UBTC is not taken off the amount of a trade in BTC/USDC, of which the wallet then holds less",
    ),
    Override(
        "ended_orders",
        "ccxt.hyperliquid.parse_order_status",
        "an order that the dead man's switch has ended is open for ever, and its pair is neither quoted nor sold again",
    ),
    Override("funding", "freqtrade.exchange.Hyperliquid.get_funding_fees", "funding is asked for before every order"),
)


def names_of(settings: EdgeSettings, *, is_live: bool) -> tuple[str, ...]:
    """Overrides that are switched on and can work: a dry run has no account, without the socket nothing wakes."""
    without = (
        set() if is_live else {"asked_once", "leverage_once", "address_budget", "named", "unanswered", "cancel_first"}
    )
    if not settings.socket:
        without |= {"wake", "cancel_first"}
    names = (override.name for override in OVERRIDES if getattr(settings, override.name))
    return tuple(name for name in names if name not in without)


def budget_of(settings: Settings, names: Sequence[str]) -> ActionBudget:
    """The action budget that goes with these overrides."""
    quote, entry_actions = settings.quote, 1 if "leverage_once" in names else 2
    if "address_budget" not in names:
        return ActionBudget(quote.actions_per_minute, entry_actions=entry_actions)
    return ActionGovernor(
        quote.actions_per_minute,
        entry_actions=entry_actions,
        reserve=quote.reserved_actions,
        action_price=quote.action_price,
    )
