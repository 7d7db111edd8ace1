"""Whether the account holds what the bot's own books say, and what it is worth."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from market_making.market.errors import SafetyError
from market_making.market.instrument import Instrument
from market_making.market.reasons import Because, Reason
from market_making.market.sides import Side
from market_making.trading.freqtrade.fill_under_way import FillsUnderWay
from market_making.trading.freqtrade.foreign_coins import ForeignCoins
from market_making.trading.holding import Position, RestingOrder
from market_making.trading.plausible_value import PlausibleCash

_FEE_SHARE = 0.001
"""Of what is bought in spot at most so much is paid as a fee, in the bought coins: 7 bps, and some room."""


class FreqtradePosition(Protocol):
    """What is needed of ``freqtrade.wallets.PositionWallet``: size [coins, positive], side, and open result [quote]."""

    @property
    def position(self) -> float:
        """Size."""
        ...

    @property
    def side(self) -> str:
        """Long or short."""
        ...

    @property
    def unrealized_pnl(self) -> float:
        """Open result, according to the exchange."""
        ...


class FreqtradeWallets(Protocol):
    """What is needed of ``freqtrade.wallets.Wallets``."""

    def update(self) -> None:
        """Ask the exchange."""
        ...

    def get_total(self, currency: str) -> float:
        """Coins owned, whether or not an order holds them."""
        ...

    def get_free(self, currency: str) -> float:
        """Of that, what nothing holds."""
        ...

    def get_all_positions(self) -> Mapping[str, FreqtradePosition]:
        """Positions in futures, by pair."""
        ...


class Worth(NamedTuple):
    """What the account is worth without a position's open result, and the price at which that result is zero.

    `settled`, that both are of one moment; else a fill that only one of them knows would look like a gain or a loss.
    """

    cash: float
    open_rate: float
    settled: bool


class AccountWatch:
    """Holds the account's positions against the bot's own orders.

    Parameters
    ----------
    maximum_age_ms : float
        After which the account is read again [ms].
    bases : Callable[[str], str] or None
        In spot, where coins are owned, what the wallet calls the coin of a pair; None where positions are held.
    dry_run : bool
        Whether Freqtrade makes the account up.
    scale : float
        Value of the largest position the bot may hold [quote currency].
    """

    def __init__(
        self,
        maximum_age_ms: float,
        *,
        bases: Callable[[str], str] | None = None,
        dry_run: bool = False,
        scale: float = float("inf"),
    ) -> None:
        self._maximum_age_ms = maximum_age_ms
        self._bases = bases
        self._spot = bases is not None
        self._dry_run = dry_run
        self._positions: Mapping[str, Position] = {}
        self._lots: dict[str, float] = {}
        self._foreign = ForeignCoins()
        self._under_way = FillsUnderWay()
        self._read_ms: int | None = None
        self._read_with: dict[str, float] = {}
        self._cash = PlausibleCash(scale)
        self._valued_ms: int | None = None
        self._doubt: Because | None = None
        self.unified = False
        """Whether spot and futures share one balance."""

    def expect(self, positions: Mapping[str, Position]) -> None:
        """Take note of what own orders of every pair add up to in this loop."""
        self._positions = positions

    def check(
        self,
        wallets: FreqtradeWallets | None,
        instrument: Instrument,
        closed: float,
        resting: RestingOrder | None,
        now_ms: int,
    ) -> None:
        """Compare one pair; where the account does not agree it is read again before it is believed.

        What the account holds more may be a fill of the resting order, for three loops and seconds at most.

        `closed` and `resting` are as in `check_position`.

        Raises
        ------
        SafetyError
            If the account is not known, or holds something else.
        """
        if wallets is None:
            raise SafetyError("the state of the account is not known", reason=Reason.ACCOUNT_UNKNOWN)
        self._lots[instrument.pair] = float(instrument.lot)
        if self._is_due(now_ms):
            self._read(wallets, now_ms)
        try:
            self._compare(wallets, instrument, closed, resting)
        except SafetyError:
            if self._read_ms == now_ms:
                raise
            self._read(wallets, now_ms)
            self._compare(wallets, instrument, closed, resting)
        if not self._spot:
            self._require_under_way(wallets, instrument, closed, resting, now_ms)

    def worth(self, wallets: FreqtradeWallets, stake_currency: str, pair: str) -> Worth:
        """What the account is worth; a position in futures is in it at its opening price, coins are added at theirs.

        Cash that cannot be believed is replaced by what was, and the value is then not settled.
        """
        told = wallets.get_total(stake_currency)
        if self._spot:
            told += sum(position.cost for position in self._positions.values())
        if self._spot and self._dry_run:
            told -= sum(map(_counted_twice, self._positions.values()))
        cash = self._believed(told)  # with what coins have cost: buying them is no loss
        if self.unified:
            # Freqtrade has taken the open result out of the balance. Where the balance does not contain it, an open
            # loss would show nowhere: of the two readings the worse counts.
            cash += min(sum(each.unrealized_pnl for each in wallets.get_all_positions().values()), 0.0)
        settled = self._doubt is None and self._is_settled(wallets, pair)
        return Worth(cash, self._positions.get(pair, Position()).average_rate, settled)

    @property
    def doubt(self) -> Because | None:
        """Why nothing may be opened: what the account tells of its cash cannot be believed yet."""
        return self._doubt

    def covers(self, wallets: FreqtradeWallets, instrument: Instrument, position: Position) -> bool:
        """Whether the account holds all that finished own orders add up to, and more in the same direction."""
        own, held = position.closed, self._held(wallets, instrument.pair)
        return own != 0 and not self._spot and own * held > 0 and abs(held) >= abs(own)

    def _compare(
        self, wallets: FreqtradeWallets, instrument: Instrument, closed: float, resting: RestingOrder | None
    ) -> None:
        held, tolerance = self._held(wallets, instrument.pair), float(instrument.lot) / 2
        if self._spot:
            tolerance += _FEE_SHARE * self._positions.get(instrument.pair, Position()).bought
        check_position(held, closed, resting, tolerance=tolerance, shared=self._spot)

    def _require_under_way(
        self,
        wallets: FreqtradeWallets,
        instrument: Instrument,
        closed: float,
        resting: RestingOrder | None,
        now_ms: int,
    ) -> None:
        """Read the account again while it differs from own orders; what lasts is no fill of the resting one."""
        own = closed + (0.0 if resting is None else _signed(resting, resting.filled))
        lots = round((self._held(wallets, instrument.pair) - own) / float(instrument.lot))
        if lots and self._read_ms != now_ms:
            self._read(wallets, now_ms)
            lots = round((self._held(wallets, instrument.pair) - own) / float(instrument.lot))
        if not self._under_way.is_one(instrument.pair, lots, now_ms):
            raise _unknown_position(self._held(wallets, instrument.pair), own)

    def _believed(self, cash: float) -> float:
        """Judge each reading of the account once; every pair of a loop sees the same."""
        if self._valued_ms is None or self._valued_ms != self._read_ms:
            self._valued_ms = self._read_ms
            value = sum(position.cost for position in self._positions.values())
            good = self._cash.read(cash, value, self._read_ms or 0)
            text = f"the account reports {cash:g}, and had {self._cash.believed}: not believed until it lasts"
            self._doubt = None if good else Because(Reason.ACCOUNT_UNKNOWN, text)
        return cash if self._doubt is None or self._cash.believed is None else self._cash.believed

    def margin_used(self, wallets: FreqtradeWallets, stake_currency: str) -> float:
        """Share of the account that positions and orders hold, from 0 to 1."""
        total, free = wallets.get_total(stake_currency), wallets.get_free(stake_currency)
        return min(max(1 - free / total, 0.0), 1.0) if total > 0 else 1.0

    def _is_due(self, now_ms: int) -> bool:
        """Whether the account was never read, long ago, or before what is held last changed."""
        if self._read_ms is None or abs(now_ms - self._read_ms) >= self._maximum_age_ms:
            return True
        return self._read_ms != now_ms and self._read_with != self._coins()

    def _coins(self) -> dict[str, float]:
        coins = {pair: position.holding.coins for pair, position in self._positions.items()}
        return {pair: held for pair, held in coins.items() if held}

    def _read(self, wallets: FreqtradeWallets, now_ms: int) -> None:
        wallets.update()
        if self._spot:
            for pair, position in self._positions.items():
                held, lot = self._held(wallets, pair), self._lots.get(pair, 0.0)
                self._foreign.read(pair, held, position.holding, lot, now_ms)
        self._read_ms, self._read_with = now_ms, self._coins()

    def _is_settled(self, wallets: FreqtradeWallets, pair: str) -> bool:
        """Whether no fill is under way that either the account or own orders do not know yet.

        Coins of any pair are bought from the same cash; positions in futures are in it by themselves.
        """
        if not self._spot:
            own = self._positions.get(pair, Position()).holding.coins
            return abs(self._held(wallets, pair) - own) <= self._lots.get(pair, 0.0) / 2
        return all(
            self._foreign.agrees(each, self._held(wallets, each), position.holding.coins, self._lots.get(each, 0.0))
            for each, position in self._positions.items()
        )

    def _held(self, wallets: FreqtradeWallets, pair: str) -> float:
        if self._bases is not None:
            return wallets.get_total(self._bases(pair))
        position = wallets.get_all_positions().get(pair)
        if position is None:
            return 0.0
        return -position.position if position.side == "short" else position.position


def _counted_twice(position: Position) -> float:
    """Stake of a resting addition, which Freqtrade's dry run in spot adds to the total without having taken it off."""
    resting = position.added_by
    return 0.0 if resting is None or position.closed == 0 else (resting.remaining + resting.filled) * resting.price


def check_position(
    account: float, closed: float, resting: RestingOrder | None, *, tolerance: float, shared: bool = False
) -> None:
    """Compare the account's position with what finished orders add up to.

    The resting order may have been filled, in part or whole, since either of them was read.

    Parameters
    ----------
    account : float
        Position according to the exchange [coins, signed].
    closed : float
        Position from finished orders [coins, signed].
    resting : RestingOrder or None
        The order whose fills are under way.
    tolerance : float
        Difference that is rounding [coins].
    shared : bool
        Whether the account may hold more that is not the bot's, as a spot wallet does.

    Raises
    ------
    SafetyError
        If they do not agree: somebody else trades on this account, or a fill or an order went unnoticed.
    """
    open_size = 0.0 if resting is None else resting.remaining + resting.filled
    reach = closed if resting is None else closed + _signed(resting, open_size)
    low, high = min(closed, reach) - tolerance, max(closed, reach) + tolerance
    if not account >= low or (account > high and not shared):
        raise _unknown_position(account, closed)


def _signed(order: RestingOrder, size: float) -> float:
    """What a fill of so much does to the position [coins]."""
    return size if order.side is Side.BID else -size


def _unknown_position(account: float, own: float) -> SafetyError:
    detail = f"unknown position: the account holds {account:g} coins, own orders add up to {own:g}"
    return SafetyError(detail, reason=Reason.POSITION_UNKNOWN)
