"""What Hyperliquid publishes of a market beside its book, both directions: asset contexts of perpetuals and of spot."""

from typing import Any, NamedTuple

from market_making.hyperliquid.numbers import from_wire, positive, to_wire
from market_making.market.errors import MalformedMessage
from market_making.market.events import AssetContext

CONTEXT = "activeAssetCtx"
"""Subscription to the context of any market, and the channel on which those of perpetuals are sent."""
EVERY_CONTEXT = "allDexsAssetCtxs"
"""Subscription, and channel, of the contexts of every perpetual, by dex and place."""
SPOT_CONTEXT = "activeSpotAssetCtx"
"""Channel on which those of spot are sent."""


def context_channel(context: AssetContext) -> str:
    """Channel on which a context is sent."""
    return SPOT_CONTEXT if context.funding is None else CONTEXT


class EveryContext(NamedTuple):
    """Contexts of every perpetual as they came, by the name of the dex, in the order of its listing; unread."""

    by_dex: dict[str, Any]

    def of(self, dex: str, place: int, coin: str) -> AssetContext | None:
        """The context of the perpetual at a place of a dex's listing; None where there is none, or without a price.

        Raises
        ------
        MalformedMessage
            If it lacks what a context must have.
        """
        contexts = self.by_dex.get(dex, [])
        try:
            fields = contexts[place] if place < len(contexts) else {}
            return parse_context(coin, fields) if fields.get("markPx") else None
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise MalformedMessage(f"the context of {coin} lacks {error}: {contexts!r:.200}") from None


def parse_every_context(data: Any) -> EveryContext:
    """Read the body of an ``allDexsAssetCtxs`` message."""
    return EveryContext({str(dex): contexts for dex, contexts in data["ctxs"]})


class DayFigures(NamedTuple):
    """The rest of a context: the price a day ago, the day's volume [USDC, coins], the impact prices of both sides."""

    previous_price: float
    notional_volume: float
    base_volume: float
    impact_prices: tuple[float, float] | None


def context_fields(context: AssetContext, day: DayFigures | None = None) -> dict[str, Any]:
    """Asset context as the venue writes it, ready for JSON; without the day's figures they are neutral."""
    mid = context.mid_price
    if day is None:
        day = DayFigures(context.mark_price, 0.0, 0.0, None if mid is None else (mid, mid))
    impact = day.impact_prices
    both = {
        "prevDayPx": to_wire(day.previous_price),
        "dayNtlVlm": to_wire(round(day.notional_volume, 6)),
        "markPx": to_wire(context.mark_price),
        "midPx": None if mid is None else to_wire(mid),
        "dayBaseVlm": to_wire(round(day.base_volume, 6)),
    }
    if context.funding is None or context.oracle_price is None or context.open_interest is None:
        return {"coin": context.coin, **both, "circulatingSupply": "0.0", "totalSupply": "0.0"}
    return {
        **both,
        "funding": to_wire(context.funding),
        "openInterest": to_wire(context.open_interest),
        "premium": "0",
        "oraclePx": to_wire(context.oracle_price),
        "impactPxs": None if impact is None else [to_wire(price) for price in impact],
    }


def parse_context(coin: str, fields: Any) -> AssetContext:
    """Read the fields of a perpetual's context, from the websocket or from REST."""
    mid = fields.get("midPx")
    return AssetContext(
        coin=coin,
        funding=from_wire(fields["funding"]),
        mark_price=positive(fields["markPx"], "markPx"),
        oracle_price=positive(fields["oraclePx"], "oraclePx"),
        open_interest=from_wire(fields["openInterest"]),
        mid_price=None if mid is None else positive(mid, "midPx"),
    )


def parse_spot_context(coin: str, fields: Any) -> AssetContext:
    """Read the fields of a spot market's context, from the websocket or from REST."""
    mid = fields.get("midPx")
    return AssetContext(
        coin=coin,
        funding=None,
        mark_price=positive(fields["markPx"], "markPx"),
        oracle_price=None,
        open_interest=None,
        mid_price=None if mid is None else positive(mid, "midPx"),
    )
