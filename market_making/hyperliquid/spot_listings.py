"""Which spot markets Hyperliquid lists: the ``spotMeta`` answer, both directions.

Tokens and pairs are looked up by their ``index``: since June 2026 both lists have holes, so the token with the index
440 does not stand at place 440, and a program that counts places trades another coin.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from market_making.market.errors import MalformedMessage
from market_making.market.identity import Market, SpotTokens
from market_making.market.instrument import Listing

_MOST_DECIMALS = 8
# Source: ccxt's option `spotCurrencyMapping`, whose words are Freqtrade's.
CCXT_CODES = {
    "UDZ": "2Z", "UBONK": "BONK", "UBTC": "BTC", "UETH": "ETH", "UFART": "FARTCOIN", "HPENGU": "PENGU",
    "UPUMP": "PUMP", "USOL": "SOL", "UUUSPX": "SPX", "USDT0": "USDT", "XAUT0": "XAUT", "UXPL": "XPL",
}  # fmt: skip


class Token(NamedTuple):
    """A token: its name on the wire, its decimals, and what ccxt calls it."""

    name: str
    size_decimals: int
    code: str


def parse_tokens(answer: Any) -> dict[int, Token]:
    """Read the tokens of a ``spotMeta`` or ``spotMetaAndAssetCtxs`` answer, by index.

    Raises
    ------
    MalformedMessage
        If the answer holds no list of tokens, or an index stands twice.
    """
    meta = _meta(answer)
    try:
        tokens = {_index(fields): _token(fields) for fields in meta["tokens"]}
        if len(tokens) != len(meta["tokens"]):
            raise ValueError("an index of its own for each token")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MalformedMessage(f"spotMeta lacks {error}: {meta!r:.200}") from None
    return tokens


def parse_spot_markets(answer: Any) -> tuple[Market, ...]:
    """Read the spot markets of a ``spotMeta`` or ``spotMetaAndAssetCtxs`` answer.

    A pair with a token that the answer does not describe has no name and no lot, so it is left out.

    Raises
    ------
    MalformedMessage
        If the answer holds no list of tokens or of pairs.
    """
    tokens, meta = parse_tokens(answer), _meta(answer)
    try:
        pairs = [(str(fields["name"]), _index(fields), _places(fields)) for fields in meta["universe"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MalformedMessage(f"the pairs of spotMeta lack {error}: {meta!r:.200}") from None
    quotes = {quote for _, _, (_, quote) in pairs}
    return tuple(
        spot_market(name, index, tokens[base], tokens[quote], is_stable=base in quotes)
        for name, index, (base, quote) in pairs
        if base in tokens and quote in tokens
    )


def spot_market(wire: str, index: int, base: Token, quote: Token, *, is_stable: bool = False) -> Market:
    """The market of a pair; `is_stable` says that its base token, too, is one that others are paid in."""
    tokens = SpotTokens(base.name, quote.name, is_stable)
    return Market.spot(Listing(wire, base.size_decimals), index, tokens, f"{base.code}/{quote.code}")


def spot_volumes(answer: Any) -> dict[str, float]:
    """Value traded within a day by name on the wire, from a ``spotMetaAndAssetCtxs`` answer [quote currency].

    Raises
    ------
    MalformedMessage
        If the contexts are none.
    """
    try:
        contexts: Sequence[Mapping[str, Any]] = answer[1]
        at = {index: fields for index, fields in enumerate(contexts) if fields is not None}
        named = {str(fields["name"]): _index(fields) for fields in answer[0]["universe"]}
        return {name: float(at[index].get("dayNtlVlm") or 0.0) for name, index in named.items() if index in at}
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise MalformedMessage(f"spot contexts lack {error}: {answer!r:.200}") from None


def ccxt_code(name: str, full_name: str | None) -> str:
    """What ccxt, and so Freqtrade, calls a token.

    Of a token that Unit issues ccxt drops every U of the name, also those within it.

    >>> ccxt_code("UBTC", "Unit Bitcoin"), ccxt_code("HYPE", "Hyperliquid"), ccxt_code("USDT0", None)
    ('BTC', 'HYPE', 'USDT')
    """
    if name.startswith("U") and (full_name or "").startswith("Unit "):
        return name.replace("U", "").upper()
    return CCXT_CODES.get(name, name.upper())


def spot_meta_fields(tokens: Iterable[Mapping[str, Any]], markets: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """``spotMeta`` answer, ready for JSON."""
    return {"tokens": list(tokens), "universe": list(markets)}


def token_fields(index: int, name: str, size_decimals: int, full_name: str | None = None) -> dict[str, Any]:
    """A token of ``spotMeta``, ready for JSON."""
    return {
        "name": name,
        "szDecimals": size_decimals,
        "weiDecimals": max(size_decimals, _MOST_DECIMALS),
        "index": index,
        "tokenId": f"0x{index:032x}",
        "isCanonical": index <= 1,
        "evmContract": None,
        "fullName": full_name,
        "deployerTradingFeeShare": "0.0",
    }


def pair_fields(wire: str, index: int, base: int, quote: int) -> dict[str, Any]:
    """A pair of ``spotMeta``, ready for JSON."""
    return {"name": wire, "tokens": [base, quote], "index": index, "isCanonical": index == 0}


def _meta(answer: Any) -> Any:
    return answer[0] if isinstance(answer, list) and answer else answer


def _index(fields: Any) -> int:
    index = fields["index"]
    if type(index) is not int or index < 0:
        raise ValueError(f"index {index!r}")
    return index


def _places(fields: Any) -> tuple[int, int]:
    base, quote = fields["tokens"]
    if type(base) is not int or type(quote) is not int:
        raise ValueError(f"tokens {fields['tokens']!r}")
    return base, quote


def _token(fields: Any) -> Token:
    decimals, name = fields["szDecimals"], str(fields["name"])
    if type(decimals) is not int or not 0 <= decimals <= _MOST_DECIMALS:
        raise ValueError(f"szDecimals {decimals!r}")
    return Token(name, decimals, ccxt_code(name, fields.get("fullName")))
