"""What people tell a bot holds on every leg and over a restart, until they say otherwise."""

import inspect
import subprocess
import sys
import time
from math import nan

import orjson
import pytest
from freqtrade.configuration import Configuration
from freqtrade.enums import RunMode, State
from freqtrade.exceptions import OperationalException
from freqtrade.persistence import Trade
from freqtrade.rpc import RPC
from freqtrade.worker import Worker

from market_making.market.sides import Direction, Sides
from market_making.quoting.quote import Quote, Quotes
from market_making.quoting.terms import Terms
from market_making.safety.kill_switch import Kill, remove_kill, write_kill
from market_making.safety.standing import Standing, read_standing
from market_making.trading.freqtrade.edge import remembered
from tests.live_bot import ROOT, merged
from tests.puppet_market import ADDRESS, live_config, parameters

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::Warning")]
NAME = "market-making"


@pytest.fixture(autouse=True)
def _stock_worker():
    """What is replaced is an attribute of a class, which outlives a bot."""
    yield
    remembered.restore()


@pytest.fixture
def begin(venue, tmp_path):
    """Start a worker with the market maker, which prefers to add; the one before is ended as by a kill."""
    workers = []

    def start():
        parameters(valid_until_ms=int(time.time() * 1e3) + 600_000).write(tmp_path / "parameters")
        private = tmp_path / "private.json"
        unhurried = {"market_making": {"edge": {"pace": False}}}  # a bot that starts again and again would have to wait
        private.write_bytes(orjson.dumps(merged(live_config(venue.url, tmp_path), unhurried)))
        arguments = {
            "config": [str(ROOT / "user_data" / "config.json"), str(private)],
            "user_data_dir": str(ROOT / "user_data"),
            "strategy": "MarketMaking",
            "strategy_path": str(ROOT / "user_data" / "strategies"),
        }
        worker = Worker(arguments, Configuration(arguments, RunMode.LIVE).get_config())
        worker._throttle_secs = 0
        worker.freqtrade.strategy.quoter = lambda: (
            lambda *_: Quotes(Sides(bid=Quote(nan, Terms(level=0.5)), ask=Quote(nan, Terms(level=2.0))))
        )
        workers.append(worker)
        return worker

    yield start
    for worker in workers:
        worker.freqtrade.config["cancel_open_orders_on_exit"] = False
        worker.freqtrade.cleanup()
    if workers:
        Trade.session.remove()


class Told:
    """A worker that is told something, one loop at a time."""

    def __init__(self, worker):
        self.worker, self.bot, self.rpc = worker, worker.freqtrade, RPC(worker.freqtrade)
        self._state = None

    def loops(self, count=1):
        for _ in range(count):
            self._state = self.worker._worker(self._state)


def sides(venue):
    return [order["side"] for order in venue.open_orders()]


def wait_for(condition):
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def sell_to(venue):
    """Let somebody sell through every bid."""
    before = venue.open_orders()
    venue.market.print_trade(Direction.SELL, 2990.0, 10.0)
    wait_for(lambda: venue.open_orders() != before)


def test_freqtrade_calls_its_worker_once_a_loop_with_the_state_before():
    """The override stands in the place of this method, whose class outlives a bot."""
    assert list(inspect.signature(Worker._worker).parameters) == ["self", "old_state"]
    assert inspect.getsource(Worker.run).count("self._worker(old_state=state)") == 1
    # An earlier bot of this process may have left its override in the class, so the file is read.
    assert "state = self.freqtrade.state" in inspect.getsource(inspect.getmodule(Worker))
    begin = inspect.getsource(Worker._init)
    assert "FreqtradeBot(self._config)" in begin


def test_stop_holds_over_a_restart_until_start(begin, venue, tmp_path):
    """Nothing rests, the next process begins stopped, and `/start` is all it takes."""
    told = Told(begin())
    told.loops(2)
    assert sides(venue) == ["B"]
    told.rpc._rpc_stop()
    told.loops()
    assert sides(venue) == []
    assert read_standing(tmp_path / "state", NAME) is Standing.STOPPED
    again = Told(begin())
    assert again.bot.state is State.STOPPED
    again.loops(2)
    assert sides(venue) == []
    again.rpc._rpc_start()
    again.loops(2)
    assert sides(venue) == ["B"]
    assert read_standing(tmp_path / "state", NAME) is Standing.RUNNING


def test_stopentry_cancels_what_would_open_and_offers_what_is_held(begin, venue, tmp_path):
    """In the next loop, also after a restart; `/start` lets it open again."""
    told = Told(begin())
    told.loops(2)
    assert sides(venue) == ["B"]
    told.rpc._rpc_pause()
    told.loops()
    assert sides(venue) == []
    told.rpc._rpc_start()
    told.loops(2)
    sell_to(venue)
    told.rpc._rpc_pause()
    told.loops(2)
    assert sides(venue) == ["A"]
    again = Told(begin())
    assert again.bot.state is State.PAUSED
    again.loops(2)
    assert sides(venue) == ["A"]


def test_forceexit_leaves_although_an_addition_rests(begin, venue):
    """Freqtrade only cancels the addition; it stays cancelled, the position is offered, also by the next process."""
    told = Told(begin())
    told.loops(2)
    sell_to(venue)
    told.loops(2)
    assert sides(venue) == ["B"]
    told.rpc._rpc_force_exit("all")
    assert sides(venue) == []
    told.loops(2)
    assert sides(venue) == ["A"]
    venue.market.mid = 2999.0
    again = Told(begin())
    again.loops(2)
    assert sides(venue) == ["A"]
    assert float(venue.open_orders()[0]["limitPx"]) == 2999.1
    venue.market.print_trade(Direction.BUY, 3010.0, 10.0)
    wait_for(lambda: not venue.audit()["positions"])
    again.loops(2)
    assert sides(venue) == ["B"]


def test_the_kill_switch_cancels_everything_and_flatten_offers_the_position(begin, venue, tmp_path):
    """In the next loop; only its removal ends it."""
    told = Told(begin())
    told.loops(2)
    sell_to(venue)
    told.loops(2)
    assert sides(venue) == ["B"]
    write_kill(tmp_path / "state", Kill(1))
    told.loops()
    assert sides(venue) == []
    write_kill(tmp_path / "state", Kill(1, flatten=True))
    told.loops(2)
    assert sides(venue) == ["A"]
    (tmp_path / "state" / "kill").write_bytes(b"torn")
    again = Told(begin())
    again.loops(2)
    assert sides(venue) == []
    remove_kill(tmp_path / "state")
    again.loops(2)
    assert sides(venue) == ["B"]


def test_a_second_process_on_the_account_does_not_start(begin, venue, tmp_path):
    """And leaves the orders of the first alone, although both know them from the same database."""
    hold = "import sys\nfrom pathlib import Path\nfrom market_making.safety.account_lock import take_account\n"
    hold += "take_account(Path(sys.argv[1]), sys.argv[2]); print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", hold, str(tmp_path / "state"), ADDRESS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        with pytest.raises(OperationalException, match=f"process {other.pid}, started"):
            begin()
        assert [asked.kind for asked in venue.asked if asked.path == "/exchange"] == []
        other.kill()
    told = Told(begin())
    told.loops(2)
    assert sides(venue) == ["B"]
