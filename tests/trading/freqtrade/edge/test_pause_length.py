"""The pause between two loops is bounded, whatever somebody does to the clock."""

import time
from datetime import UTC, datetime

import pytest
from freqtrade import worker as worker_module
from freqtrade.worker import Worker

from market_making.trading.freqtrade.edge import sleep
from market_making.trading.freqtrade.edge.loop import Loop

_IN_A_MINUTE_S = 1_788_000_000 + 10.0


@pytest.mark.parametrize("back_s", [30.0, 3600.0])
def test_a_clock_that_is_put_back_within_a_loop_does_not_make_the_pause_longer(monkeypatch, back_s):
    """Freqtrade takes the length of the loop from the wall clock; no book is believed then, so none wakes it."""
    asked = []
    offset = [0.0]
    following = worker_module.timeframe_to_next_date
    monkeypatch.setattr("freqtrade.worker.time.time", lambda: _IN_A_MINUTE_S - offset[0])
    monkeypatch.setattr(
        worker_module, "timeframe_to_next_date", lambda each: following(each, datetime.fromtimestamp(time.time(), UTC))
    )

    class Alarm(sleep.Alarm):
        def wait(self, seconds):
            asked.append(seconds)

    sleep.Sleep(Loop(), Alarm())
    worker = Worker.__new__(Worker)

    def loop():
        offset[0] = back_s

    try:
        worker._throttle(loop, 1.0, timeframe="1m", timeframe_offset=1)
    finally:
        sleep.restore()
    assert max(asked) <= 6.0
