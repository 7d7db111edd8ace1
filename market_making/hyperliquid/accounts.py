"""Answers about an account on the wire: fills, funding, margin."""

from decimal import Decimal
from typing import Any, NamedTuple

from market_making.hyperliquid.orders import decimal_text, side_letter
from market_making.market.names import USDC
from market_making.market.sides import Side


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
    is_settlement: bool = False


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
    if fill.is_settlement:
        return "Settlement"
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
            "liquidatedNtlPos": dollars(event.notional),
            "accountValue": dollars(event.account_value),
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
        "liquidated_ntl_pos": dollars(event.notional),
        "liquidated_account_value": dollars(event.account_value),
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
        "accountValue": dollars(summary.account_value),
        "totalNtlPos": dollars(summary.notional),
        "totalRawUsd": dollars(summary.raw),
        "totalMarginUsed": dollars(summary.used),
    }


def leverage_fields(leverage: int, isolated_cash: Decimal | None) -> dict[str, Any]:
    """Leverage and margin mode of a coin, ready for JSON; `isolated_cash` is None for cross margin [USDC]."""
    if isolated_cash is None:
        return {"type": "cross", "value": leverage}
    return {"type": "isolated", "value": leverage, "rawUsd": dollars(isolated_cash)}


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
            "positionValue": dollars(position.value),
            "unrealizedPnl": dollars(position.unrealised),
            "returnOnEquity": decimal_text(round(position.unrealised / initial, 10)),
            "liquidationPx": None if liquidation is None else decimal_text(round(liquidation, 10)),
            "marginUsed": dollars(position.margin_used),
            "maxLeverage": position.maximum_leverage,
            # The wire counts funding as a cost: positive is what was paid.
            "cumFunding": {
                "allTime": dollars(-position.funding_all_time),
                "sinceOpen": dollars(-position.funding_since_open),
                "sinceChange": dollars(-position.funding_since_change),
            },
        },
    }


def dollars(amount: Decimal) -> str:
    """An amount of money as the wire writes it."""
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
        "crossMaintenanceMarginUsed": dollars(state.cross_maintenance),
        "withdrawable": dollars(state.withdrawable),
        "assetPositions": [position_fields(position) for position in state.positions],
        "time": state.time_ms,
    }
