"""From the best quote's message to the arrival of the cancel: `mm guard` beside a client that looks once a second.

Usage: ``python benchmarks/guard_latency.py [TRIALS]``. The local venue runs in this process without any latency of its
own, the guard in another one, as a user starts it. In each trial a bid is placed, mid falls next to it, and the venue
notes when it has sent the best quote that shows it and when the cancel takes effect. The baseline asks for the book by
REST once a second, as a bot does, and cancels through the official SDK at the first book that shows it.
"""

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from eth_account import Account
from freqtrade.persistence import init_db
from hyperliquid.exchange import Exchange
from hyperliquid.info import Info

from market_making.hyperliquid.actions import CancelOrders
from market_making.safety.state_file import BotState, PairState, QuoteState, RestingState, read_state, write_state
from market_making.venue.config import AccountConfig, VenueConfig
from market_making.venue.protocol.action_desk import ActionDesk
from market_making.venue.protocol.connection import Connection
from market_making.venue.server import LocalVenue

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.puppet_market import ADDRESS, KEY, PuppetMarket, parameters

COIN, PAIR, NAME = "ETH", "ETH/USDC:USDC", "maker"
MID, CLOSE_MID, BID, SIZE, SIGMA = 3000.0, 2999.5, 2999.0, 0.0333, 0.3
BASELINE_TRIALS, LOOP_S, PATIENCE_S, START_S = 15, 1.0, 10.0, 60.0


@dataclass
class Clock:
    """When the venue sent the quote that shows the fall, and when a cancel took effect [s]."""

    told_s: float = 0.0
    cancelled_s: float = 0.0
    cancels: int = 0
    double: int = 0
    ended: set[int] = field(default_factory=set)


def watch(clock: Clock) -> None:
    """Let the venue note what matters."""
    send, execute = Connection.send, ActionDesk.execute

    def noted_send(self, message):
        if not clock.told_s and b'"bbo"' in message and str(CLOSE_MID - 0.1).encode() in message:
            clock.told_s = time.perf_counter()
        send(self, message)

    def noted_execute(self, account, action):
        if isinstance(action, CancelOrders):
            clock.cancelled_s = time.perf_counter()
            oids = {cancel.key for cancel in action.cancels}
            clock.double += len(oids & clock.ended)
            clock.ended |= oids
            clock.cancels += len(action.cancels)
        return execute(self, account, action)

    Connection.send, ActionDesk.execute = noted_send, noted_execute


class Bench:
    """The venue in a thread, and what a bot would have written."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.market, self.clock, self.url = folder, PuppetMarket(MID), Clock(), ""
        self._ready, self._loops = threading.Event(), 0
        self._resting: RestingState | None = None
        self._stopped = threading.Event()
        watch(self.clock)
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()
        self._ready.wait(30)
        self.exchange = Exchange(Account.from_key(KEY), self.url, account_address=ADDRESS)
        init_db(f"sqlite:///{folder}/trades.sqlite")
        parameters(valid_until_ms=int(time.time() * 1e3) + 86_400_000).write(folder / "parameters")
        threading.Thread(target=self._speak, daemon=True).start()

    async def _serve(self) -> None:
        config = VenueConfig(accounts=(AccountConfig(ADDRESS),), history_s=60, free_actions=10**7)
        self.url = await LocalVenue(self.market, config).start()
        self._ready.set()
        await asyncio.Event().wait()

    def _speak(self) -> None:
        """Write the state file of a bot four times a second."""
        while not self._stopped.wait(0.25):
            self._loops += 1
            now_ms = int(time.time() * 1e3)
            pair = PairState(
                PAIR, COIN, quoting=True, mid=MID, volatility=SIGMA, resting=self._resting,
                bid=QuoteState(BID, MID - BID, 1.0), ask=QuoteState(MID + 1, 1.0, 1.0),
            )  # fmt: skip
            state = BotState(NAME, "1", os.getpid(), "live", "", now_ms, now_ms, self._loops, 1.0, pairs=(pair,))
            write_state(self.folder / "state", NAME, state)

    def stop(self) -> None:
        """Write no state any more."""
        self._stopped.set()

    def best_bid(self) -> float:
        """As REST tells it."""
        return float(self.exchange.info.l2_snapshot(COIN)["levels"][0][0]["px"])

    def trial(self, react: Callable[[int], None]) -> float:
        """Seconds from the message to the cancel."""
        self.market.mid = MID
        wait(lambda: self.best_bid() > CLOSE_MID, "the market does not come back")
        answer = self.exchange.order(COIN, True, SIZE, BID, {"limit": {"tif": "Alo"}})
        oid = int(answer["response"]["data"]["statuses"][0]["resting"]["oid"])
        self._resting = RestingState("bid", BID, SIZE, 0.0, str(oid), 0, planned_mid=MID)
        time.sleep(0.5)  # the guard reads the state file five times a second
        self.clock.told_s = self.clock.cancelled_s = 0.0
        self.market.mid = CLOSE_MID
        react(oid)
        wait(lambda: self.clock.cancelled_s > 0, "no cancel")
        return self.clock.cancelled_s - self.clock.told_s


def wait(condition: Callable[[], bool], what: str, within_s: float = PATIENCE_S) -> None:
    """Until something holds."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(what)
        time.sleep(0.005)


def looking_once_a_second(bench: Bench) -> Callable[[int], None]:
    """The baseline: ask for the book, and cancel through the SDK."""

    def react(oid: int) -> None:
        time.sleep(np.random.default_rng(oid).uniform(0, LOOP_S))  # somewhere within the loop
        while bench.best_bid() > CLOSE_MID:
            time.sleep(LOOP_S)
        bench.exchange.cancel(COIN, oid)

    return react


def start_guard(bench: Bench) -> subprocess.Popen[bytes]:
    """`mm guard`, as a user starts it."""
    config = {
        "bot_name": NAME,
        "dry_run": False,
        "db_url": f"sqlite:///{bench.folder}/trades.sqlite",
        "exchange": {"name": "hyperliquid", "walletAddress": ADDRESS, "privateKey": KEY, "pair_whitelist": [PAIR]},
        "market_making": {"url": bench.url}
        | {name: str(bench.folder / name) for name in ("state", "parameters", "decisions")},
    }
    (bench.folder / "config.json").write_text(json.dumps(config))
    command = [sys.executable, "-m", "market_making.ops", "guard", "-c", str(bench.folder / "config.json")]
    output = (bench.folder / "guard.log").open("wb")
    process = subprocess.Popen(command, stdout=output, stderr=output, env=os.environ | {"NO_PROXY": "127.0.0.1"})
    path = bench.folder / "state" / "guard.json"
    wait(lambda: path.exists() and read_state(path).figures.get("sockets") == 1, "the guard does not start", START_S)
    return process


def main() -> None:
    os.environ["NO_PROXY"] = "127.0.0.1"
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        listener = Info(bench.url)  # the venue only sends best quotes to somebody
        listener.subscribe({"type": "bbo", "coin": COIN}, lambda _: None)
        baseline = [bench.trial(looking_once_a_second(bench)) for _ in range(BASELINE_TRIALS)]
        guard = start_guard(bench)
        before = bench.clock.cancels
        took = np.array([bench.trial(lambda _: None) for _ in range(trials)])
        guard.send_signal(signal.SIGTERM)
        guard.wait(20)
        listener.disconnect_websocket()
        bench.stop()
    median, longest = statistics.median(baseline), max(baseline)
    print(f"looks once a second   median {median * 1e3:6.0f} ms   longest {longest * 1e3:6.0f} ms   of {len(baseline)}")
    print(
        f"mm guard              median {np.median(took) * 1e3:6.1f} ms   p99 {np.quantile(took, 0.99) * 1e3:6.1f} ms   "
        f"longest {took.max() * 1e3:6.1f} ms   of {len(took)}"
    )
    print(f"ratio of the medians  {median / np.median(took):.0f}")
    print(f"cancels of the guard  {bench.clock.cancels - before}, of them {bench.clock.double} of orders already gone")


if __name__ == "__main__":
    main()
