"""The one call that installs the overrides of a bot when it starts, and what they share with it."""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from market_making.hyperliquid.shared_bucket import SharedBucket, bucket_path
from market_making.market.clock import now_ms
from market_making.market.reasons import Because
from market_making.safety.order_names import OrderNames
from market_making.safety.standing import Standing
from market_making.trading.actions.governor import ActionGovernor
from market_making.trading.desk import Desk
from market_making.trading.freqtrade.edge import patience, remembered, sleep
from market_making.trading.freqtrade.edge.address_budget import AddressBudget
from market_making.trading.freqtrade.edge.asked_once import AskedOnce
from market_making.trading.freqtrade.edge.builder_fee import refuse_builder_fee
from market_making.trading.freqtrade.edge.dexes import dexes_of
from market_making.trading.freqtrade.edge.door import Door, DoorLater, Step, StepLater
from market_making.trading.freqtrade.edge.ended_orders import name_ends
from market_making.trading.freqtrade.edge.fee_token import name_fee_tokens
from market_making.trading.freqtrade.edge.funding import FUNDING_WEIGHT, Funding
from market_making.trading.freqtrade.edge.late_candles import LateCandles
from market_making.trading.freqtrade.edge.late_markets import LateMarkets
from market_making.trading.freqtrade.edge.leverage_once import LeverageOnce
from market_making.trading.freqtrade.edge.loop import Loop
from market_making.trading.freqtrade.edge.named_orders import NamedOrders
from market_making.trading.freqtrade.edge.overrides import OVERRIDES
from market_making.trading.freqtrade.edge.pace import Pace
from market_making.trading.freqtrade.edge.patience import Patience
from market_making.trading.freqtrade.edge.refused_key import RefusedKey
from market_making.trading.freqtrade.edge.remembered import Remembered
from market_making.trading.freqtrade.edge.socket import Socket
from market_making.trading.freqtrade.edge.socket_answers import SocketAnswers
from market_making.trading.freqtrade.edge.sound_answers import SoundAnswers
from market_making.trading.freqtrade.edge.stale_orders import CancelFirst, StaleOrders
from market_making.trading.freqtrade.edge.unanswered import Unanswered, UnaskedCancel
from market_making.trading.freqtrade.exchange_rules import names_of
from market_making.trading.holding import RestingOrder
from market_making.trading.wanted import WantedOrder

log = logging.getLogger(__name__)


@dataclass
class Edge:
    """What the overrides of one bot share with it; without any, a bot works as Freqtrade ships it."""

    loop: Loop = field(default_factory=Loop)
    pace: Pace | None = None
    socket: Socket | None = None
    remembered: Remembered | None = None
    alarm: sleep.Alarm | None = None
    unasked: UnaskedCancel | None = None
    installed: tuple[str, ...] = ()
    exchange: Any = None

    @property
    def is_paused(self) -> bool:
        """Whether Freqtrade places no entries, by `/stopentry`."""
        return self.remembered is not None and self.remembered.standing is Standing.PAUSED

    @property
    def weight_per_minute(self) -> float | None:
        """Weight that this bot asked for in the last minute; None where it is not counted."""
        return None if self.pace is None else self.pace.meter.per_minute

    def cancels(self, order_id: str) -> bool:
        """Whether an order that no plan keeps is cancelled before the next loop, and not by Freqtrade in this one."""
        return self.unasked is not None and self.unasked.takes(order_id)

    def ended_ms(self, order_id: str) -> int | None:
        """When the exchange ended an order [ms]; None where the websocket has not told."""
        return self.socket.orders.ended_ms(int(order_id)) if self.socket is not None and order_id.isdecimal() else None

    def want(self, pairs: Iterable[str]) -> None:
        """Hear of these pairs by the websocket; those that the exchange does not list are left out."""
        if self.socket is not None:
            self.socket.want(coin for pair in pairs if (coin := self.coin(pair)) is not None)

    def no_opening(self, pair: str) -> Because | None:
        """Why nothing may be opened in a pair by what the websocket tells of its oracle, if there is a reason."""
        coin = None if self.socket is None else self.coin(pair)
        return None if self.socket is None or coin is None else self.socket.oracles.still(coin)

    def coin(self, pair: str) -> str | None:
        """The exchange's own name of what a pair trades; None where it lists none."""
        market = self.exchange._api.markets.get(pair) if self.exchange is not None else None
        if not market or market.get("active") is False:
            return None
        return names_of("hyperliquid", market).wire


def install(
    exchange: Any, names: Sequence[str], folder: Path, desk: Desk, *, bot: str = "freqtrade", with_books: bool = True
) -> Edge:
    """Install overrides.

    Parameters
    ----------
    exchange : freqtrade.exchange.Hyperliquid
        With its clients.
    names : Sequence[str]
        Of the overrides.
    folder : Path
        Where the bots of this machine share their pace.
    desk : Desk
        Whose budget is told what is sent, and which says where orders should rest.
    bot : str
        Name of the bot's own files.
    with_books : bool
        Whether the five levels of the websocket's book are enough for the model.
    """
    wanted = set(names)
    edge = Edge(installed=tuple(each.name for each in OVERRIDES if each.name in wanted), exchange=exchange)
    for module in (sleep, remembered, patience):
        module.restore()
    if "remembered" in wanted:
        edge.remembered = Remembered(folder, bot)
    if "builder_fee" in wanted:
        refuse_builder_fee(exchange._api, exchange._api_async, exchange._ws_async)
    _give_words(exchange._api, wanted)
    steps = list(_steps(edge, folder, desk, with_books=with_books))
    if "funding" in wanted:
        Funding(exchange, has_room=lambda: edge.pace is None or edge.pace.has_room(FUNDING_WEIGHT))
    if "named" in wanted:
        steps.append(NamedOrders(exchange._api, OrderNames(folder, bot)).step)
    if steps:
        Door(exchange._api, steps)
    log.info("overrides of ccxt and Freqtrade: %s", ", ".join(edge.installed) or "none")
    return edge


def _give_words(client: Any, wanted: set[str]) -> None:
    """Let ccxt's client tell fees and ends in words that Freqtrade knows."""
    if "fee_token" in wanted:
        name_fee_tokens(client)
    if "ended_orders" in wanted:
        name_ends(client)


def _steps(edge: Edge, folder: Path, desk: Desk, *, with_books: bool) -> Iterator[Step]:
    """What a request of the synchronous client passes, in this order."""
    exchange, names = edge.exchange, edge.installed
    if "leverage_once" in names:
        yield LeverageOnce(exchange).step
    if "asked_once" in names:
        sleep.Sleep(edge.loop)
        yield AskedOnce(edge.loop).step
    if "socket" in names:
        yield from _connect(edge, desk, with_books=with_books)
    if "unanswered" in names:
        unanswered = Unanswered(edge.loop, dexes=dexes_of(exchange))
        edge.unasked = UnaskedCancel(exchange._api, unanswered, desk)
        yield unanswered.step
        yield RefusedKey().step
    if isinstance(desk.budget, ActionGovernor):
        counted = AddressBudget(exchange._api, desk.budget)
        edge.loop.on_start(counted.refresh)
        yield counted.step
    yield from _last_steps(edge, folder)


def _last_steps(edge: Edge, folder: Path) -> Iterator[Step]:
    """The steps next to the exchange: what passes them is really asked."""
    exchange, names, sound = edge.exchange, edge.installed, SoundAnswers()
    later: list[StepLater] = []
    if "pace" in names:
        edge.pace = _paced(edge, folder)
        later.append(edge.pace.step_later)
        yield edge.pace.step
    if "patience" in names:
        later.insert(0, LateCandles(time.monotonic, str(exchange._config.get("timeframe"))).step_later)
        LateMarkets(exchange, time.monotonic)
        yield Patience(exchange._api).step
    if "sound_answers" in names:
        later.append(sound.step_later)
        yield sound.step
    for client in _later(exchange) if later else ():
        DoorLater(client, later)


def _paced(edge: Edge, folder: Path) -> Pace:
    exchange = edge.exchange
    address = exchange._api.implode_hostname(exchange._api.urls["api"]["public"])
    pace = Pace(SharedBucket(bucket_path(folder, address)), edge.loop)
    pace.started()
    for client in (exchange._api, *_later(exchange)):
        client.enableRateLimit = False
    return pace


def _later(exchange: Any) -> list[Any]:
    """The asynchronous clients."""
    return list(filter(None, (exchange._api_async, exchange._ws_async)))


def _connect(edge: Edge, desk: Desk, *, with_books: bool) -> Iterator[Step]:
    """Open the websocket and let it wake the bot."""
    exchange, alarm = edge.exchange, sleep.Alarm()
    client, user = exchange._api_async, None
    if not exchange._config["dry_run"]:
        user, _ = exchange._api.handle_public_address("watchOrders", {})
    socket = edge.socket = Socket(client.implode_hostname(client.urls["api"]["ws"]["public"]), user)
    stale = StaleOrders(socket.books, socket.orders)

    def on_news() -> None:
        edge.loop.happened()
        alarm.ring()

    def on_price(coin: str) -> None:
        if stale.rings(coin):
            alarm.ring()

    socket.on_news, socket.on_price = on_news, on_price
    if "wake" in edge.installed:
        edge.alarm = alarm
        sleep.Sleep(edge.loop, alarm)
    edge.loop.on_end(lambda: stale.want(_by_coin(edge, desk.wanted())))
    _stop_with(exchange, socket)
    if "cancel_first" in edge.installed:
        yield _cancel_first(edge, desk, stale).step
    socket.start()
    yield SocketAnswers(exchange, socket, with_books=with_books).step


def _cancel_first(edge: Edge, desk: Desk, stale: StaleOrders) -> CancelFirst:
    def refresh() -> None:
        if not edge.loop.is_planning:  # the plans of this loop are all there
            stale.want(_by_coin(edge, desk.wanted()))

    def told(pair: str, order: RestingOrder) -> None:
        desk.cancelling_first(pair, order, now_ms())

    first = CancelFirst(edge.exchange._api, stale, told, lambda: edge.loop.is_here, refresh)
    for listen in (edge.loop.on_wake, edge.loop.on_start):
        listen(first.cancel)
    return first


def _by_coin(edge: Edge, orders: Iterable[WantedOrder]) -> dict[str, WantedOrder]:
    return {coin: order for order in orders if (coin := edge.coin(order.pair)) is not None}


def _stop_with(exchange: Any, socket: Socket) -> None:
    """Let the websocket end with the exchange object, as Freqtrade closes that when the bot ends or is loaded anew."""
    stock = exchange.close

    def close() -> None:
        socket.stop()
        stock()

    exchange.close = close
