"""Two legs as the one market maker that they are: what they hold and earn together, and how their capital is shared."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import NamedTuple

from market_making.safety.state_file import BotState, MoneyState, PairState

UNEVEN = 0.2  # of both accounts together: beyond, one leg soon lacks the margin for its bound
_CENT = 0.01


class Transfer(NamedTuple):
    """What makes the capital of both legs equal [quote currency]; `is_due` where it has drifted far apart."""

    source: str
    target: str
    amount: float
    is_due: bool

    @property
    def sentence(self) -> str:
        """What to do."""
        return (
            f"transfer {self.amount:,.2f} USDC from the account of the {self.source} to that of the {self.target} leg"
        )


class CoinOfLegs(NamedTuple):
    """One coin of both legs: what they hold together and in all [coins], and what each has resting."""

    coin: str
    net: float
    gross: float
    long: PairState
    short: PairState


@dataclass(frozen=True)
class LegPair:
    """The last states of two legs that trade the same pairs."""

    long: BotState
    short: BotState

    @property
    def name(self) -> str:
        """What both are called together."""
        return f"{self.long.bot} + {self.short.bot}"

    @property
    def money(self) -> MoneyState:
        """The day's result of both."""
        one, other = self.long.account.money, self.short.account.money
        return MoneyState(**{each.name: getattr(one, each.name) + getattr(other, each.name) for each in fields(one)})

    @property
    def equity(self) -> float | None:
        """What both accounts are worth together; None where one is not known [quote currency]."""
        one, other = self.long.account.equity, self.short.account.equity
        return None if one is None or other is None else one + other

    @property
    def transfer(self) -> Transfer | None:
        """What makes both accounts worth the same; None where they are, or are not known."""
        return transfer_between(self.long.account.equity, self.short.account.equity)

    @property
    def coins(self) -> tuple[CoinOfLegs, ...]:
        """Both legs side by side, per coin."""
        short = {pair.pair: pair for pair in self.short.pairs}
        return tuple(
            CoinOfLegs(one.coin, one.coins + other.coins, abs(one.coins) + abs(other.coins), one, other)
            for one in self.long.pairs
            if (other := short.get(one.pair)) is not None
        )


def leg_pairs(bots: Iterable[BotState]) -> Iterator[LegPair]:
    """Find the legs that belong together: of one venue and mode, with the same pairs; of several runs the newest."""
    legs: dict[tuple[str, str, frozenset[str]], dict[str, BotState]] = {}
    for bot in sorted(bots, key=lambda bot: bot.written_ms):
        if bot.leg is not None:
            key = bot.venue, bot.mode, frozenset(pair.pair for pair in bot.pairs)
            legs.setdefault(key, {})[bot.leg] = bot
    for both in legs.values():
        if len(both) == 2:
            yield LegPair(both["long"], both["short"])


def transfer_between(long: float | None, short: float | None) -> Transfer | None:
    """The transfer that makes two accounts worth the same; None where they are, or one is not known.

    Parameters
    ----------
    long, short : float or None
        Worth of each account [quote currency].
    """
    if long is None or short is None or abs(long - short) < 2 * _CENT:
        return None
    is_due = abs(long - short) > UNEVEN * (long + short)
    source, target = ("long", "short") if long > short else ("short", "long")
    return Transfer(source, target, abs(long - short) / 2, is_due)
