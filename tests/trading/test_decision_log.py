"""The decision log: every line whole, numbered and readable, files by day, never more than its bound."""

import json
import logging

from market_making.market.reasons import Reason
from market_making.trading.decision_log import CountedBefore, DecisionLog, Event, log_files, read_decisions

DAY_MS = 86_400_000
PLACED = {"coin": "ETH", "side": "bid", "price": 3000.0}


def log_in(folder, run="run", **changes):
    """A log of one run."""
    return DecisionLog(folder, "bot", run, lambda: {"strategy": "MarketMaking"}, **changes)


def lines_in(folder):
    """Every line as it stands there."""
    return [json.loads(line) for path in log_files(folder, "bot") for line in path.read_text().splitlines() if line]


def test_every_line_has_a_number_and_the_first_tells_of_the_run(tmp_path):
    """Numbers have no gaps within a run, also over midnight; what does not exist is left out."""
    log = log_in(tmp_path)
    for day in range(3):
        log.write(Event.PLACE, day * DAY_MS, PLACED | {"mid": None})
    log_in(tmp_path, "second").write(Event.KEEP, 2 * DAY_MS, PLACED | {"mid": float("nan")})
    header, *places, second, last = lines_in(tmp_path)
    assert header == {"sequence": 1, "time_ms": 0, "run": "run", "event": "run", "strategy": "MarketMaking"}
    assert [line["sequence"] for line in places] == [2, 3, 4]
    assert places[0] == {"sequence": 2, "time_ms": 0, "run": "run", "event": "place"} | PLACED
    assert [(second["run"], second["sequence"]), (last["run"], last["sequence"])] == [("second", 1), ("second", 2)]
    assert last["mid"] is None


def test_days_have_files_of_their_own_and_old_ones_go(tmp_path):
    """The file is named by the day of the decision, and only so many days of this bot are kept."""
    other = tmp_path / "bot-two-1970-01-01.jsonl"
    other.touch()
    log = log_in(tmp_path, days=2)
    for day in range(4):
        log.write(Event.PLACE, day * DAY_MS, PLACED)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["bot-1970-01-03.jsonl", "bot-1970-01-04.jsonl", other.name]


def test_a_full_log_stops_and_says_so_once(tmp_path, caplog):
    """The bound holds across restarts, the bot is not disturbed, and the next day starts afresh."""
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            log = log_in(tmp_path, maximum_bytes=1000)
            for _ in range(20):
                log.write(Event.PLACE, 0, PLACED)
    assert (tmp_path / "bot-1970-01-01.jsonl").stat().st_size <= 1000
    assert len(caplog.records) == 2
    assert "has reached 1000 bytes" in log.fault
    log.write(Event.PLACE, DAY_MS, PLACED)
    (after,) = read_decisions(tmp_path / "bot-1970-01-02.jsonl")
    assert after["sequence"] == 22  # what is missing in between was not written
    assert log.fault == ""


def test_a_folder_that_cannot_be_written_does_not_stop_the_bot(tmp_path, caplog):
    """A log is a record, not a condition of trading."""
    blocked = tmp_path / "file"
    blocked.touch()
    log = log_in(blocked / "logs")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            log.write(Event.PLACE, 0, PLACED)
    assert len(caplog.records) == 1
    assert "cannot be written" in log.fault
    blocked.unlink()
    log.write(Event.PLACE, 0, PLACED)
    assert log.fault == ""
    assert [line["sequence"] for line in lines_in(blocked / "logs")] == [5]


def test_a_line_that_was_torn_off_costs_no_other(tmp_path):
    """After a power cut in the middle of a line the next run begins a line of its own."""
    log_in(tmp_path).write(Event.PLACE, 0, PLACED)
    path = tmp_path / "bot-1970-01-01.jsonl"
    path.write_bytes(path.read_bytes() + b'{"sequence":3,"time')
    log_in(tmp_path, "second").write(Event.KEEP, 0, PLACED)
    assert [line["event"] for line in read_decisions(path)] == [Event.RUN, Event.PLACE, Event.RUN, Event.KEEP]


OLD = [
    {"time_ms": 1, "coin": "ETH", "leg": None, "event": "place", "side": "bid", "size": 0.03, "order_id": "7"},
    {"time_ms": 2, "coin": "ETH", "leg": None, "event": "fill", "side": "bid", "size": 0.01, "order_id": "7"},
    {"time_ms": 3, "coin": "ETH", "leg": None, "event": "fill", "side": "bid", "size": 0.02, "order_id": "7"},
    {"time_ms": 4, "coin": "ETH", "leg": None, "event": "withhold", "reason": "ETH.json expired 3 s ago"},
    {"time_ms": 5, "coin": "ETH", "leg": None, "event": "keep", "reason": "young", "detail": "0.7 bps too far"},
]


def test_logs_of_earlier_versions_are_read(tmp_path):
    """A reason that was a text becomes the detail of none; lines without a number have none."""
    path = tmp_path / "bot-2026-11-01.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in OLD))
    place, *_, withheld, keep = read_decisions(path)
    assert (place["event"], place["order_id"], place["size"]) == (Event.PLACE, "7", 0.03)
    assert "sequence" not in place
    assert "leg" not in place
    assert (withheld["reason"], withheld["detail"]) == (None, "ETH.json expired 3 s ago")
    assert (keep["reason"], keep["detail"]) == (Reason.YOUNG, "0.7 bps too far")


def test_the_log_knows_what_was_counted_of_an_order(tmp_path):
    """In old logs and new ones, over days; an order that was only placed counts as nothing, others are unknown."""
    (tmp_path / "bot-2026-11-01.jsonl").write_text("".join(json.dumps(line) + "\n" for line in OLD))
    log = log_in(tmp_path)
    log.write(Event.FILL, 20_800 * DAY_MS, {"order_id": "7", "size": 0.005})
    log.write(Event.PLACED, 20_800 * DAY_MS, {"order_id": "8", "size": 0.03})
    counted = CountedBefore(tmp_path, "bot")
    assert [counted(order_id) for order_id in ("7", "8", "9")] == [0.035, 0.0, None]
    assert CountedBefore(tmp_path / "nowhere", "bot")("7") is None
