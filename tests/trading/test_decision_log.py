"""The decision log: every line whole and readable, files by day, never more than its bound."""

import json
import logging

from market_making.trading.decision_log import Decision, DecisionLog, Event

DAY_MS = 86_400_000
KEYS = {
    "time_ms",
    "coin",
    "leg",
    "event",
    "side",
    "inventory",
    "mid",
    "depth",
    "price",
    "size",
    "reason",
    "detail",
    "calibration_id",
    "order_id",
}


def decision(time_ms=0, **values):
    """A placed bid."""
    return Decision(time_ms, "ETH", None, Event.PLACE, "bid", price=3000.0, **values)


def test_a_line_has_the_keys_that_were_promised(tmp_path):
    """Every key is in every line, and a number that is none is null."""
    DecisionLog(tmp_path, "bot").write(decision(mid=float("nan")))
    (line,) = (tmp_path / "bot-1970-01-01.jsonl").read_text().splitlines()
    document = json.loads(line)
    assert set(document) == KEYS
    assert document["event"] == "place"
    assert document["mid"] is None


def test_days_have_files_of_their_own_and_old_ones_go(tmp_path):
    """The file is named by the day of the decision, and only so many days of this bot are kept."""
    other = tmp_path / "bot-two-1970-01-01.jsonl"
    other.touch()
    log = DecisionLog(tmp_path, "bot", days=2)
    for day in range(4):
        log.write(decision(day * DAY_MS))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["bot-1970-01-03.jsonl", "bot-1970-01-04.jsonl", other.name]


def test_a_full_log_stops_and_says_so_once(tmp_path, caplog):
    """The bound holds across restarts, the bot is not disturbed, and the next day starts afresh."""
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            log = DecisionLog(tmp_path, "bot", maximum_bytes=1000)
            for _ in range(20):
                log.write(decision())
    assert (tmp_path / "bot-1970-01-01.jsonl").stat().st_size <= 1000
    assert len(caplog.records) == 2
    log.write(decision(DAY_MS))
    assert (tmp_path / "bot-1970-01-02.jsonl").exists()


def test_a_folder_that_cannot_be_written_does_not_stop_the_bot(tmp_path, caplog):
    """A log is a record, not a condition of trading."""
    blocked = tmp_path / "file"
    blocked.touch()
    log = DecisionLog(blocked / "logs", "bot")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            log.write(decision())
    assert len(caplog.records) == 1
