"""Answers about an account on the wire: fills, funding, margin."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NamedTuple

from market_making.hyperliquid.fees import AccountFees
from market_making.hyperliquid.orders import decimal_text, side_letter
from market_making.market.names import USDC
from market_making.market.sides import Side

_TOKEN_DIGITS = 8


class Liquidation(NamedTuple):
    """Why a fill was a liquidation: whose, at which mark price, in the book or by the liquidator who took over."""

    user: str
    mark_price: Decimal
    is_backstop: bool
    is_cross: bool


class Fill(NamedTuple):
    """One fill of one account; `start_size` is the position before it, `fee` includes `builder_fee` [`fee_token`].

    `crossed` says that nobody printed a trade: the market's book came to the order's price. The wire does not tell.
    """

    coin: str
    side: Side
    price: Decimal
    size: Decimal
    time_ms: int
    start_size: Decimal
    closed_pnl: Decimal
    oid: int
    cloid: str | None
    is_taker: bool
    fee: Decimal
    builder_fee: Decimal
    trade_id: int
    hash: str
    liquidation: Liquidation | None = None
    crossed: bool = False
    fee_token: str = USDC
    is_spot: bool = False


class FundingPayment(NamedTuple):
    """One funding payment [USDC], positive when received; `rate` is what longs paid, `size` is signed [coins]."""

    coin: str
    time_ms: int
    amount: Decimal
    size: Decimal
    rate: Decimal


class MarginSummary(NamedTuple):
    """Sums over positions [USDC]; `raw` is the cash behind them."""

    account_value: Decimal
    notional: Decimal
    raw: Decimal
    used: Decimal


class PositionState(NamedTuple):
    """One open position; `size` is signed, `value` is not; `isolated_cash` is None for a cross position."""

    coin: str
    size: Decimal
    leverage: int
    isolated_cash: Decimal | None
    entry_price: Decimal
    value: Decimal
    unrealised: Decimal
    liquidation_price: Decimal | None
    margin_used: Decimal
    maximum_leverage: int
    funding_all_time: Decimal
    funding_since_open: Decimal
    funding_since_change: Decimal


def direction_text(start_size: Decimal, side: Side, size: Decimal) -> str:
    """What a fill did to the position: ``Open Long``, ``Close Short``, ``Long > Short``, ….

    >>> direction_text(Decimal(1), Side.ASK, Decimal(2))
    'Long > Short'
    """
    signed = size if side is Side.BID else -size
    after = start_size + signed
    if start_size * after < 0:
        return "Long > Short" if start_size > 0 else "Short > Long"
    opens = start_size * signed >= 0
    is_long = (after if opens else start_size) > 0
    return f"{'Open' if opens else 'Close'} {'Long' if is_long else 'Short'}"


def fill_fields(fill: Fill) -> dict[str, Any]:
    """A fill of ``userFills``, ready for JSON."""
    fields: dict[str, Any] = {
        "coin": fill.coin,
        "px": decimal_text(fill.price),
        "sz": decimal_text(fill.size),
        "side": side_letter(fill.side),
        "time": fill.time_ms,
        "startPosition": decimal_text(fill.start_size),
        "dir": _direction(fill),
        "closedPnl": decimal_text(round(fill.closed_pnl, 6)),
        "hash": fill.hash,
        "oid": fill.oid,
        "crossed": fill.is_taker,
        "fee": decimal_text(fill.fee),
        "tid": fill.trade_id,
        "feeToken": fill.fee_token,
        "twapId": None,
    }
    if fill.cloid is not None:
        fields["cloid"] = fill.cloid
    if fill.builder_fee:
        fields["builderFee"] = decimal_text(fill.builder_fee)
    if fill.liquidation is not None:
        fields["liquidation"] = {
            "liquidatedUser": fill.liquidation.user,
            "markPx": decimal_text(fill.liquidation.mark_price),
            "method": "backstop" if fill.liquidation.is_backstop else "market",
        }
    return fields


def _direction(fill: Fill) -> str:
    liquidation = fill.liquidation
    if fill.is_spot:
        return "Buy" if fill.side is Side.BID else "Sell"
    if liquidation is None or not liquidation.is_backstop:
        return direction_text(fill.start_size, fill.side, fill.size)
    kind, side = "Cross" if liquidation.is_cross else "Isolated", "Long" if fill.start_size > 0 else "Short"
    return f"Liquidated {kind} {side}"


class LiquidationEvent(NamedTuple):
    """What an account lost to a liquidation: positions by coin with their signed sizes, and its worth then [USDC]."""

    time_ms: int
    hash: str
    number: int
    user: str
    positions: tuple[tuple[str, Decimal], ...]
    notional: Decimal
    account_value: Decimal
    is_cross: bool


def liquidation_delta(event: LiquidationEvent) -> dict[str, Any]:
    """A liquidation of ``userNonFundingLedgerUpdates``, ready for JSON."""
    return {
        "time": event.time_ms,
        "hash": event.hash,
        "delta": {
            "type": "liquidation",
            "liquidatedNtlPos": _dollars(event.notional),
            "accountValue": _dollars(event.account_value),
            "leverageType": "Cross" if event.is_cross else "Isolated",
            "liquidatedPositions": [{"coin": coin, "szi": decimal_text(size)} for coin, size in event.positions],
        },
    }


def liquidation_fields(event: LiquidationEvent) -> dict[str, Any]:
    """A liquidation of the ``userEvents`` stream, ready for JSON."""
    return {
        "lid": event.number,
        "liquidator": "0x" + "0" * 40,
        "liquidated_user": event.user,
        "liquidated_ntl_pos": _dollars(event.notional),
        "liquidated_account_value": _dollars(event.account_value),
    }


def funding_fields(payment: FundingPayment) -> dict[str, Any]:
    """A payment of the ``userFundings`` stream, ready for JSON."""
    return {
        "time": payment.time_ms,
        "coin": payment.coin,
        "usdc": decimal_text(payment.amount),
        "szi": decimal_text(payment.size),
        "fundingRate": decimal_text(payment.rate),
        "nSamples": None,
    }


def funding_delta(payment: FundingPayment) -> dict[str, Any]:
    """A payment of the ``userFunding`` request, ready for JSON."""
    fields = funding_fields(payment)
    time_ms = fields.pop("time")
    return {"time": time_ms, "hash": "0x" + "0" * 64, "delta": {"type": "funding", **fields}}


def margin_fields(summary: MarginSummary) -> dict[str, str]:
    """``marginSummary`` and ``crossMarginSummary``, ready for JSON."""
    return {
        "accountValue": _dollars(summary.account_value),
        "totalNtlPos": _dollars(summary.notional),
        "totalRawUsd": _dollars(summary.raw),
        "totalMarginUsed": _dollars(summary.used),
    }


def leverage_fields(leverage: int, isolated_cash: Decimal | None) -> dict[str, Any]:
    """Leverage and margin mode of a coin, ready for JSON; `isolated_cash` is None for cross margin [USDC]."""
    if isolated_cash is None:
        return {"type": "cross", "value": leverage}
    return {"type": "isolated", "value": leverage, "rawUsd": _dollars(isolated_cash)}


def position_fields(position: PositionState) -> dict[str, Any]:
    """An entry of ``assetPositions``, ready for JSON."""
    leverage = leverage_fields(position.leverage, position.isolated_cash)
    initial = abs(position.size * position.entry_price) / position.leverage
    liquidation = position.liquidation_price
    return {
        "type": "oneWay",
        "position": {
            "coin": position.coin,
            "szi": decimal_text(position.size),
            "leverage": leverage,
            "entryPx": decimal_text(round(position.entry_price, 6)),
            "positionValue": _dollars(position.value),
            "unrealizedPnl": _dollars(position.unrealised),
            "returnOnEquity": decimal_text(round(position.unrealised / initial, 10)),
            "liquidationPx": None if liquidation is None else decimal_text(round(liquidation, 10)),
            "marginUsed": _dollars(position.margin_used),
            "maxLeverage": position.maximum_leverage,
            # The wire counts funding as a cost: positive is what was paid.
            "cumFunding": {
                "allTime": _dollars(-position.funding_all_time),
                "sinceOpen": _dollars(-position.funding_since_open),
                "sinceChange": _dollars(-position.funding_since_change),
            },
        },
    }


def _dollars(amount: Decimal) -> str:
    return decimal_text(round(amount, 6))


class AccountState(NamedTuple):
    """What ``clearinghouseState`` tells [USDC]."""

    total: MarginSummary
    cross: MarginSummary
    cross_maintenance: Decimal
    withdrawable: Decimal
    positions: tuple[PositionState, ...]
    time_ms: int


def account_fields(state: AccountState) -> dict[str, Any]:
    """``clearinghouseState``, ready for JSON."""
    return {
        "marginSummary": margin_fields(state.total),
        "crossMarginSummary": margin_fields(state.cross),
        "crossMaintenanceMarginUsed": _dollars(state.cross_maintenance),
        "withdrawable": _dollars(state.withdrawable),
        "assetPositions": [position_fields(position) for position in state.positions],
        "time": state.time_ms,
    }


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
                "entryNtl": _dollars(balance.entry),
            }
            for balance in balances
            if balance.total
        ]
    }


def fee_fields(fees: AccountFees, maker_volume: Decimal, taker_volume: Decimal, day: str) -> dict[str, Any]:
    """``userFees`` of an account, ready for JSON; `day` as 2026-11-20."""
    perpetual, spot = fees.perpetual, fees.spot
    named = {"cross": perpetual.taker, "add": perpetual.maker, "spotCross": spot.taker, "spotAdd": spot.maker}
    rates = {name: decimal_text(Decimal(repr(rate))) for name, rate in named.items()}
    volume = {"date": day, "userCross": _dollars(taker_volume), "userAdd": _dollars(maker_volume), "exchange": "0.0"}
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
        "cumVlm": _dollars(volume),
        "nRequestsUsed": max(used - reserved, 0),
        "nRequestsCap": cap,
        "nRequestsSurplus": max(reserved - used, 0),
    }
