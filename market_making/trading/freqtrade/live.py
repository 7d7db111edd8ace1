"""A bot that runs, live or dry: its desk, its orders' flags, and the start of each loop."""

from dataclasses import replace
from functools import partial
from typing import Any

from freqtrade.enums import RunMode
from freqtrade.exceptions import ConfigurationError as FreqtradeConfigurationError
from freqtrade.exceptions import FreqtradeException
from freqtrade.persistence import Order, Trade
from sqlalchemy import select

from market_making.market.errors import MarketMakingError
from market_making.market.reasons import Because, Reason
from market_making.trading.actions.budget import ActionBudget
from market_making.trading.decision_log import DecisionLog
from market_making.trading.deferred_stop import DeferredStop
from market_making.trading.desk import Desk
from market_making.trading.freqtrade.edge.credentials import credentials_of
from market_making.trading.freqtrade.edge.overrides import Edge, budget_of, install, names_of
from market_making.trading.freqtrade.exchange_rules import post_only_flag
from market_making.trading.freqtrade.halts import bot_name, halt_of
from market_making.trading.freqtrade.pair_reader import PairReader, QuotingStrategy
from market_making.trading.freqtrade.promises import misplaced_keys
from market_making.trading.freqtrade.trade import position_of
from market_making.trading.risk_watch import RiskWatch

_PRACTISED = "dry_run_"  # begins every order id that Freqtrade makes up


def is_running(strategy: QuotingStrategy) -> bool:
    """Whether orders are placed now, be it for practice; else the past is traded or drawn."""
    return strategy.dp.runmode in (RunMode.LIVE, RunMode.DRY_RUN)


def desk_of(strategy: QuotingStrategy) -> Desk:
    """Build the desk of a strategy."""
    settings, config = strategy.settings, strategy.config
    bot = bot_name(config)
    budget = budget_of(settings, overrides_of(strategy))
    record = DecisionLog(settings.decisions, bot).write if is_running(strategy) else None
    tell = partial(strategy.dp.send_msg, always_send=True)
    risk = RiskWatch(settings.risk_limits(), settings.risk.state, bot, tell)
    stop = DeferredStop(installed=strategy.dp.runmode is RunMode.LIVE)
    return Desk(budget, strategy.orders_before_flat, record, leg=settings.role.leg, risk=risk, stop=stop)


class StartRefused(FreqtradeConfigurationError, ValueError):  # type: ignore[misc] # Freqtrade ships no types
    """The bot must not start; a ValueError too, of which Freqtrade prints one line instead of a traceback."""


def refuse_placeholders(strategy: QuotingStrategy) -> None:
    """Refuse, live on Hyperliquid, keys that are placeholders or malformed; Freqtrade has taken them from the settings.

    Raises
    ------
    StartRefused
        With the key, what is needed and what was seen.
    """
    if strategy.dp.runmode is not RunMode.LIVE or strategy.config["exchange"]["name"] != "hyperliquid":
        return
    if wrong := list(misplaced_keys(*credentials_of(strategy.dp._exchange))):
        raise StartRefused("; ".join(wrong))


def refuse_mixed_database(strategy: QuotingStrategy) -> None:
    """Refuse a database in which the other mode or the other leg has traded: profit and positions would count both.

    Raises
    ------
    StartRefused
        With the database and what it holds.
    """
    if not is_running(strategy):
        return
    is_live, leg = strategy.dp.runmode is RunMode.LIVE, strategy.settings.role.leg
    practised = Order.order_id.startswith(_PRACTISED, autoescape=True)
    other_mode = f"orders of {'a dry run' if is_live else 'a live bot'}"
    strangers = {other_mode: select(Order.order_id).where(practised if is_live else ~practised)}
    if leg is not None:
        strangers["trades of the other leg"] = select(Trade.id).where(Trade.is_short.is_(leg == "long"))
    for what, query in strangers.items():
        if Trade.session.scalars(query.limit(1)).first() is not None:
            raise StartRefused(f'db_url must be a database of its own, got "{strategy.config["db_url"]}" with {what}')


def make_post_only(strategy: QuotingStrategy) -> None:
    """Live, make every order post-only."""
    if strategy.dp.runmode is RunMode.LIVE:
        # A configuration with "ALO", or on Hyperliquid with "PO", is refused; the attribute is read at each order.
        flag = post_only_flag(str(strategy.config["exchange"]["name"]))
        strategy.order_time_in_force = {"entry": flag, "exit": flag}


def overrides_of(strategy: QuotingStrategy) -> tuple[str, ...]:
    """Overrides of ccxt's and Freqtrade's objects that are switched on; there are some for Hyperliquid."""
    if not is_running(strategy) or strategy.config["exchange"]["name"] != "hyperliquid":
        return ()
    return names_of(strategy.settings.edge, is_live=strategy.dp.runmode is RunMode.LIVE)


def edge_of(strategy: QuotingStrategy, budget: ActionBudget) -> Edge:
    """Install the overrides of a strategy; they keep its action budget informed."""
    names = overrides_of(strategy)
    if not names:
        return Edge()
    return install(strategy.dp._exchange, names, strategy.settings.state, budget, bot_name(strategy.config))


def follows_touch(strategy: QuotingStrategy) -> bool:
    """Whether the rate that Freqtrade proposes is the touch of an order's own side, and prices shall follow it."""
    pricings = [strategy.config.get(f"{kind}_pricing", {}) for kind in ("entry", "exit")]
    at_touch = all(
        pricing.get("use_order_book") and pricing.get("order_book_top", 1) == 1 and pricing.get("price_side") == "same"
        for pricing in pricings
    )
    return is_running(strategy) and strategy.settings.edge.fresh and at_touch


def start_loop(strategy: QuotingStrategy, desk: Desk, reader: PairReader, now_ms: int, *, is_paused: bool) -> None:
    """Make the plan of every pair; a pair for which anything is missing or doubtful has none."""
    trades: dict[str, Any] = dict.fromkeys(strategy.dp.current_whitelist())
    trades |= {trade.pair: trade for trade in Trade.get_open_trades()}
    reader.account.expect({pair: position_of(trade) for pair, trade in trades.items()})
    for pair, trade in trades.items():
        halt = halt_of(strategy.settings.state, trade, is_paused=is_paused)
        if halt.nothing is not None:
            desk.withhold(pair, halt.nothing, now_ms)
            continue
        try:
            inputs, holding = reader.read(pair, trade, now_ms)
            no_opening, leaving = halt.no_opening or inputs.no_opening, halt.leaving or inputs.leaving
            inputs = replace(inputs, no_opening=no_opening, leaving=leaving)
            reader.observers.planned(pair, desk.open(pair, inputs, holding).quotes)
        except MarketMakingError as error:
            desk.withhold(pair, error.because, now_ms)
        except FreqtradeException as error:
            desk.withhold(pair, Because(Reason.EXCHANGE_ERROR, str(error)), now_ms, failed=True)
        except OSError as error:
            desk.withhold(pair, Because(Reason.UNEXPECTED, str(error)), now_ms)
