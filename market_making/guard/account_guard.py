"""The guard of one bot and its account: keeps what is known of it, judges it, and carries out what follows."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp

from market_making.guard.account_view import Budget, OpenOrders
from market_making.guard.best_quotes import BestQuotes
from market_making.guard.bot_files import BotFiles
from market_making.guard.canceller import Canceller
from market_making.guard.client import ExchangeClient, Meter
from market_making.guard.exchange_clock import ExchangeClock
from market_making.guard.inquiry import Inquiry, Places
from market_making.guard.leader import Leader
from market_making.guard.leaver import Leaver
from market_making.guard.options import GuardedBot, GuardOptions, Markets
from market_making.guard.quote_watch import QuoteWatch
from market_making.guard.record import GuardRecord
from market_making.guard.socket import AccountSocket
from market_making.guard.tokens import TokenHolding
from market_making.guard.unbooked import booked_coins, unbooked_coins
from market_making.guard.watch import AccountView, Alarm, BotView, Cancellation, Watch
from market_making.hyperliquid.open_orders import OpenOrder, OrderUpdate
from market_making.market.errors import DataError
from market_making.market.events import BestQuote
from market_making.market.names import Names
from market_making.safety.account_lock import account_holder
from market_making.safety.books import BotBooks, read_books
from market_making.safety.kill_switch import Kill
from market_making.safety.order_names import OrderNames, noted_names
from market_making.safety.state_file import BotState

_BOOKS_S = 0.5
_SOCKET_S = 3.0


@dataclass(frozen=True)
class Shared:
    """What all accounts of one guard share.

    Parameters
    ----------
    session : aiohttp.ClientSession
        For requests and websockets.
    markets : Callable[[], Markets]
        What the exchange lists now.
    meter : Meter
        Counts what all accounts ask.
    record : GuardRecord
        Where it is written down what was done.
    clock : ExchangeClock
        What time it is.
    own_orders : Callable[[str], Iterable[OpenOrder]]
        Orders of a coin, of every account.
    leader : Leader or None
        Another venue that moves first.
    """

    session: aiohttp.ClientSession
    markets: Callable[[], Markets]
    meter: Meter
    record: GuardRecord
    clock: ExchangeClock
    own_orders: Callable[[str], Iterable[OpenOrder]]
    leader: Leader | None = None


class AccountGuard:
    """One bot under guard.

    Parameters
    ----------
    bot : GuardedBot
        The bot.
    options : GuardOptions
        Rules and folders.
    shared : Shared
        What it has in common with the other accounts.
    """

    def __init__(self, bot: GuardedBot, options: GuardOptions, shared: Shared) -> None:
        self.bot, self.options = bot, options
        self.orders, self.budget = OpenOrders(), Budget()
        self.quotes = BestQuotes(shared.own_orders)
        self._session, self._markets, self._clock = shared.session, shared.markets, shared.clock
        self._client = ExchangeClient(shared.session, options.url, bot.identity, shared.meter, shared.clock)
        places = Places(self._dexes, self._elsewhere, self._has_tokens)
        self.inquiry = Inquiry(self._client, self.orders, self.budget, shared.clock, places)
        self.canceller = Canceller(bot.name, self._client, self._asset_of, self.orders, self.budget, shared.record)
        names = OrderNames(options.state, bot.name)
        self._leaver = Leaver(bot.name, self._client, shared.markets, shared.record, names)
        self._files = BotFiles(options.state, bot.name, bot.parameters, shared.clock.earliest_ms)
        self._watch = Watch(options.rules)
        self._leader = shared.leader
        self.quote_watch = QuoteWatch(options.quotes, self.orders, self.quotes, self.budget, shared.leader)
        self.socket = AccountSocket(options.url, bot.identity.address, self)
        self._chosen: tuple[tuple[Names, ...], frozenset[str]] = (), frozenset()
        self._state: BotState | None = None
        self._books: BotBooks | None = None
        self._books_s = float("-inf")

    async def run(self) -> None:
        """Listen and ask until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.socket.run(self._session))
            tasks.create_task(self.inquiry.run())

    async def close(self) -> None:
        """Take back what would act without this program, and wait for answers."""
        await self.canceller.settle()
        await self.inquiry.close()

    async def tick(self, kill: Kill | None, tell: Callable[[str], None]) -> list[Alarm]:
        """Look at everything once, act, and return what people must know."""
        view = await self._look(kill)
        judged = self._watch.judge(view)
        self.inquiry.notes(view, is_leaving=bool(judged.leaves), differs=judged.differs)
        self.canceller.send(judged.cancellations, tell)
        self._leaver.send(judged.leaves, tell)
        self.quote_watch.stand(view.bot, is_killed=kill is not None)
        alarms = [*judged.alarms, *self._own_alarms()]
        unknown = [item for item in judged.cancellations if item.because.reason == "order_unknown"]
        alarms += [
            Alarm("order_unknown", f"order {item.order.oid}: {item.because}", item.order.coin) for item in unknown
        ]
        return alarms

    async def _look(self, kill: Kill | None) -> AccountView:
        written, silent_s = await asyncio.to_thread(self._files.look, time.monotonic())
        wires, state = self._on_the_wire(written)
        self._state = state
        valid = await asyncio.to_thread(self._files.valid_until_ms)
        valid = {wires.get(coin, coin): until_ms for coin, until_ms in valid.items()}
        is_stopped = self._files.is_stopped()
        fills = self.inquiry.fills
        oids = [*(order.oid for order in self.orders), *(fill.oid for fill in fills)]
        database = self.bot.database if state is None or state.database is None else Path(state.database)
        await self._read_books(database, oids)
        is_dead = bool(fills) and account_holder(self.options.state, self.bot.identity.address) is None
        bot = BotView(self.bot.name, state, silent_s, self._books, valid, is_stopped, is_dead)
        now_s = time.monotonic()
        heard_s = self.socket.heard_s if self.socket.is_up and self.orders.is_complete else self.inquiry.orders_s
        return AccountView(
            bot=bot,
            orders=tuple(self._all_orders()),
            positions=self.inquiry.positions,
            coins_of=self._markets().coins_of,
            tokens=self._tokens(),
            kill=kill,
            now_s=now_s,
            now_ms=self._clock.earliest_ms(),
            unbooked=self._unbooked(),
            orders_blind_s=now_s - heard_s,
            positions_blind_s=now_s - self.inquiry.positions_s,
            fills_blind_s=now_s - self.inquiry.fills_s,
        )

    def _on_the_wire(self, written: BotState | None) -> tuple[dict[str, str], BotState | None]:
        """What the exchange calls the coins of a state file, which has the names of their files; and the file so."""
        if written is None:
            return {}, None
        coins_of = self._markets().coins_of
        wires = {pair.coin: coins_of.get(pair.pair, pair.coin) for pair in written.pairs}
        pairs = tuple(replace(pair, coin=wires[pair.coin]) for pair in written.pairs)
        return wires, replace(written, pairs=pairs)

    def _dexes(self) -> list[str]:
        """Where the bot trades, and where there is something of the account."""
        return self._markets().dexes_of({*self._wanted(), *self.booked_coins(), *(self.inquiry.positions or ())})

    def _elsewhere(self) -> list[str]:
        return sorted(set(self._markets().dexes.values()) - set(self._dexes()))

    def _has_tokens(self) -> bool:
        return not self._markets().bases.keys().isdisjoint({*self._wanted(), *self.booked_coins()})

    def _tokens(self) -> dict[str, TokenHolding]:
        """Tokens of the bot's spot markets; none without its books, for then none of them is known to be the bot's."""
        markets, books, wallet = self._markets(), self._books, self.inquiry.tokens
        if books is None or wallet is None:
            return {}
        booked, filled = booked_coins(books.coins, markets.coins_of), self._unbooked()
        return {
            coin: markets.token_of(
                coin, wallet.get(markets.bases[coin], 0.0), booked.get(coin, 0.0), filled.get(coin, 0.0)
            )
            for coin in markets.bases.keys() & {*self._wanted(), *booked, *filled}
        }

    def _unbooked(self) -> dict[str, float]:
        fills, books = self.inquiry.fills, self._books
        if not fills or books is None:
            return {}
        names = noted_names(self.options.state, self.bot.name) | self._leaver.names
        return unbooked_coins(fills, books.known, names)

    async def _read_books(self, database: Path, oids: list[int]) -> None:
        """Read the database now and then, and at once when there is an order it was not asked about."""
        known = frozenset() if self._books is None else self._books.known
        if time.monotonic() - self._books_s < _BOOKS_S and known.issuperset(oids):
            return
        self._books_s = time.monotonic()
        try:
            self._books = await asyncio.to_thread(read_books, database, oids)
        except DataError:
            self._books = None

    def _all_orders(self) -> Iterator[OpenOrder]:
        """Orders that rest, and while that is not wholly known also those that the bot believes to rest."""
        yield from self.orders
        if self.orders.is_complete or self._books is None:
            return
        for oid, booked in self._books.open.items():
            coin = self._markets().coins_of.get(booked.pair)
            if coin is not None and self.orders.may_rest(oid):
                yield OpenOrder(oid, coin, booked.side, booked.price, booked.size, booked.size, 0)

    def _own_alarms(self) -> Iterator[Alarm]:
        yield from self.inquiry.alarms()
        if self.canceller.words is not None:
            yield Alarm("actions_refused", f"a cancel was refused: {self.canceller.words}")
        if self._leaver.words is not None:
            yield Alarm("actions_refused", f"leaving was refused: {self._leaver.words}", "exit")
        if not self.socket.is_up and time.monotonic() - self.socket.down_since_s > _SOCKET_S:
            yield Alarm("socket_lost", "no websocket")
        yield from self.quote_watch.alarms()

    def _asset_of(self, coin: str) -> int | None:
        return self._markets().assets.get(coin)

    def coins(self) -> Set[str]:
        """Coins whose best quotes matter: of the configuration, of the state file, and of every order."""
        return {*self._wanted(), *self.booked_coins()} & self._markets().tradable

    def _wanted(self) -> Set[str]:
        """Coins of the configuration, as the exchange calls them; looked up when what is listed is known anew."""
        names = self._markets().names
        if self._chosen[0] is not names:
            self._chosen = names, frozenset(each.wire for each in self.bot.coins.choose(names).chosen)
        return self._chosen[1]

    def booked_coins(self) -> Set[str]:
        """Coins of the state file and of every order, as the exchange calls them."""
        told = {pair.coin for pair in self._state.pairs} if self._state is not None else ()
        return {*told, *(order.coin for order in self.orders)}

    def relisted(self) -> None:
        """Ask again where there may be something of the account: on dexes that were not known, too."""
        self.orders.doubt()
        self.inquiry.relisted()

    def connected(self) -> None:
        """Ask for all orders: until the answer is there, some may be missing."""
        self.orders.doubt()
        self.inquiry.hurry()

    def lost(self) -> None:
        """Doubt everything the websocket has told."""
        self.orders.doubt()
        self.quotes.forget()
        if self._leader is not None:
            self._leader.forget()
        self.quote_watch.forget()
        self.inquiry.hurry()

    def quoted(self, quote: BestQuote) -> None:
        """Cancel at once what mid has come too close to."""
        if self.quotes.seen(quote):
            mid = self.quotes.mid(quote.coin)
            if self._leader is not None and mid is not None:
                self._leader.followed(quote.coin, mid, time.monotonic())
            self.cancel_close(quote.coin)

    def updated(self, updates: tuple[OrderUpdate, ...]) -> None:
        """Take what has become of orders; a new one is protected from here on."""
        known = frozenset() if self._books is None else self._books.known
        for update in updates:
            if update.order.filled and update.order.oid not in known:
                self.inquiry.hurry_positions()
            if self.orders.update(update, time.monotonic()):
                self.cancel_close(update.order.coin)

    def cancel_close(self, coin: str) -> None:
        """Cancel the orders of a coin that mid has come too close to."""
        close = self.quote_watch.judge(coin)
        if close:
            self.canceller.send([Cancellation(order, because) for order, because in close])
