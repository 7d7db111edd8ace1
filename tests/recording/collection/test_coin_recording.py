"""The gaps of a recording: what was not received lies in one, what was received in none, whatever clocks show."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_making.recording.collection import coin_recording
from market_making.recording.collection.coin_recording import GapTracker
from market_making.recording.streams import Stream

START = 1_757_000_000_000
HOUR_MS = 3_600_000


class Gaps:
    """Takes the place of a recorder and keeps the gap rows."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, int, str]] = []

    def add_gap(self, _coin: str, _stream: Stream, start_ms: int, end_ms: int, reason: str) -> None:
        """Keep a row."""
        self.rows.append((start_ms, end_ms, reason))

    def hold(self, time_ms: int) -> bool:
        """Whether a time lies within a gap."""
        return any(start_ms <= time_ms <= end_ms for start_ms, end_ms, _ in self.rows)


class Machine:
    """True time [ms], told by the monotonic clock; the clock on the wall may be wrong."""

    def __init__(self) -> None:
        self.time_ms = START
        self.ahead_ms = 0

    def monotonic(self) -> float:
        """Seconds since this machine was switched on."""
        return (self.time_ms - START) / 1e3 + 77.7

    def wall_ms(self) -> int:
        """What the clock on the wall shows."""
        return self.time_ms + self.ahead_ms


@pytest.fixture
def machine(monkeypatch) -> Machine:
    """A machine whose time only the test moves."""
    machine = Machine()
    monkeypatch.setattr(coin_recording, "monotonic", machine.monotonic)
    return machine


def tracker(last_ms: int | None = None) -> tuple[GapTracker, Gaps]:
    """A tracker of quotes, and the gaps it writes."""
    gaps = Gaps()
    return GapTracker(gaps, "ETH", (Stream.BBO,), last_ms), gaps


def test_a_clock_set_forward_within_a_gap_does_not_keep_it_open(machine):
    """The first event afterwards ends the gap, and no row of it claims the hour by which the clock was wrong."""
    quotes, gaps = tracker()
    quotes.seen(START)
    quotes.lost("reconnect")
    machine.time_ms, machine.ahead_ms = START + 2000, HOUR_MS
    quotes.progress(machine.wall_ms())
    assert gaps.rows[1:] == [(START, START + 2000, "reconnect")]
    machine.time_ms = START + 3000
    quotes.seen(START + 2900)
    assert not quotes.is_open
    assert gaps.rows[2:] == [(START + 2000, START + 2900, "reconnect")]


def test_a_clock_that_is_wrong_from_the_start_does_not_keep_the_gap_open(machine):
    """Before the first event nothing tells that the clock is wrong; the first one ends the gap all the same."""
    quotes, gaps = tracker(last_ms=START - 60_000)
    machine.ahead_ms = HOUR_MS
    quotes.progress(machine.wall_ms())
    machine.time_ms += 500
    quotes.seen(START + 500)
    assert not quotes.is_open
    quotes.lost("silence")
    machine.time_ms += 1000
    quotes.progress(machine.wall_ms())
    assert gaps.rows[1:] == [(START + 500, START + 1500, "silence")]


def test_a_clock_set_forward_before_the_first_event_is_believed_once(machine):
    """What has been written of the gap since the last run grows no faster than time passes."""
    quotes, gaps = tracker(last_ms=START - 60_000)
    quotes.progress(machine.wall_ms())
    machine.time_ms, machine.ahead_ms = START + 5000, HOUR_MS
    quotes.progress(machine.wall_ms())
    assert gaps.rows == [(START - 60_000, START, "start"), (START, START + 5000, "start")]


def test_an_event_older_than_the_gap_does_not_end_it(machine):
    """A late frame proves nothing of what came after the last one."""
    quotes, _ = tracker()
    quotes.seen(START)
    quotes.lost("reconnect")
    machine.time_ms += 2000
    quotes.progress(machine.wall_ms())
    for time_ms in (START - 1000, START):
        quotes.seen(time_ms)
        assert quotes.is_open


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["event", "missed", "lost", "progress", "clock"]),
        st.integers(1, 5000),
        st.sampled_from([-HOUR_MS, -700, 0, 700, HOUR_MS]),
    ),
    max_size=40,
)


@given(STEPS)
@settings(max_examples=200)
def test_every_event_is_seen_or_lies_in_a_gap_and_no_recorded_time_does(steps):
    """Connections that break and clocks that jump in any order: gap rows cover what was missed, and only that."""
    machine, (quotes, gaps) = Machine(), tracker()
    seen, missed = [START], []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coin_recording, "monotonic", machine.monotonic)
        quotes.seen(START)
        for step, passed_ms, ahead_ms in steps:
            machine.time_ms += passed_ms
            if step == "event":
                quotes.seen(machine.time_ms)
                seen.append(machine.time_ms)
            elif step == "missed" and quotes.is_open:
                missed.append(machine.time_ms)
            elif step == "lost":
                quotes.lost("reconnect")
            elif step == "clock":
                machine.ahead_ms = ahead_ms
            quotes.progress(machine.wall_ms())
        machine.time_ms += 1
        quotes.seen(machine.time_ms)
    assert not quotes.is_open
    assert all(gaps.hold(time_ms) for time_ms in missed)
    inside = [time_ms for time_ms in seen for start_ms, end_ms, _ in gaps.rows if start_ms < time_ms < end_ms]
    assert not inside
