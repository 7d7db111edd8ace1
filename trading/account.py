"""Whether the account holds what the bot's own books say."""

from collections.abc import Mapping
from typing import Protocol

from market.errors import SafetyError
from market.instrument import Instrument
from market.sides import Side
from trading.holding import RestingOrder


class FreqtradePosition(Protocol):
    """What is needed of ``freqtrade.wallets.PositionWallet``: size [coins, positive] and side, long or short."""

    @property
    def position(self) -> float:
        """Size."""
        ...

    @property
    def side(self) -> str:
        """Direction."""
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


class AccountWatch:
    """Holds the account's positions against the bot's own orders.

    Parameters
    ----------
    maximum_age_ms : float
        After which the account is read again [ms].
    spot : bool
        Whether coins are owned rather than held as positions.
    """

    def __init__(self, maximum_age_ms: float, *, spot: bool) -> None:
        self._maximum_age_ms = maximum_age_ms
        self._spot = spot
        self._read_ms: int | None = None

    def check(
        self,
        wallets: FreqtradeWallets | None,
        instrument: Instrument,
        closed: float,
        resting: RestingOrder | None,
        now_ms: int,
    ) -> None:
        """Compare one pair; where the account does not agree it is read again before it is believed.

        `closed` and `resting` are as in `check_position`.

        Raises
        ------
        SafetyError
            If the account is not known, or holds something else.
        """
        if wallets is None:
            raise SafetyError("the state of the account is not known")
        if self._read_ms is None or now_ms - self._read_ms >= self._maximum_age_ms:
            self._read(wallets, now_ms)
        tolerance = float(instrument.lot) / 2
        try:
            check_position(self._held(wallets, instrument), closed, resting, tolerance=tolerance, shared=self._spot)
        except SafetyError:
            if self._read_ms == now_ms:
                raise
            self._read(wallets, now_ms)
            check_position(self._held(wallets, instrument), closed, resting, tolerance=tolerance, shared=self._spot)

    def cash(self, wallets: FreqtradeWallets, stake_currency: str, open_rate: float) -> tuple[float, float]:
        """What the account is worth without a position's open result, and the price at which that result is zero.

        A position in futures is in the account at its opening price; coins that are owned are no cash.
        """
        return wallets.get_total(stake_currency), 0.0 if self._spot else open_rate

    def margin_used(self, wallets: FreqtradeWallets, stake_currency: str) -> float:
        """Share of the account that positions and orders hold, from 0 to 1."""
        total, free = wallets.get_total(stake_currency), wallets.get_free(stake_currency)
        return min(max(1 - free / total, 0.0), 1.0) if total > 0 else 1.0

    def _read(self, wallets: FreqtradeWallets, now_ms: int) -> None:
        wallets.update()
        self._read_ms = now_ms

    def _held(self, wallets: FreqtradeWallets, instrument: Instrument) -> float:
        if self._spot:
            return wallets.get_total(instrument.pair.split("/", maxsplit=1)[0])
        position = wallets.get_all_positions().get(instrument.pair)
        if position is None:
            return 0.0
        return -position.position if position.side == "short" else position.position


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
    reach = closed + (open_size if resting is not None and resting.side is Side.BID else -open_size)
    low, high = min(closed, reach) - tolerance, max(closed, reach) + tolerance
    if not account >= low or (account > high and not shared):
        raise SafetyError(f"unknown position: the account holds {account:g} coins, own orders add up to {closed:g}")
