"""What two legs have resting together, from the venue's accounts of both."""

import orjson
import pytest

from market_making.ops.demo.leg_samples import LegSamples, self_trades

BID, ASK = {"side": "B", "coin": "ETH", "limitPx": "1000"}, {"side": "A", "coin": "ETH", "limitPx": "1001"}


def fill(time_s, price=1000.0, *, is_taker=False):
    return {"coin": "ETH", "time_ms": round(time_s * 1e3), "price": price, "is_taker": is_taker}


def leg(*orders, coins=0.0, fills=()):
    return {"orders": list(orders), "positions": {"ETH": coins} if coins else {}, "fills": list(fills)}


def sampled(*moments):
    """Samples of (time [s], long leg, short leg)."""
    samples = LegSamples(order_notional=100.0)
    for time_s, long, short in moments:
        samples.take(time_s, {"long": long, "short": short})
    return samples


def test_time_is_shared_out_by_what_rests():
    """Each state lasts until the next sample; the last one has not lasted yet."""
    seen = sampled(
        (0.0, leg(BID), leg(ASK)),
        (4.0, leg(BID), leg()),
        (5.0, leg(), leg()),
        (7.0, leg(BID), leg(BID)),
        (8.0, leg(ASK), leg(BID)),
        (10.0, leg(), leg()),
    ).figures()
    assert (seen.both, seen.one, seen.none, seen.same) == (0.6, 0.1, 0.2, 0.1)
    assert (seen.seconds, seen.same_longest_s, seen.crossings, seen.double_orders) == (10.0, 1.0, 0, 0)


def test_after_a_fill_it_counts_until_both_sides_rest_again():
    """The first three seconds do not count for what rests when nothing happens."""
    first = [fill(1.5)]
    seen = sampled(
        (0.0, leg(BID), leg(ASK)),
        (2.0, leg(coins=0.1, fills=first), leg(ASK)),
        (3.0, leg(ASK, coins=0.1, fills=first), leg(BID)),
        (5.0, leg(ASK, coins=0.1, fills=first), leg(BID)),
        (6.0, leg(ASK, coins=0.1, fills=first), leg()),
        (8.0, leg(ASK, coins=0.1, fills=first), leg(BID)),
    ).figures()
    assert (seen.fills, seen.back_s) == (1, 1.5)
    assert seen.fills_per_minute == pytest.approx(7.5)
    assert seen.settled == pytest.approx(3 / 5)  # two seconds before the fill; of the last three, one


def test_what_is_done_on_purpose_can_be_left_out():
    """In the shares, and not in what two legs must never do."""
    samples = sampled((0.0, leg(BID), leg(ASK)))
    samples.during = "a stopped leg"
    for time_s, long in ((1.0, leg()), (4.0, leg(BID))):
        samples.take(time_s, {"long": long, "short": leg(ASK)})
    assert samples.figures().both == pytest.approx(0.25)
    assert samples.figures(undisturbed=True).both == 1.0
    assert samples.share_during("a stopped leg") == pytest.approx(0.75)


def test_what_they_hold_against_each_other_is_seen():
    """Two lots with nothing together; gross that is more than two lots above the net position; a crossed pair."""
    high = BID | {"limitPx": "1001"}
    seen = sampled(
        (0.0, leg(BID, coins=0.1), leg(ASK, coins=-0.1)),
        (1.0, leg(high, coins=0.3), leg(ASK, coins=-0.2)),
        (2.0, leg(BID, BID, coins=0.3), leg(coins=0.1)),
        (4.0, leg(), leg()),
    ).figures()
    assert (seen.idle_capital, seen.gross_beyond, seen.crossings, seen.double_orders) == (0.25, 1, 1, 1)


def test_a_trade_with_each_other_is_seen():
    """One fill takes, the other leg's is at the same time and price."""
    audits = {"long": leg(fills=[fill(1.0)]), "short": leg(fills=[fill(1.0, is_taker=True), fill(2.0, is_taker=True)])}
    assert self_trades(audits) == 1


def test_every_sample_can_be_written(tmp_path):
    """A line each, with what rests and is held."""
    samples = sampled((0.0, leg(BID), leg(ASK, coins=-0.1)), (1.0, leg(), leg()))
    samples.write(tmp_path / "samples.jsonl")
    first, second = map(orjson.loads, (tmp_path / "samples.jsonl").read_bytes().splitlines())
    assert (first["state"], first["orders"], first["short"]) == ("both", [["bid", 1000.0], ["ask", 1001.0]], -0.1)
    assert second["state"] == "none"
