"""What holds for every decision log of a run: found where it does not, in words."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from market_making.trading.decision_log import Event

_LOOP_MS = 5_000  # a line bears the time at which its loop began


def disordered(lines: list[dict[str, Any]]) -> Iterator[str]:
    """Gaps in the numbers, and a run without its first or last line."""
    if [line["sequence"] for line in lines] != list(range(1, len(lines) + 1)):
        yield "the sequence has gaps"
    if (lines[0]["event"], lines[-1]["event"]) != (Event.RUN, Event.STOP):
        yield "the first line is no run or the last no stop"


def misplaced(lines: list[dict[str, Any]]) -> Iterator[str]:
    """Places whose mid, book, quote or price is not that of the plan they name."""
    by_number = {line["sequence"]: line for line in lines}
    for place in lines:
        if place["event"] is Event.PLACE:
            plan = by_number.get(place.get("plan"), {})
            if plan.get("event") is not Event.PLAN:
                yield f"line {place['sequence']} names no plan"
            elif not _is_planned(place, plan):
                yield f"line {place['sequence']} is not the order of its plan {place['plan']}"


def _is_planned(place: dict[str, Any], plan: dict[str, Any]) -> bool:
    """Whether an order is that of a plan, but for the touch that it has followed since."""
    order, book, sign = plan["order"], plan["market"], -1 if place["side"] == "bid" else 1
    planned = place["price"] - sign * place["terms"].get("fresh", 0.0)
    return (
        place["side"] == order["side"]
        and place["size"] == order["size"]
        and abs(planned - order["price"]) <= 1e-9 * planned
        and place["mid"] == plan["mid"] == (book["bid_price"] + book["ask_price"]) / 2
        and plan["quotes"]["sides"][place["side"]]["price"] == order["price"]
    )


def mistimed(lines: list[dict[str, Any]]) -> Iterator[str]:
    """Cancelled orders whose end, by the exchange, lies outside of their lives, or is missing where it was told."""
    placed = {line["order_id"]: line["placed_ms"] for line in lines if line["event"] is Event.PLACED}
    hears = any(line.get("settings", {}).get("edge", {}).get("socket") for line in lines)
    for line in lines:
        if line["event"] is Event.CANCELLED:
            ended_ms = line.get("ended_ms", None if hears else line["time_ms"])
            if ended_ms is None or not placed[line["order_id"]] <= ended_ms <= line["time_ms"] + _LOOP_MS:
                yield f"line {line['sequence']} dates the end of its order {ended_ms}"


def miscounted(lines: list[dict[str, Any]], audit: dict[str, Any]) -> Iterator[str]:
    """Orders that the venue has taken, refused or cancelled, against the lines that tell of them."""
    counts = Counter(line["event"] for line in lines)
    for what, event, theirs in (
        ("taken", Event.PLACED, sum(audit["orders_by_tif"].values())),
        ("refused", Event.REFUSED, audit["rejected"]),
        ("cancelled", Event.CANCELLED, audit["cancels"]),
    ):
        if counts[event] != theirs:
            yield f"{counts[event]} orders are logged as {what}, the venue says {theirs}"
