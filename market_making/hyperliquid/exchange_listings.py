"""Every market that Hyperliquid lists: the perpetuals of each dex, and spot."""

import logging
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

from market_making.hyperliquid.listings import parse_universe
from market_making.hyperliquid.numbers import from_wire
from market_making.hyperliquid.spot_listings import Token, parse_spot_markets, parse_tokens
from market_making.market.errors import MalformedMessage
from market_making.market.identity import MAIN_DEX, Dex, Market, Markets
from market_making.market.instrument import Listing

log = logging.getLogger(__name__)


class Answers(NamedTuple):
    """What the exchange says of its markets, each answer as it came; None where it said nothing.

    Attributes
    ----------
    meta : object
        Perpetuals of the main dex.
    dexs : object
        ``perpDexs``.
    metas : object
        ``allPerpMetas``, one for each entry of `dexs`.
    spot : object
        ``spotMeta``.
    """

    meta: Any
    dexs: Any = None
    metas: Any = None
    spot: Any = None


def parse_exchange(answers: Answers) -> Markets:
    """Read every market; a dex that cannot be read is told of and left out, and costs no other market anything.

    Raises
    ------
    MalformedMessage
        If the perpetuals of the main dex cannot be read.
    """
    main = [Market.perpetual(listing, place) for place, listing in enumerate(parse_universe(answers.meta))]
    tokens: dict[int, Token] = {}
    spot: tuple[Market, ...] = ()
    try:
        if answers.spot is not None:
            tokens, spot = parse_tokens(answers.spot), parse_spot_markets(answers.spot)
    except MalformedMessage as error:
        log.warning("spot markets are left out: %s", error)
    return Markets(chain(main, _deployed(answers, tokens), spot))


def _deployed(answers: Answers, tokens: dict[int, Token]) -> Iterator[Market]:
    """Markets of the dexes that others have deployed."""
    if answers.dexs is None or answers.metas is None:
        return
    try:
        dexs: Sequence[Any] = list(answers.dexs)
        metas: Sequence[Any] = list(answers.metas)
    except TypeError as error:
        log.warning("all dexes but the main one are left out: %s", error)
        return
    if len(dexs) != len(metas):  # one was deployed between the two questions; names tell whose each answer is
        log.warning("there are %d dexes and %d answers of what they list", len(dexs), len(metas))
    for place, (fields, meta) in enumerate(zip(dexs, metas, strict=False)):
        if place == MAIN_DEX.place:
            continue
        try:
            yield from _of_dex(place, fields, meta, tokens)
        except (MalformedMessage, KeyError, TypeError, ValueError, AttributeError) as error:
            log.warning("dex %d is left out: %s", place, error)


def _of_dex(place: int, fields: Any, meta: Any, tokens: dict[int, Token]) -> list[Market]:
    """Perpetuals of one dex; its name begins each of theirs, so that no answer is taken for another dex's.

    Raises
    ------
    MalformedMessage, KeyError, TypeError, ValueError, AttributeError
        If an answer is not as expected.
    """
    name, meta = str(fields["name"]), meta[0] if isinstance(meta, list) else meta
    collateral = tokens.get(int(meta.get("collateralToken", 0)))
    if collateral is None:
        raise MalformedMessage(f"the collateral of {name}, token {meta.get('collateralToken')!r}, is not known")
    dex, scale = Dex(name, place, collateral.code), fields.get("deployerFeeScale")
    listings = parse_universe(meta)
    for listing in listings:
        if not listing.coin.startswith(f"{name}:"):
            raise MalformedMessage(f"the markets of {name} must begin with its name, got {listing.coin!r}")
    usual = None if scale is None else from_wire(scale)
    return [Market.perpetual(_with_scale(listing, usual), number, dex) for number, listing in enumerate(listings)]


def _with_scale(listing: Listing, scale: float | None) -> Listing:
    """The fee scale of the asset, or else that of the dex, where it stood until summer 2026."""
    return listing._replace(fee_scale=scale) if listing.fee_scale is None else listing
