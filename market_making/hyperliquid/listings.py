"""Which perpetuals Hyperliquid lists: the ``meta`` and ``metaAndAssetCtxs`` answers, both directions."""

from collections.abc import Sequence
from typing import Any

from market_making.hyperliquid.market_data import context_fields, parse_context
from market_making.market.errors import MalformedMessage, UnknownCoin
from market_making.market.events import AssetContext
from market_making.market.instrument import Listing
from market_making.market.suggestion import nearest


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
    listings = parse_universe(answer)
    try:
        pairs = list(zip(listings, answer[1], strict=True))
        return tuple(parse_context(listing.coin, fields) for listing, fields in pairs if fields.get("markPx"))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise MalformedMessage(f"asset contexts lack {error}: {answer!r:.200}") from None


def universe_and_context_fields(
    listings: Sequence[Listing], contexts: Sequence[AssetContext]
) -> list[dict[str, Any] | list[dict[str, Any]]]:
    """``metaAndAssetCtxs`` answer, ready for JSON; `contexts` in the order of `listings`."""
    return [universe_fields(listings), [context_fields(context) for context in contexts]]


def require_listed(coins: Sequence[str], listings: Sequence[Listing]) -> None:
    """Refuse coins that cannot be traded: a subscription to one ends the whole connection without a word.

    Raises
    ------
    UnknownCoin
        Naming the coins refused and what the venue lists.
    """
    tradable = {listing.coin for listing in listings if not listing.delisted}
    unknown = [coin for coin in coins if coin not in tradable]
    if unknown:
        names = ", ".join(sorted(tradable)[:40]) + (", …" if len(tradable) > 40 else "")
        asked = ", ".join(f"{coin}{_hint(coin, tradable)}" for coin in unknown)
        raise UnknownCoin(f"{asked} not listed; the venue lists {len(tradable)} coins: {names}")


def _hint(coin: str, tradable: set[str]) -> str:
    found = nearest(coin, tradable)
    return "" if found is None else f" (did you mean {found}?)"


def _listing(fields: Any) -> Listing:
    decimals = fields["szDecimals"]
    if type(decimals) is not int or not 0 <= decimals <= 6:
        raise ValueError(f"szDecimals {decimals!r}")
    return Listing(
        coin=str(fields["name"]),
        size_decimals=decimals,
        maximum_leverage=int(fields.get("maxLeverage", Listing._field_defaults["maximum_leverage"])),
        delisted=bool(fields.get("isDelisted", False)),
    )


def _listing_fields(listing: Listing) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "name": listing.coin,
        "szDecimals": listing.size_decimals,
        "maxLeverage": listing.maximum_leverage,
        "marginTableId": listing.maximum_leverage,
    }
    return {**fields, "isDelisted": True} if listing.delisted else fields
