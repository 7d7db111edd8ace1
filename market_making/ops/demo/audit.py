"""Do the bot's own books agree with the venue's? Freqtrade's database and the decision log against its fills."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from market_making.market.names import USDC
from market_making.safety.books import read_books
from market_making.simulation.known_markets import is_spot, market_called
from market_making.trading.decision_log import Event, read_decisions

_TOLERANCE = 1e-9
_TOKEN_STEP = 1e-8
_CENTS = 1e-5  # of a USDC: the venue rounds fees to a millionth


def unaccounted(
    database: Path, positions: dict[str, float], filled_orders: set[int], coins: Iterable[str] = ()
) -> list[str]:
    """What the venue knows and the bot does not, or the reverse; empty when the two books agree.

    A filled order must stand in the bot's database, and its open trades must add up to the venue's position. Tokens of
    the spot markets among `coins` are no positions: the fees are paid in them, and dust of earlier trades lies there.
    """
    spot = {market.pair for market in map(market_called, coins) if is_spot(market)}
    books = read_books(database, filled_orders)
    held = {pair: coins for pair, coins in books.coins.items() if coins}
    findings = [
        f"order {order} was filled at the venue and is unknown to the bot"
        for order in sorted(filled_orders)
        if order not in books.known
    ]
    at_venue = {market_called(coin).pair: size for coin, size in positions.items()}
    for pair in sorted((set(held) | set(at_venue)) - spot):
        ours, theirs = held.get(pair, 0.0), at_venue.get(pair, 0.0)
        if abs(ours - theirs) > _TOLERANCE:
            findings.append(f"{pair}: the bot holds {ours:g}, the venue says {theirs:g}")
    return findings


def decisions_in(folder: Path) -> list[dict[str, Any]]:
    """Every line of the decision logs of a folder."""
    return list(read_decisions(*sorted(folder.glob("*.jsonl"))))


def unrecorded(lines: Iterable[Mapping[str, Any]], fills: Iterable[Mapping[str, Any]]) -> list[str]:
    """What the decision log tells otherwise than the venue about fills; empty when they agree, fill by fill.

    The bot looks once a second, so two fills of an order may be one part in the log; but every part ends where one of
    the venue's fills ended, and each is there exactly once, at its price, with its fee.

    Parameters
    ----------
    lines : Iterable[Mapping]
        As `market_making.trading.decision_log.read_decisions` gives them.
    fills : Iterable[Mapping]
        The venue's, in their order: `oid`, `price`, `size`, `fee`, `is_taker`.
    """
    logged, filled = defaultdict(list), defaultdict(list)
    for line in lines:
        if line["event"] is Event.FILL:
            logged[line["order_id"]].append(line)
    for fill in fills:
        filled[str(fill["oid"])].append(fill)
    orders = sorted(set(logged) | set(filled), key=int)
    return [f"order {order}: {text}" for order in orders for text in _differences(logged[order], filled[order])]


def _differences(ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """How the parts of one order in the log differ from the venue's fills of it."""
    steps, ends = ([round(end, 8) for end in accumulate(part["size"] for part in parts)] for parts in (ours, theirs))
    if not steps or not ends or steps[-1] != ends[-1]:
        yield f"{steps[-1] if steps else 0:g} coins are logged as filled, the venue says {ends[-1] if ends else 0:g}"
        return
    if [part["cumulated"] for part in ours] != steps or not set(steps) <= set(ends):
        yield f"the parts end at {steps}, the venue's at {ends}"
    for name, of in (("fee", _fee_value), ("value", lambda part: part["price"] * part["size"])):
        mine, venues = sum(map(of, ours)), sum(map(of, theirs))
        # A fee in tokens is rounded to a hundred-millionth of one.
        rounding = sum(part["price"] for part in theirs if part.get("fee_token", USDC) != USDC) * _TOKEN_STEP
        if abs(mine - venues) > _CENTS + rounding:
            yield f"the {name} is {mine:g} in the log, {venues:g} at the venue"
    if {bool(part.get("is_taker")) for part in ours} != {bool(part["is_taker"]) for part in theirs}:
        yield "maker and taker differ"


def _fee_value(part: Mapping[str, Any]) -> float:
    """What a fee is worth [USDC]: the bot tells its value, the venue the tokens it was paid in."""
    value: float = part.get("fee_value", part["fee"])
    return value
