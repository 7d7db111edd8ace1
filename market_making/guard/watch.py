"""What the guard does about one account, decided from documents alone: state file, database, account, kill switch.

Nothing here asks or acts. A condition must hold without a break for its patience before anything follows from it, and
each has a patience of its own: what a bot would do by itself in its next loop is left to it first. What is not known is
never a reason: a database that cannot be read makes no order unknown.
"""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from market_making.guard.account_view import Positions
from market_making.guard.tokens import TokenHolding
from market_making.guard.unbooked import SAME_COINS, beyond_books, booked_coins, within
from market_making.guard.wanted import is_unknown, is_wanted
from market_making.guard.watch_rules import WatchRules
from market_making.hyperliquid.open_orders import OpenOrder
from market_making.market.reasons import Because, Reason
from market_making.safety.books import BotBooks
from market_making.safety.kill_switch import Kill
from market_making.safety.state_file import BotState, PairState

_ASKED_S = 60.0  # for so long fills are asked for that may tell where tokens have come from
_MARGIN_S = 0.5  # from the decision to the order's end, so that it is gone within the configured time


@dataclass(frozen=True)
class BotView:
    """One bot; `silent_s` is how long no loop of it has ended, `valid_until_ms` that of each coin's parameter file.

    A coin without a file has None; `books` is None where the database cannot be read. `is_stopped` says that somebody
    has stopped it, so that its silence is no alarm; `is_dead`, that no process of it lives, as far as that was asked.
    """

    name: str
    state: BotState | None
    silent_s: float
    books: BotBooks | None
    valid_until_ms: Mapping[str, int | None]
    is_stopped: bool = False
    is_dead: bool = False

    def pair_of(self, coin: str) -> PairState | None:
        """What the bot says about a coin."""
        pairs = () if self.state is None else self.state.pairs
        return next((pair for pair in pairs if pair.coin == coin), None)


@dataclass(frozen=True)
class AccountView:
    """Everything one judgement sees; `coins_of` translates Freqtrade's pairs, `positions` is None while not known.

    `tokens` are those of the bot's spot markets, which are no positions: an account may hold others beside them.

    `unbooked` are coins [signed] that orders have filled which the bot has asked for and its database does not know.
    `orders_blind_s` and `positions_blind_s`: since when nothing has confirmed them [s]; a bot forgets what it cancels.
    """

    bot: BotView
    orders: tuple[OpenOrder, ...]
    positions: Positions | None
    coins_of: Mapping[str, str]
    kill: Kill | None
    now_s: float
    now_ms: int
    unbooked: Mapping[str, float] = field(default_factory=dict)
    orders_blind_s: float = 0.0
    positions_blind_s: float = 0.0
    tokens: Mapping[str, TokenHolding] = field(default_factory=dict)
    fills_blind_s: float = 0.0


class Cancellation(NamedTuple):
    """An order that has to go, and why."""

    order: OpenOrder
    because: Because


class Leave(NamedTuple):
    """A position that has to be closed, as far as `size` [coins, signed as the position]."""

    coin: str
    size: float
    because: Because


class Alarm(NamedTuple):
    """A condition that people are told of; `name` is its row in the table of `alarms`."""

    name: str
    text: str
    coin: str | None = None


class Judgement(NamedTuple):
    """What follows from one look; `differs` says that more has been held than is booked for some time."""

    cancellations: tuple[Cancellation, ...] = ()
    leaves: tuple[Leave, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    differs: bool = False


class _Cause(NamedTuple):
    """A condition that holds for an order now; it counts when it has held for `patience_s`."""

    because: Because
    patience_s: float


class Watch:
    """Judges one account again and again; remembers only since when each condition holds.

    Parameters
    ----------
    rules : WatchRules
        Its patience.
    """

    def __init__(self, rules: WatchRules) -> None:
        self.rules = rules
        self._since: dict[Hashable, float] = {}
        self._held: set[Hashable] = set()
        self._loops: dict[Hashable, tuple[str, int] | None] = {}
        self._differs = False

    def judge(self, view: AccountView) -> Judgement:
        """What follows from what is seen now."""
        self._held, self._differs = set(), False
        cancellations = tuple(self._cancellations(view))
        leaves = (*self._leaves(view), *self._token_leaves(view))
        alarms = tuple(self._alarms(view))
        self._since = {key: since for key, since in self._since.items() if key in self._held}
        self._loops = {key: loop for key, loop in self._loops.items() if key in self._held}
        return Judgement(cancellations, leaves, alarms, self._differs)

    def _lasts(self, key: Hashable, now_s: float) -> float:
        """For how long a condition has held by now [s]."""
        self._held.add(key)
        return now_s - self._since.setdefault(key, now_s)

    def _is_silent(self, view: AccountView) -> bool:
        return view.bot.silent_s >= self.rules.silence_s - _MARGIN_S

    def _cancellations(self, view: AccountView) -> Iterator[Cancellation]:
        for order in view.orders:
            for cause in self._causes(order, view):
                if self._lasts((order.oid, cause.because.reason), view.now_s) >= cause.patience_s:
                    yield Cancellation(order, cause.because)
                    break

    def _causes(self, order: OpenOrder, view: AccountView) -> Iterator[_Cause]:
        """Why an order should go, the most urgent first."""
        books = view.bot.books
        if (order.is_trigger and order.reduce_only) or (books is not None and order.oid in books.stops):
            return  # what protects a position stays, whoever has placed it
        yield from self._killed(order, view)
        if self._is_silent(view):
            text = f"no loop of {view.bot.name} has ended for {view.bot.silent_s:.1f} s"
            yield _Cause(Because(Reason.BOT_SILENT, text), 0.0)
        yield from self._stale(order, view)
        if is_unknown(order, view.bot.books, view.bot.pair_of(order.coin)):
            text = f"neither the database nor the state of {view.bot.name} knows it"
            yield _Cause(Because(Reason.ORDER_UNKNOWN, text), self.rules.unknown_s + view.orders_blind_s)
        yield from self._remainder(order, view)

    def _killed(self, order: OpenOrder, view: AccountView) -> Iterator[_Cause]:
        if view.kill is None:
            return
        # The bot leaves with orders of its own, as long as it lives and has not taken too long.
        is_leaving = view.kill.flatten and order.reduce_only is not False and not self._is_silent(view)
        patience_s = self.rules.flatten_s if is_leaving else self.rules.kill_s
        yield _Cause(Because(Reason.KILL_SWITCH, view.kill.sentence), patience_s)

    def _stale(self, order: OpenOrder, view: AccountView) -> Iterator[_Cause]:
        """An order that could open, priced from parameters that are past their time: a living bot may still leave."""
        if order.reduce_only or order.coin not in view.bot.valid_until_ms:
            return
        valid_until_ms = view.bot.valid_until_ms[order.coin]
        if valid_until_ms is None:
            yield _Cause(Because(Reason.PARAMETERS_MISSING, "there is no parameter file"), self.rules.stale_s)
        elif valid_until_ms < view.now_ms:
            text = f"the parameters have been stale for {(view.now_ms - valid_until_ms) / 1e3:.1f} s"
            yield _Cause(Because(Reason.PARAMETERS_STALE, text), self.rules.stale_s)

    def _remainder(self, order: OpenOrder, view: AccountView) -> Iterator[_Cause]:
        """A partly filled order that its bot does not want any more and that Freqtrade refuses to cancel."""
        pair, books = view.bot.pair_of(order.coin), view.bot.books
        if pair is None or books is None or not order.filled:
            return
        # Neither the position of an entry nor the margin of an exit's rest may be too small to be sold.
        small = min(order.filled, order.size) * order.price
        limit = self.rules.smallest_notional * books.leverage.get(pair.pair, 1.0)
        if small < limit and not is_wanted(order, pair):
            text = f"{order.filled:g} of {order.original:g} coins are filled: Freqtrade can neither cancel nor move it"
            yield _Cause(Because(Reason.BELOW_SMALLEST_ORDER, text), self.rules.remainder_s + view.orders_blind_s)

    def _leaves(self, view: AccountView) -> Iterator[Leave]:
        if view.positions is None:
            return
        for coin, position in view.positions.items():
            if view.kill is not None and view.kill.flatten:
                if self._may_flatten(coin, view):
                    yield Leave(coin, position.size, Because(Reason.KILL_SWITCH, view.kill.sentence))
                continue
            beyond = beyond_books(position.size, self._own(coin, view))
            if not beyond or view.positions_blind_s > self.rules.position_s:
                continue
            lasts_s = self._lasts(key := ("beyond", coin), view.now_s)
            self._differs = self._differs or lasts_s >= self.rules.unbooked_s / 2
            unbooked = within(view.unbooked.get(coin, 0.0), beyond)
            if unbooked and lasts_s >= self._patience_of_lost_s(key, view):
                yield _unbooked(coin, unbooked, view)
            elif self.rules.flatten_unknown and lasts_s >= self.rules.position_s:
                text = f"the account holds {position.size:g} coins, {beyond:g} of them not by the bot's books"
                yield Leave(coin, beyond, Because(Reason.POSITION_UNKNOWN, text))

    def _token_leaves(self, view: AccountView) -> Iterator[Leave]:
        """Tokens that are certainly the bot's; what it had before its last fill is only known with the fills."""
        if view.positions_blind_s > self.rules.position_s:
            return
        for coin, token in view.tokens.items():
            if view.kill is not None and view.kill.flatten:
                self._differs = self._differs or token.booked > 0
                is_known = view.fills_blind_s <= self.rules.position_s
                if self._may_flatten(coin, view) and is_known and token.own:
                    yield Leave(coin, token.own, Because(Reason.KILL_SWITCH, view.kill.sentence))
                continue
            beyond = round(token.held - token.booked, 8)
            if beyond <= max(token.lot, SAME_COINS):
                continue
            lasts_s = self._lasts(key := ("beyond", coin, beyond), view.now_s)
            # Tokens that somebody else has put there stay, and are not asked about for ever.
            self._differs = self._differs or self.rules.unbooked_s / 2 <= lasts_s <= _ASKED_S
            if token.unbooked and lasts_s >= self._patience_of_lost_s(key, view):
                yield _unbooked(coin, token.unbooked, view)

    def _may_flatten(self, coin: str, view: AccountView) -> bool:
        """Whether the kill switch has asked for it for so long that the bot would have done it by itself."""
        patience_s = 0.0 if self._is_silent(view) else self.rules.flatten_s
        return self._lasts(("flatten", coin), view.now_s) >= max(patience_s, self.rules.kill_s)

    def _patience_of_lost_s(self, key: Hashable, view: AccountView) -> float:
        """What the bot has to book its fills [s]: shorter when a loop has ended without it, or the bot has."""
        loop = None if view.bot.state is None else (view.bot.state.run, view.bot.state.loop)
        has_looped = self._loops.setdefault(key, loop) != loop
        return self.rules.unbooked_s * (1 if has_looped or view.bot.is_dead else 3)

    @staticmethod
    def _own(coin: str, view: AccountView) -> float | None:
        """Coins by the books; None without books."""
        books = view.bot.books
        return None if books is None else booked_coins(books.coins, view.coins_of).get(coin, 0.0)

    def _alarms(self, view: AccountView) -> Iterator[Alarm]:
        bot = view.bot
        if view.kill is not None:
            yield Alarm(
                "kill_switch", f"the kill switch is on{', every position is closed' if view.kill.flatten else ''}"
            )
        has_begun = bot.state is not None or bool(view.orders) or bool(view.positions)
        patience_s = self.rules.position_s if has_begun else self.rules.start_s
        if bot.books is None and self._lasts("books", view.now_s) >= patience_s:
            yield Alarm("books_unreadable", f"the database of {bot.name} cannot be read: no order is taken for unknown")
        if bot.state is None and self._lasts("state", view.now_s) >= patience_s:
            yield Alarm("state_missing", f"{bot.name} has written no state file")
        if self._is_silent(view) and has_begun and not bot.is_stopped:
            yield Alarm("bot_silent", f"no loop of {bot.name} has ended for more than {self.rules.silence_s:g} s")
        held = {coin: position.size for coin, position in (view.positions or {}).items()}
        held |= {coin: token.own for coin, token in view.tokens.items() if token.own}
        for coin, size in held.items():
            if self._is_silent(view):
                yield Alarm("position_unwatched", f"{size:g} {coin} are held and no bot watches them", coin)
        yield from self._unknown_positions(view)

    def _unknown_positions(self, view: AccountView) -> Iterator[Alarm]:
        """Positions that the books do not explain; a fill under way explains itself before the patience is over."""
        books = view.bot.books
        if view.positions is None or books is None or view.positions_blind_s > self.rules.position_s:
            return
        booked = booked_coins(books.coins, view.coins_of)
        for coin in sorted(booked.keys() | view.positions.keys()):
            token, own = view.tokens.get(coin), booked.get(coin, 0.0)
            held = token.held if token else view.positions[coin].size if coin in view.positions else 0.0
            if token.lacks if token else abs(held - own) > SAME_COINS:
                lasts_s = self._lasts(("position", coin, round(held - own, 8)), view.now_s)
                if lasts_s >= self.rules.position_s:
                    text = f"the account holds {held:g} {coin}, the books of {view.bot.name} say {own:g}"
                    yield Alarm("position_unknown", text, coin)


def _unbooked(coin: str, coins: float, view: AccountView) -> Leave:
    text = f"orders of {view.bot.name} have filled {coins:g} coins that its books do not have"
    return Leave(coin, coins, Because(Reason.POSITION_UNKNOWN, text))
