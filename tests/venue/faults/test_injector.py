"""Which requests a schedule strikes: the same seed and requests meet the same faults."""

from random import Random
from typing import Any

import pytest

from market_making.venue.faults.course import Delivery
from market_making.venue.faults.document import Faults
from market_making.venue.faults.fault import Occasion, Target
from market_making.venue.faults.injector import Injector, bent

ALICE, BOB = "0x" + "a" * 40, "0x" + "b" * 40
PLACE = Occasion(Target.ACTION, "order", ALICE, frozenset({"ETH"}), frozenset({"buy"}))
BOOK = Occasion(Target.INFO, "l2Book", coins=frozenset({"ETH"}))


def injector(*entries: dict[str, Any], seed: int = 7) -> Injector:
    return Injector(Faults.parse({"faults": list(entries)}), seed, 100.0)


def struck(faults: Injector, occasion: Occasion, now_s: float = 0.0) -> bool:
    return bool(faults.strike(occasion, 100.0 + now_s))


def asked(oid: int) -> Occasion:
    return Occasion(Target.INFO, "orderStatus", ALICE, oids=frozenset({oid}))


@pytest.mark.parametrize("seed", range(5))
def test_the_same_seed_strikes_the_same_requests_whatever_else_is_asked(seed: int):
    """Other requests between do not move the draws of a fault; another seed does."""
    entries = (
        {"fault": "cut", "action": "order", "probability": 0.3},
        {"fault": "cut", "info": "any", "probability": 0.5},
    )
    alone, mixed, chance = injector(*entries, seed=seed), injector(*entries, seed=seed), Random(seed)
    expected = [struck(alone, PLACE) for _ in range(200)]
    seen = []
    while len(seen) < 200:
        if chance.random() < 0.6:
            mixed.strike(BOOK, 100.0)
        else:
            seen.append(struck(mixed, PLACE))
    assert seen == expected
    other = injector(*entries, seed=seed + 1000)
    assert [struck(other, PLACE) for _ in range(200)] != expected


def test_a_fault_strikes_with_its_probability():
    """Of 4000 requests about 30 % are struck: within four standard errors."""
    faults = injector({"fault": "cut", "action": "any", "probability": 0.3})
    hits = sum(struck(faults, PLACE) for _ in range(4000))
    assert abs(hits - 1200) < 4 * (4000 * 0.3 * 0.7) ** 0.5
    assert faults.struck == [hits]


@pytest.mark.parametrize(("where", "hit"), [
    ({"action": "any"}, True), ({"action": ["cancel", "order"]}, True), ({"action": "cancel"}, False),
    ({"info": "order"}, False), ({"action": "order", "user": ALICE.upper().replace("X", "x")}, True),
    ({"action": "order", "user": BOB}, False), ({"action": "order", "coin": "ETH"}, True),
    ({"action": "order", "coin": "BTC"}, False), ({"action": "order", "side": "buy"}, True),
    ({"action": "order", "side": "sell"}, False), ({"action": "order", "oid": 3}, False),
])  # fmt: skip
def test_a_fault_strikes_only_what_it_names(where: dict[str, Any], hit: bool):
    """Type, user, coin, side and order all have to agree."""
    assert struck(injector({"fault": "cut", **where}), PLACE) == hit


def test_a_span_ends_and_comes_again():
    """From 10 to 15 s, and again every 60 s."""
    faults = injector({"fault": "cut", "action": "any", "from_s": 10, "until_s": 15, "repeat_s": 60})
    hits = [second for second in range(140) if struck(faults, PLACE, second)]
    assert hits == [*range(10, 15), *range(70, 75), *range(130, 135)]


def test_skip_and_times_choose_single_requests():
    """The third and fourth request, and no other."""
    faults = injector({"fault": "cut", "action": "any", "skip": 2, "times": 2})
    assert [struck(faults, PLACE) for _ in range(6)] == [False, False, True, True, False, False]


def test_an_order_that_is_unknown_stays_unknown():
    """The draw is made once per order: asked again, the answer is the same."""
    faults = injector({"fault": "unknown", "info": "orderStatus", "probability": 0.4, "per_order": True})
    first = {oid: struck(faults, asked(oid)) for oid in range(50)}
    assert 5 < sum(first.values()) < 35
    assert all(struck(faults, asked(oid)) == hit for oid, hit in first.items() for _ in range(3))


def test_one_order_may_be_the_only_one():
    """With times = 1 the first order asked about is unknown for ever, and no other ever."""
    faults = injector({"fault": "unknown", "info": "orderStatus", "per_order": True, "times": 1})
    assert [struck(faults, asked(oid)) for oid in (1, 2, 1, 3, 1)] == [True, False, True, False, True]


def test_happenings_come_at_times_that_only_the_seed_decides():
    """However often the venue looks, the same happenings come at the same times, about 100 in 1000 s at every 10."""
    entry = {"fault": "cancel", "every_s": 10.0}
    once, often = injector(entry), injector(entry)
    late = [moment.chance.random() for moment in once.due(100.0 + 1000.0)]
    early = [moment.chance.random() for tick in range(2001) for moment in often.due(100.0 + tick / 2)]
    assert early == late
    assert 60 < len(late) < 140
    assert not often.due(100.0 + 1000.0)


def test_a_happening_without_a_rate_comes_once():
    """At its time, not before and not again."""
    faults = injector({"fault": "liquidate", "from_s": 5})
    assert [len(faults.due(100.0 + second)) for second in (4, 5, 6, 500)] == [0, 1, 0, 0]


def test_the_clock_is_wrong_only_within_its_span():
    """Offsets of several faults add up."""
    faults = injector(
        {"fault": "clock", "offset_ms": 45_000, "from_s": 5, "until_s": 9}, {"fault": "clock", "offset_ms": -1}
    )
    assert [faults.offset_ms(100.0 + second) for second in (0, 5, 8.9, 9)] == [-1, 44_999, 44_999, -1]


def test_faults_that_strike_together_add_up():
    """Two delays are as long as both; a request lost on its way stays lost."""
    faults = injector(
        {"fault": "delay", "action": "any", "seconds": 1}, {"fault": "delay", "action": "any", "seconds": 2},
        {"fault": "swallow", "action": "any", "executed": False}, {"fault": "half", "action": "any"},
    )  # fmt: skip
    course = bent(faults.strike(PLACE, 100.0))
    assert (course.hold_s, course.takes_effect, course.delivery) == (3.0, False, Delivery.HALF)
