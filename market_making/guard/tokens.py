"""What an account holds of a spot market's token, of which only a part may be the bot's.

A wallet is no position: it may hold tokens that somebody has bought otherwise, and no order on spot is reduce-only. So
the bot's part is counted from its books and from the fills that they lack, and never read off the wallet.
"""

from typing import NamedTuple

from market_making.guard.unbooked import SAME_COINS, within

_FEE_SHARE = 0.001  # of what is bought at most so much is paid as a fee, in the bought coins: 7 bps, and some room
_DECIMALS = 8


class TokenHolding(NamedTuple):
    """Tokens of one market [coins].

    Parameters
    ----------
    held : float
        In the wallet, whether or not an order holds them.
    booked : float
        By the books of the bot.
    filled : float
        Bought less sold by orders of the bot, and by those with which the guard left, that the books do not have.
    lot : float
        Smallest step of a size; less of it cannot be sold.
    """

    held: float
    booked: float
    filled: float = 0.0
    lot: float = 0.0

    @property
    def own(self) -> float:
        """The bot's part of the wallet that can be sold: never more than it has bought, nor than there is."""
        return self._sellable(min(self.booked + self.filled, self.held))

    @property
    def unbooked(self) -> float:
        """The part of it that the books do not have."""
        return self._sellable(within(self.filled, self.held - self.booked))

    @property
    def lacks(self) -> bool:
        """Whether the wallet has less than the books say, by more than a fee or a lot."""
        return self.booked - self.held > max(_FEE_SHARE * self.booked, self.lot / 2, SAME_COINS)

    def _sellable(self, coins: float) -> float:
        rounded = round(coins, _DECIMALS)
        return rounded if rounded >= max(self.lot, SAME_COINS) else 0.0
