"""Answers about what an account has and may do, on the wire: tokens, fees, the limit of its actions."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NamedTuple

from market_making.hyperliquid.accounts import dollars
from market_making.hyperliquid.fees import AccountFees
from market_making.hyperliquid.numbers import from_wire
from market_making.hyperliquid.orders import decimal_text
from market_making.market.errors import MalformedMessage

_TOKEN_DIGITS = 8


class SpotBalance(NamedTuple):
    """How much of a token an account has, what orders hold of it, and what it has cost [USDC]."""

    coin: str
    token: int
    total: Decimal
    hold: Decimal
    entry: Decimal = Decimal(0)


def spot_fields(balances: Iterable[SpotBalance]) -> dict[str, Any]:
    """``spotClearinghouseState``, ready for JSON."""
    return {
        "balances": [
            {
                "coin": balance.coin,
                "token": balance.token,
                "total": decimal_text(round(balance.total, _TOKEN_DIGITS)),
                "hold": decimal_text(round(balance.hold, _TOKEN_DIGITS)),
                "entryNtl": dollars(balance.entry),
            }
            for balance in balances
            if balance.total
        ]
    }


def parse_balances(answer: Any) -> dict[str, float]:
    """Read ``spotClearinghouseState``: how much there is of each token, by its name on the wire, held by orders or not.

    Raises
    ------
    MalformedMessage
        If it holds no list of balances.
    """
    try:
        return {str(balance["coin"]): from_wire(balance["total"]) for balance in answer["balances"]}
    except (KeyError, TypeError, AttributeError) as error:
        raise MalformedMessage(f"balances lack {error}: {answer!r:.200}") from None


def fee_fields(fees: AccountFees, maker_volume: Decimal, taker_volume: Decimal, day: str) -> dict[str, Any]:
    """``userFees`` of an account, ready for JSON; `day` as 2026-11-20."""
    perpetual, spot = fees.perpetual, fees.spot
    named = {"cross": perpetual.taker, "add": perpetual.maker, "spotCross": spot.taker, "spotAdd": spot.maker}
    rates = {name: decimal_text(Decimal(repr(rate))) for name, rate in named.items()}
    volume = {"date": day, "userCross": dollars(taker_volume), "userAdd": dollars(maker_volume), "exchange": "0.0"}
    return {
        "dailyUserVlm": [volume],
        "feeSchedule": {
            **rates,
            "tiers": {"vip": [], "mm": []},
            "referralDiscount": "0.04",
            "stakingDiscountTiers": [],
        },
        "userCrossRate": rates["cross"],
        "userAddRate": rates["add"],
        "userSpotCrossRate": rates["spotCross"],
        "userSpotAddRate": rates["spotAdd"],
        "activeReferralDiscount": decimal_text(Decimal(repr(fees.referral_discount))),
        "trial": None,
        "feeTrialEscrow": "0.0",
        "nextTrialAvailableTimestamp": None,
        "stakingLink": None,
        "activeStakingDiscount": {"bpsOfMaxSupply": "0.0", "discount": "0.0"},
    }


def rate_limit_fields(volume: Decimal, used: int, reserved: int, cap: int) -> dict[str, Any]:
    """``userRateLimit``, ready for JSON: bought actions are used up first, what is left of them is the surplus."""
    return {
        "cumVlm": dollars(volume),
        "nRequestsUsed": max(used - reserved, 0),
        "nRequestsCap": cap,
        "nRequestsSurplus": max(reserved - used, 0),
    }
