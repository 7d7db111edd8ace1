"""How long a bot takes, from what it wrote: the times of a made-up log come out as they went in."""

import os
import time

import orjson
import pytest

from calibration.estimators.shadow_quote import Timing
from market_making.settings.edge import EdgeSettings
from market_making.trading.timing import recorded_timing, timing_of

WOKEN, LOOPING = EdgeSettings(), EdgeSettings(wake=False, fresh=False)
BOOK_MS = 60  # age of the books
KNOWN_MS = 50  # until a loop has seen the order


def log(moves: int = 12, fills: int = 12) -> list[dict]:
    """Loops of 2.5 s that plan, cancel 0.3 s later, and have placed 1.8 s after that; 0.4 s of it on the way.

    Every other loop finds a fill, and has placed 2.2 s after its beginning.
    """
    lines: list[dict] = []

    def add(event: str, time_ms: int, **values: object) -> int:
        lines.append({"sequence": len(lines) + 1, "time_ms": time_ms, "event": event, "coin": "ETH", **values})
        return len(lines)

    for loop in range(max(moves, fills)):
        now_ms = 10_000 * loop
        plan = add("plan", now_ms, now_ms=now_ms, market={"time_ms": now_ms - BOOK_MS})
        if loop < moves:
            add("cancel", now_ms + 300, order_id=f"{loop}, old")
            place = add("place", now_ms + 1_700, plan=plan)
            add("placed", now_ms + 2_100 + KNOWN_MS, placed_ms=now_ms + 2_100, place=place, order_id=f"{place}")
        now_ms += 5_000
        if loop < fills:
            add("fill", now_ms + 900)
            plan = add("plan", now_ms + 950, now_ms=now_ms, market={"time_ms": now_ms - BOOK_MS})
            place = add("place", now_ms + 1_800, plan=plan)
            add("placed", now_ms + 2_200 + KNOWN_MS, placed_ms=now_ms + 2_200, place=place, order_id=f"{place}")
    add("minute", 60_000, loops=24, elapsed_ms=60_000)
    return lines


def test_a_looping_bot_takes_what_its_loops_take():
    """From the plan on."""
    assert timing_of(log(), LOOPING) == Timing(
        loop_ms=2_500.0,
        cancel_ms=700.0,
        place_ms=2_100.0,
        pause_ms=2_200.0 + BOOK_MS,
        aim_ms=pytest.approx(2_210, abs=60),
        known_ms=KNOWN_MS,
    )


def test_a_loop_takes_what_one_takes_that_places_nothing():
    """Those that place an order are longer, and what they take is in the other times already."""
    *lines, minute = log()
    placing_ms, idle = 12 * (2_100 + KNOWN_MS) + 12 * (2_200 + KNOWN_MS), 20
    lines.append(minute | {"loops": 24 + idle, "elapsed_ms": placing_ms + idle * 1_200})
    assert timing_of(lines, LOOPING).loop_ms == pytest.approx(1_200.0)


def test_a_woken_bot_starts_with_the_news():
    """Its cancel is not waited for, and a fresh price is as old as the way of the order."""
    assert timing_of(log(), WOKEN) == Timing(
        loop_ms=0.0,
        cancel_ms=BOOK_MS + 400.0,
        place_ms=BOOK_MS + 1_800.0,
        pause_ms=BOOK_MS + 2_200.0,
        aim_ms=BOOK_MS + 400.0,
        known_ms=KNOWN_MS,
    )


def test_an_order_is_known_once_its_cancellation_is_asked_for():
    """The edge may cancel an order that no loop has seen yet; the line that says it rests comes after."""
    lines, after_fills = [], False
    for line in log(moves=12, fills=30):
        after_fills = line["event"] == "fill" or (after_fills and line["event"] != "cancel")
        if line["event"] == "placed" and after_fills:
            asked = {"event": "cancel", "coin": "ETH", "order_id": line["order_id"]}
            lines.append({**asked, "sequence": 0, "time_ms": line["placed_ms"] + KNOWN_MS / 2})
        lines.append(line)
    assert timing_of(lines, WOKEN).known_ms == KNOWN_MS / 2


def test_an_order_is_not_known_before_it_rests_whatever_the_clocks_say():
    """The exchange's clock may be ahead of the bot's."""
    ahead_ms = 2 * KNOWN_MS
    lines = [line | ({"placed_ms": line["placed_ms"] + ahead_ms} if "placed_ms" in line else {}) for line in log()]
    assert timing_of(lines, WOKEN).known_ms == 0.0


@pytest.mark.parametrize(("moves", "fills"), [(5, 12), (12, 5), (0, 0)])
def test_too_few_moves_or_fills_say_nothing(moves, fills):
    """Ten of each are needed."""
    assert timing_of(log(moves, fills), WOKEN) is None


def test_the_newest_log_of_a_bot_is_read_whatever_is_torn_in_it(tmp_path):
    """A guard's record is no bot's log, and one that is a day old may be another bot's."""
    assert recorded_timing(tmp_path / "nothing", WOKEN) is None
    body = b"".join(orjson.dumps(line) + b"\n" for line in log())
    path = tmp_path / "market-making-2026-11-26.jsonl"
    path.write_bytes(b'{"event": "pl\n' + body + b'{"event": "plan"}\n{"torn')
    (tmp_path / "guard-2026-11-26.jsonl").write_bytes(b"{}\n")
    assert recorded_timing(tmp_path, WOKEN) == timing_of(log(), WOKEN)
    old = time.time() - 2 * 86_400
    os.utime(path, (old, old))
    assert recorded_timing(tmp_path, WOKEN) is None
