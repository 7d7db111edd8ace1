"""Which perpetuals Hyperliquid lists: the ``meta`` and ``metaAndAssetCtxs`` answers, both directions."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from market_making.hyperliquid.contexts import context_fields, parse_context
from market_making.hyperliquid.numbers import from_wire
from market_making.market.errors import MalformedMessage, UnknownCoin
from market_making.market.events import AssetContext
from market_making.market.identity import Market, Markets
from market_making.market.instrument import Listing
from market_making.market.selection import Selection
from market_making.market.suggestion import nearest

NO_CROSS, STRICT = "noCross", "strictIsolated"
"""Margin modes of a market in which a position is isolated; in the second one its margin cannot be taken back."""


def parse_universe(answer: Any) -> tuple[Listing, ...]:
    """Read the listed coins, in the venue's order, from a ``meta`` or ``metaAndAssetCtxs`` answer.

    Raises
    ------
    MalformedMessage
        If the answer holds no list of coins.
    """
    meta = answer[0] if isinstance(answer, list) and answer else answer
    try:
        return tuple(_listing(fields) for fields in meta["universe"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MalformedMessage(f"universe lacks {error}: {meta!r:.200}") from None


def universe_fields(listings: Sequence[Listing]) -> dict[str, Any]:
    """``meta`` answer that lists these coins, ready for JSON."""
    leverages = sorted({listing.maximum_leverage for listing in listings}, reverse=True)
    return {
        "universe": [_listing_fields(listing) for listing in listings],
        "marginTables": [[leverage, margin_table(leverage)] for leverage in leverages],
        "collateralToken": 0,
    }


def margin_table(leverage: int) -> dict[str, Any]:
    """The table of one tier that a number below 50 stands for, ready for JSON."""
    return {"description": "", "marginTiers": [{"lowerBound": "0.0", "maxLeverage": leverage}]}


def parse_contexts(answer: Any) -> tuple[AssetContext, ...]:
    """Read the asset contexts of a ``metaAndAssetCtxs`` answer; coins without a mark price are left out.

    Raises
    ------
    MalformedMessage
        If the answer is not a pair of listings and contexts of equal length.
    """
    with _contexts_of(answer) as pairs:
        return tuple(parse_context(listing.coin, fields) for listing, fields in pairs if fields.get("markPx"))


def perpetual_volumes(answer: Any) -> dict[str, float]:
    """Value traded within a day by coin, from a ``metaAndAssetCtxs`` answer [USDC].

    Raises
    ------
    MalformedMessage
        If the answer is not a pair of listings and contexts of equal length.
    """
    with _contexts_of(answer) as pairs:
        return {listing.coin: float(fields.get("dayNtlVlm") or 0.0) for listing, fields in pairs}


@contextmanager
def _contexts_of(answer: Any) -> Iterator[list[tuple[Listing, Any]]]:
    listings = parse_universe(answer)
    try:
        yield list(zip(listings, answer[1], strict=True))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise MalformedMessage(f"asset contexts lack {error}: {answer!r:.200}") from None


def universe_and_context_fields(
    listings: Sequence[Listing], contexts: Sequence[AssetContext]
) -> list[dict[str, Any] | list[dict[str, Any]]]:
    """``metaAndAssetCtxs`` answer, ready for JSON; `contexts` in the order of `listings`."""
    return [universe_fields(listings), [context_fields(context) for context in contexts]]


def require_listed(selection: Selection, markets: Markets) -> tuple[Market, ...]:
    """The markets selected, of those that can be traded: a subscription to another ends the connection without a word.

    A selection that is not strict goes on with what is listed of it.

    Raises
    ------
    UnknownCoin
        Naming what is not listed and what the venue lists.
    """
    tradable = {market.names: market for market in markets if market.is_tradable}
    choice = selection.choose(tradable)
    if choice.missing and (selection.strict or not choice.chosen):
        raise UnknownCoin(not_listed(choice.missing, markets))
    return tuple(tradable[names] for names in choice.chosen)


def not_listed(missing: Sequence[str], markets: Markets) -> str:
    """Say which names are not those of a market that is traded, and what the venue lists."""
    tradable = sorted(market.key for market in markets if market.is_tradable)
    names = ", ".join(tradable[:40]) + (", …" if len(tradable) > 40 else "")
    asked = ", ".join(f"{name}{_hint(name, markets)}" for name in missing)
    return f"{asked} not listed; the venue lists {len(tradable)} markets: {names}"


def _hint(name: str, markets: Markets) -> str:
    listed = markets.named(name)
    if listed is not None and not listed.is_tradable:
        return f" ({listed.objection})"
    if any(name in market.names for market in markets.ambiguous):
        return " (the name of more than one market)"
    found = nearest(name, {other for market in markets if market.is_tradable for other in market.names})
    return "" if found is None else f" (did you mean {found}?)"


def _listing(fields: Any) -> Listing:
    decimals = fields["szDecimals"]
    if type(decimals) is not int or not 0 <= decimals <= 6:
        raise ValueError(f"szDecimals {decimals!r}")
    scale = fields.get("deployerFeeScale")
    return Listing(
        coin=str(fields["name"]),
        size_decimals=decimals,
        maximum_leverage=int(fields.get("maxLeverage", Listing._field_defaults["maximum_leverage"])),
        delisted=bool(fields.get("isDelisted", False)),
        isolated_only=bool(fields.get("onlyIsolated", False)) or fields.get("marginMode") in (NO_CROSS, STRICT),
        keeps_margin=fields.get("marginMode") == STRICT,
        growth=fields.get("growthMode") == "enabled",
        fee_scale=None if scale is None else from_wire(scale),
    )


def _listing_fields(listing: Listing) -> dict[str, Any]:
    """What is not so is not said, as the exchange does it."""
    said = {
        "isDelisted": listing.delisted or None,
        "onlyIsolated": listing.isolated_only or None,
        "marginMode": STRICT if listing.keeps_margin else NO_CROSS if listing.isolated_only else None,
        "growthMode": "enabled" if listing.growth else None,
        "deployerFeeScale": None if listing.fee_scale is None else str(listing.fee_scale),
    }
    return {
        "name": listing.coin,
        "szDecimals": listing.size_decimals,
        "maxLeverage": listing.maximum_leverage,
        "marginTableId": listing.maximum_leverage,
        **{name: value for name, value in said.items() if value is not None},
    }
