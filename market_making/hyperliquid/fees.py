r"""What an account pays on a market: the exchange's formula for developers, both for makers and takers.

.. math::
    r = b \cdot (0.2 \text{ if both tokens of a spot pair are quote assets}) \cdot (0.1 \text{ in growth mode}),
    \qquad
    r > 0: \; r \cdot (1 - d) \cdot (1 + s \text{ if } s < 1, \text{ else } 2 s)

b is the account's base rate of the kind, with tier and staking already inside; d its referral discount, which is not;
s the deployer's fee scale, and the last factor is 1 where no deployer takes a share. A rebate (r < 0) stays as it is.
The formula's case of an aligned quote asset is left out: none exists any more. USDH was one in February 2026, and its
takers paid a tenth less; here only markets in USDC are traded.

Source: the exchange's page on fees and its formula for developers, September 2026.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from market_making.hyperliquid.numbers import from_wire
from market_making.market.errors import MalformedMessage
from market_making.market.identity import Kind, Market

LARGEST_RATE = 0.01
_STABLE, _GROWTH = 0.2, 0.1
GROWTH_ACTIONS = 0.1
"""Actions that a USDC traded in growth mode earns; elsewhere it earns one."""


class Rates(NamedTuple):
    """Fractions of the value of a fill; a rebate is negative."""

    maker: float
    taker: float


class AccountFees(NamedTuple):
    """Base rates of an account: tier and staking discount are inside, the referral discount is not."""

    perpetual: Rates
    spot: Rates
    referral_discount: float

    @classmethod
    def parse(cls, answer: Any) -> "AccountFees":
        """Read a ``userFees`` answer.

        Raises
        ------
        MalformedMessage
            If a field is missing or is no rate; then no fee is known.
        """
        if not isinstance(answer, Mapping):
            raise MalformedMessage(f"userFees must be an object, got {answer!r:.200}")
        perpetual = Rates(_rate(answer, "userAddRate"), _rate(answer, "userCrossRate"))
        spot = Rates(_rate(answer, "userSpotAddRate"), _rate(answer, "userSpotCrossRate"))
        return cls(perpetual, spot, _share(answer, "activeReferralDiscount"))

    def on(self, market: Market) -> Rates:
        """Return what this account pays on a market, as the venue lists it.

        Raises
        ------
        MalformedMessage
            If a deployer's market does not tell its fee scale; then no fee is known.
        """
        base = self.spot if market.kind is Kind.SPOT else self.perpetual
        scale = market.listing.fee_scale
        if market.kind is Kind.PERPETUAL and market.dex.name and scale is None:
            raise MalformedMessage(f"the listing of {market.wire} lacks deployerFeeScale: its fee is not known")
        is_stable = market.tokens is not None and market.tokens.is_stable
        factor = (_STABLE if is_stable else 1.0) * (_GROWTH if market.listing.growth else 1.0)
        return Rates(*(self._billed(rate * factor, scale) for rate in base))

    def on_main(self) -> Rates:
        """Return what this account pays on the perpetuals of the exchange itself, which all cost the same."""
        return Rates(*(self._billed(rate, None) for rate in self.perpetual))

    def _billed(self, rate: float, scale: float | None) -> float:
        if rate <= 0:
            return rate
        return rate * (1 - self.referral_discount) * _deployers_factor(scale)


# What an account without volume, stake and referral pays.
BASE_TIER = AccountFees(Rates(0.00015, 0.00045), Rates(0.0004, 0.0007), 0.0)


class Tier(NamedTuple):
    """What an account pays above a volume of 14 days [USDC]."""

    volume: float
    fees: AccountFees


# Source: the exchange's page on fees, September 2026; without stake, referral and rebates.
TIERS = tuple(
    Tier(volume, AccountFees(Rates(1e-4 * maker, 1e-4 * taker), Rates(1e-4 * spot_maker, 1e-4 * spot_taker), 0.0))
    for volume, maker, taker, spot_maker, spot_taker in (
        (0.0, 1.5, 4.5, 4.0, 7.0),
        (5e6, 1.2, 4.0, 3.0, 6.0),
        (25e6, 0.8, 3.5, 2.0, 5.0),
        (100e6, 0.4, 3.0, 1.0, 4.0),
        (500e6, 0.0, 2.8, 0.0, 3.5),
        (2e9, 0.0, 2.6, 0.0, 3.0),
        (7e9, 0.0, 2.4, 0.0, 2.5),
    )
)


def _deployers_factor(scale: float | None) -> float:
    if scale is None:
        return 1.0
    return 1 + scale if scale < 1 else 2 * scale


def _rate(answer: Mapping[str, Any], key: str) -> float:
    rate = _number(answer, key)
    if abs(rate) > LARGEST_RATE:
        raise MalformedMessage(f"{key} must be within ±{LARGEST_RATE:g}, got {rate:g}")
    return rate


def _share(answer: Mapping[str, Any], key: str) -> float:
    share = _number(answer, key)
    if not 0 <= share <= 1:
        raise MalformedMessage(f"{key} must be between 0 and 1, got {share:g}")
    return share


def _number(answer: Mapping[str, Any], key: str) -> float:
    if key not in answer:
        raise MalformedMessage(f"userFees answer lacks {key}: {answer!r:.200}")
    return from_wire(answer[key])
