"""What the venue lists, as its answers tell: perpetuals of each dex, and spot."""

from collections.abc import Callable, Sequence
from typing import Any

from market_making.hyperliquid.listings import universe_fields
from market_making.hyperliquid.spot_listings import pair_fields, spot_meta_fields, token_fields
from market_making.market.errors import MalformedMessage
from market_making.market.names import USDC
from market_making.venue.engine.state import State
from market_making.venue.order_book.listed_coin import ListedCoin

_SPOT_ASSETS = 10_000
_USDC_DECIMALS, _QUOTE_DECIMALS = 8, 2
_CAP = "1000000000.0"

ContextOf = Callable[[ListedCoin], dict[str, Any]]


class ListingAnswers:
    """Answers about what is listed.

    Parameters
    ----------
    state : State
        The exchange.
    context : callable
        Context of a coin, ready for JSON.
    """

    def __init__(self, state: State, context: ContextOf) -> None:
        self._state = state
        self._context = context
        self._tokens = _token_indices(state.spot)

    def dex(self, request: dict[str, Any]) -> str:
        """The dex that a request names, the main one if it names none.

        Raises
        ------
        MalformedMessage
            If there is no such dex.
        """
        name = request.get("dex") or ""
        if name not in {dex.name for dex in self._state.dexes}:
            raise MalformedMessage(f"there is no dex {name!r:.60}")
        return str(name)

    def dexes(self) -> list[Any]:
        """``perpDexs``: null for the main one, and the others at their places."""
        fields: list[Any] = [None] * (self._state.dexes[-1].place + 1)
        for dex in self._state.dexes[1:]:
            caps = [[coin.listing.coin, _CAP] for coin in self._state.perpetuals(dex.name)]
            fields[dex.place] = {
                "name": dex.name,
                "fullName": dex.name.upper(),
                "deployer": f"0x{dex.place:040x}",
                "oracleUpdater": None,
                "feeRecipient": f"0x{dex.place:040x}",
                "assetToStreamingOiCap": caps,
                "subDeployers": [],
                "assetToFundingMultiplier": [[name, "1.0"] for name, _ in caps],
                "assetToFundingInterestRate": [],
            }
        return fields

    def meta(self, dex: str = "") -> dict[str, Any]:
        """``meta`` of a dex."""
        return universe_fields([coin.listing for coin in self._state.perpetuals(dex)])

    def metas(self) -> list[Any]:
        """``allPerpMetas``."""
        return [self.meta(dex.name) for dex in self._state.dexes]

    def meta_and_contexts(self, dex: str = "") -> list[Any]:
        """``metaAndAssetCtxs`` of a dex."""
        return [self.meta(dex), self.contexts(dex)]

    def contexts(self, dex: str = "") -> list[Any]:
        """Contexts of the perpetuals of a dex, by place."""
        return [self._context(coin) for coin in self._state.perpetuals(dex)]

    def limits(self, dex: str) -> dict[str, Any]:
        """``perpDexLimits`` of a dex that others have deployed.

        Raises
        ------
        MalformedMessage
            For the main one, which has none.
        """
        if not dex:
            raise MalformedMessage("perpDexLimits needs the name of a dex")
        caps = [[coin.listing.coin, _CAP] for coin in self._state.perpetuals(dex)]
        return {"totalOiCap": _CAP, "oiSzCapPerPerp": _CAP, "maxTransferNtl": _CAP, "coinToOiCap": caps}

    def spot_meta(self) -> dict[str, Any]:
        """``spotMeta``; tokens stand at the places of their indices, pairs do not."""
        listed = [(coin, coin.market.tokens) for coin in self._state.spot if coin.market.tokens is not None]
        decimals = {USDC: _USDC_DECIMALS} | {tokens.base: coin.listing.size_decimals for coin, tokens in listed}
        known = self._tokens
        described = [token_fields(index, name, decimals.get(name, _QUOTE_DECIMALS)) for name, index in known.items()]
        pairs = [
            pair_fields(coin.listing.coin, coin.index - _SPOT_ASSETS, known[tokens.base], known[tokens.quote])
            for coin, tokens in listed
        ]
        return spot_meta_fields(described, pairs)

    def spot_contexts(self) -> list[dict[str, Any]]:
        """Contexts of spot markets, by index: most of the exchange's belong to no pair that is listed."""
        listed = {coin.index - _SPOT_ASSETS: coin for coin in self._state.spot}
        return [
            self._context(listed[index]) if index in listed else _nothing(index)
            for index in range(max(listed, default=-1) + 1)
        ]

    def token_index(self, name: str) -> int:
        """Index of a token that is listed."""
        return self._tokens[name]


def _token_indices(spot: Sequence[ListedCoin]) -> dict[str, int]:
    names = [name for coin in spot if coin.market.tokens is not None for name in coin.market.tokens[:2]]
    return {name: index for index, name in enumerate(dict.fromkeys([USDC, *names]))}


def _nothing(index: int) -> dict[str, Any]:
    zeros = dict.fromkeys(("prevDayPx", "dayNtlVlm", "markPx", "dayBaseVlm", "circulatingSupply", "totalSupply"), "0.0")
    return {"coin": f"@{index}", "midPx": None, **zeros}
