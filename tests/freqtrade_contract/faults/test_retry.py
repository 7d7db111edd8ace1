"""A worker of stock Freqtrade that sleeps after a failed request: what rests meanwhile, and who can end it."""

import time

import orjson
import pytest
from freqtrade.configuration import Configuration
from freqtrade.enums import RunMode, State
from freqtrade.persistence import Trade
from freqtrade.worker import Worker

from market_making.safety.kill_switch import Kill, remove_kill, write_kill
from market_making.trading.freqtrade.edge import patience, remembered, sleep
from tests.freqtrade_contract.faults.loops import agree, fill, shown, strikes
from tests.live_bot import ROOT, merged
from tests.puppet_market import live_config, parameters

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::Warning")]


@pytest.fixture
def worker(venue, tmp_path):
    """A worker that rests a bid, with everything on but websocket and pace."""
    parameters(valid_until_ms=int(time.time() * 1e3) + 600_000).write(tmp_path / "parameters")
    private = tmp_path / "private.json"
    own = {"market_making": {"edge": {"pace": False}, "quote": {"minimum_life_s": 0}}}
    private.write_bytes(orjson.dumps(merged(live_config(venue.url, tmp_path), own)))
    arguments = {
        "config": [str(ROOT / "user_data" / "config.json"), str(private)],
        "user_data_dir": str(ROOT / "user_data"),
        "strategy": "MarketMaking",
        "strategy_path": str(ROOT / "user_data" / "strategies"),
    }
    running = Worker(arguments, Configuration(arguments, RunMode.LIVE).get_config())
    running._throttle_secs, state = 0, None
    for _ in range(3):
        state = running._worker(state)
    assert len(venue.open_orders()) == 1

    def loop():
        running._worker(state)

    loop.bot = running.freqtrade
    yield loop
    running.freqtrade.cleanup()
    Trade.session.remove()
    for module in (sleep, remembered, patience):
        module.restore()


def seconds_until_gone(venue, loop, oid):
    """Run loops until an order is gone; return how long it took [s]."""
    began = time.monotonic()
    while oid in {order["oid"] for order in venue.open_orders()}:
        assert time.monotonic() - began < 15
        loop()
    return time.monotonic() - began


def test_a_cancel_that_fails_leaves_no_stale_order_for_half_a_minute(venue, worker):
    """Every try of one loop fails; the order is gone after a pause of one second, not of thirty."""
    oid = venue.open_orders()[0]["oid"]
    venue.inject({"fault": "status", "code": 502, "action": "cancel", "times": 5})
    venue.market.mid -= 1.0
    shown(venue)
    assert seconds_until_gone(venue, worker, oid) < 6
    assert strikes(venue) == 5
    worker()
    assert agree(venue)


def test_the_kill_switch_acts_within_three_seconds_of_a_bot_that_sleeps(venue, worker, tmp_path):
    """Said while it sleeps after the failure of every cancel."""
    oid = venue.open_orders()[0]["oid"]
    venue.inject({"fault": "status", "code": 502, "action": "cancel", "times": 5})
    venue.market.mid -= 1.0
    shown(venue)
    worker()  # ends with the pause
    assert strikes(venue) == 5
    write_kill(tmp_path / "state", Kill(1))
    assert patience.RETRY_S + seconds_until_gone(venue, worker, oid) < 3
    worker()
    assert venue.open_orders() == []
    remove_kill(tmp_path / "state")
    worker()
    assert agree(venue)


ASKED_IN_VAIN = (
    {"fault": "status", "code": 500, "info": "orderStatus"},
    {"fault": "unknown", "info": "orderStatus"},
    {"fault": "status", "code": 502, "info": "any"},
)


@pytest.mark.parametrize("fault", ASKED_IN_VAIN, ids=lambda fault: f"{fault['fault']}{fault.get('code', '')}")
def test_stop_cancels_an_order_that_cannot_be_asked_about_and_once(venue, worker, fault):
    """Freqtrade's `/stop` leaves an order that it cannot ask about, and runs no loop any more that could cancel it."""
    before = venue.audit()["actions"]
    venue.inject(fault)
    worker.bot.state = State.STOPPED
    seconds_until_gone(venue, worker, venue.open_orders()[0]["oid"])
    for _ in range(3):
        worker()
    assert venue.audit()["actions"] - before <= 2
    venue.heal()
    worker.bot.state = State.RUNNING
    for _ in range(3):
        worker()
    assert agree(venue)
    assert len(venue.open_orders()) == 1


def test_stop_cancels_the_rest_of_an_order_whose_first_fill_is_small(venue, worker):
    """Freqtrade keeps it, as the 5 USDC that are filled could not be sold by themselves."""
    fill(venue, 0.0017)
    worker.bot.state = State.STOPPED
    seconds_until_gone(venue, worker, venue.open_orders()[0]["oid"])


def test_stop_outlives_a_question_that_fails_after_the_cancellation(venue, worker, monkeypatch):
    """Freqtrade ends with it, as if by a fault of its own; the bot stays stopped."""
    client = worker.bot.exchange._api
    stock = client.cancel_order

    def cancel_order(*arguments, **more):
        answer = stock(*arguments, **more)
        venue.inject({"fault": "status", "code": 500, "info": "orderStatus"})
        return answer

    monkeypatch.setattr(client, "cancel_order", cancel_order)
    worker.bot.state = State.STOPPED
    for _ in range(3):
        worker()
    assert venue.open_orders() == []
    assert strikes(venue) > 0
