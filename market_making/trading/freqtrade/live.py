"""A bot that runs, live or dry: its desk, its orders' flags, and the start of each loop."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from freqtrade.enums import RunMode
from freqtrade.exceptions import ConfigurationError as FreqtradeConfigurationError
from freqtrade.exceptions import FreqtradeException
from freqtrade.persistence import Order, Trade
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from market_making.market.errors import MarketMakingError
from market_making.market.reasons import Because, Reason
from market_making.safety.account_lock import take_database
from market_making.safety.process_lock import LockedByAnother
from market_making.trading.deferred_stop import DeferredStop
from market_making.trading.desk import Desk
from market_making.trading.freqtrade.account_orders import AccountOrders
from market_making.trading.freqtrade.closed_markets import ClosedMarkets
from market_making.trading.freqtrade.edge.credentials import credentials_of
from market_making.trading.freqtrade.edge.install import Edge, install
from market_making.trading.freqtrade.edge.overrides import budget_of, names_of
from market_making.trading.freqtrade.exchange_rules import post_only_flag
from market_making.trading.freqtrade.halts import Halt, bot_name, halt_of
from market_making.trading.freqtrade.pair_lists import PairLists
from market_making.trading.freqtrade.pair_reader import PairReader, QuotingStrategy
from market_making.trading.freqtrade.promises import misplaced_keys
from market_making.trading.freqtrade.record import Record
from market_making.trading.freqtrade.run_header import database_of
from market_making.trading.freqtrade.trade import holding_of, position_of
from market_making.trading.holding import Holding
from market_making.trading.legs.legs import Legs
from market_making.trading.legs.watch import LegWatch
from market_making.trading.own_orders import OwnOrders
from market_making.trading.pair_coins import PairCoins
from market_making.trading.risk_watch import RiskWatch

logger = logging.getLogger(__name__)

log = logging.getLogger(__name__)

_PRACTISED = "dry_run_"  # begins every order id that Freqtrade makes up


def is_running(strategy: QuotingStrategy) -> bool:
    """Whether orders are placed now, be it for practice; else the past is traded or drawn."""
    return strategy.dp.runmode in (RunMode.LIVE, RunMode.DRY_RUN)


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
    """Refuse a database in which the other mode has traded, or that another bot uses: profit would count both.

    Raises
    ------
    StartRefused
        With the database and what it holds.
    """
    if not is_running(strategy):
        return
    is_live, url = strategy.dp.runmode is RunMode.LIVE, strategy.config["db_url"]
    practised = Order.order_id.startswith(_PRACTISED, autoescape=True)
    query = select(Order.order_id).where(practised if is_live else ~practised)
    if Trade.session.scalars(query.limit(1)).first() is not None:
        what = f"orders of {'a dry run' if is_live else 'a live bot'}"
        raise StartRefused(f'db_url must be a database of its own, got "{url}" with {what}')
    try:
        take_database(database_of(strategy))
    except LockedByAnother as holder:
        raise StartRefused(f'db_url must be a database of its own, got "{url}" of {holder}') from None


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


def edge_of(strategy: QuotingStrategy, desk: Desk) -> Edge:
    """Install the overrides of a strategy; they keep its action budget informed."""
    names, folder = overrides_of(strategy), strategy.settings.state
    if not names:
        return Edge()
    name, deep = bot_name(strategy.config), strategy.needs_deep_book
    edge = install(strategy.dp._exchange, names, folder, desk, bot=name, with_books=not deep)
    edge.want(strategy.dp.current_whitelist())
    if edge.remembered is not None and (unasked := edge.unasked) is not None:
        edge.remembered.when_stopped = lambda: unasked.cancel_all(Trade.get_open_trades())
    return edge


def follows_touch(strategy: QuotingStrategy) -> bool:
    """Whether prices follow the rate that Freqtrade proposes; the promises make it the touch of an order's own side."""
    return is_running(strategy) and strategy.settings.edge.fresh


def without_empty(trades: Iterable[Any]) -> Iterator[Any]:
    """Give open trades, and remove those whose entry was cancelled unfilled while the bot did not run.

    Freqtrade removes such a trade when it cancels the entry itself. One that it finds cancelled when it starts stays
    open without an order, and Freqtrade neither looks at it nor opens another trade of its pair ever again.
    """
    for trade in trades:
        is_cancelled = trade.fully_canceled_entry_order_count == len(trade.orders)
        if trade.amount == 0 and is_cancelled and not trade.has_open_orders:
            log.warning("removing a trade of %s: its entry was cancelled unfilled while no bot ran", trade.pair)
            trade.delete()
            Trade.commit()
        else:
            yield trade


class RunningBot:
    """What a strategy does besides Freqtrade's hooks: the start of each loop, the record, and the end.

    Parameters
    ----------
    strategy : QuotingStrategy
        Of the bot.
    desk : Desk
        Where its plans are.
    reader : PairReader
        Which reads the pairs.
    record : Record or None
        None in a backtest, of which nothing is recorded.
    """

    def __init__(self, strategy: QuotingStrategy, desk: Desk, reader: PairReader, record: Record | None = None) -> None:
        self._strategy = strategy
        self.desk = desk
        self.reader = reader
        self._record = record
        self._holdings: dict[str, Holding] = {}
        self._broken: dict[str, str] = {}
        exchange = strategy.dp._exchange if strategy.dp.runmode is RunMode.LIVE else None
        self._orders = AccountOrders(exchange, None if record is None else record.journal)
        self._lists = PairLists(strategy.dp, strategy.config)
        self._closed = ClosedMarkets() if record is None else record.closed
        self._watch: LegWatch | None = None

    @classmethod
    def of(cls, strategy: QuotingStrategy) -> "RunningBot":
        """Build the bot of a strategy."""
        settings, runmode = strategy.settings, strategy.dp.runmode
        name, is_live = bot_name(strategy.config), runmode is RunMode.LIVE
        reader = PairReader(strategy, is_live=is_live)
        coins = PairCoins(reader.coin)
        record = Record(strategy, name, coins) if is_running(strategy) else None
        budget = budget_of(settings, overrides_of(strategy))
        risk = RiskWatch(settings.risk_limits(), settings.risk.state, name)
        stop, journal = DeferredStop(installed=record is not None), None if record is None else record.journal
        orders = OwnOrders(budget, coins=coins) if record is None else record.own_orders(budget)
        desk = Desk(budget, strategy.orders_before_flat, journal, risk=risk, stop=stop, orders=orders)
        if record is not None:  # the past knows no other leg
            desk.legs = Legs(settings.legs, settings.role.leg)
        desk.orders.listen(reader.observers.filled)
        return cls(strategy, desk, reader, record)

    def watch_other_leg(self, edge: Edge) -> None:
        """Begin a loop as soon as the other leg tells something new; without the edge's wake, the next one sees it."""
        settings, alarm = self._strategy.settings, edge.alarm
        if settings.role.leg is not None and alarm is not None:
            coins = map(self.desk.orders.coins.of, self._strategy.dp.current_whitelist())
            self._watch = LegWatch(settings.legs, settings.role.leg, coins, alarm.ring)
            self._watch.start()

    def start_loop(self, now_ms: int, edge: Edge) -> None:
        """Make the plan of every pair; a pair for which anything is missing or doubtful has none."""
        try:
            trades = self._plan_all(now_ms, edge)
            if edge.unasked is not None:
                edge.unasked.cancel(filter(None, trades.values()), now_ms)
        finally:  # whatever happens, the bot gives a sign of life
            if self._record is not None:
                self._record.loop(self.desk, self._holdings, now_ms, edge)

    def end(self, now_ms: int) -> None:
        """See what has become of the last orders, leave no unknown one, and say that the bot has ended."""
        if self._watch is not None:
            self._watch.stop()
        with suppress(OSError):  # as on a full disk: the other leg then hears no more, which tells it as much
            self.desk.legs.end()
        if self._record is None:
            return
        self._record.journal.ending()
        self._orders.end(self._last_trades(now_ms), now_ms)
        self._record.end(self.desk, self._holdings, now_ms)

    def _last_trades(self, now_ms: int) -> list[Any]:
        """The trades at the end; none where the database cannot be read, and then the exchange tells what rests."""
        for _ in range(2):
            try:
                return list(filter(None, self._look(now_ms).values()))
            except SQLAlchemyError as error:
                log.warning("the database cannot be read at the end: %s", error)
                with suppress(SQLAlchemyError):
                    Trade.rollback()  # what could not be written keeps the session from reading
        return []

    def _look(self, now_ms: int) -> dict[str, Any]:
        """The trade of each pair, None where there is none; what has become of its orders is told."""
        trades: dict[str, Any] = dict.fromkeys((*self._strategy.dp.current_whitelist(), *self.desk.orders.pairs))
        trades |= {trade.pair: trade for trade in without_empty(Trade.get_open_trades())}
        self._holdings = {pair: holding_of(trade) for pair, trade in trades.items()}
        for pair, holding in self._holdings.items():
            self.desk.look(pair, holding, now_ms)
        if self._record is not None:
            self._record.words.forget()
            for trade in filter(None, trades.values()):
                self._record.funded(trade)
        return trades

    def _plan_all(self, now_ms: int, edge: Edge) -> dict[str, Any]:
        try:
            trades = self._look(now_ms)
        finally:
            self.desk.clear()
        self.reader.account.expect({pair: position_of(trade) for pair, trade in trades.items()})
        self._orders.look(filter(None, trades.values()), now_ms, missing=self.desk.orders.take_missing())
        for pair, trade in trades.items():
            halt = halt_of(self._strategy.settings.state, trade, is_paused=edge.is_paused)
            if halt.nothing is None:
                closed = self._closed.no_opening(pair, now_ms) or edge.no_opening(pair)
                self._plan(pair, trade, halt._replace(no_opening=halt.no_opening or closed), now_ms)
            else:
                self.desk.withhold(pair, halt.nothing, now_ms)
        return trades

    def _plan(self, pair: str, trade: Any, halt: Halt, now_ms: int) -> None:
        try:
            inputs, holding = self.reader.read(pair, trade, now_ms)
            no_opening = halt.no_opening or self._lists.no_opening(pair)
            no_opening = no_opening or inputs.no_opening or self._orders.no_opening(pair)
            inputs = replace(inputs, no_opening=no_opening, leaving=halt.leaving or inputs.leaving)
            self.reader.observers.planned(pair, self.desk.open(pair, inputs, holding).quotes)
        except MarketMakingError as error:
            self.desk.withhold(pair, error.because, now_ms)
        except FreqtradeException as error:
            self.desk.withhold(pair, Because(Reason.EXCHANGE_ERROR, str(error)), now_ms, failed=True)
        except OSError as error:
            self.desk.withhold(pair, Because(Reason.UNEXPECTED, str(error)), now_ms)
        except Exception as error:  # noqa: BLE001 - one pair's fault must not keep the others from being planned
            self._withhold_broken(pair, error, now_ms)

    def _withhold_broken(self, pair: str, error: Exception, now_ms: int) -> None:
        """Withhold a pair of which the plan has failed in no known way; where, is logged once for each new error."""
        text = f"{type(error).__name__}: {error}"
        if self._broken.get(pair) != text:
            logger.error("the plan of %s has failed", pair, exc_info=error)
        self._broken[pair] = text
        self.desk.withhold(pair, Because(Reason.UNEXPECTED, f"its plan has failed with {text}"), now_ms)
