"""`mm guard --drill`: a stock bot on the local exchange is frozen, killed and stopped; the guard must cancel in time.

Everything is real but the exchange: signed orders, sockets, Freqtrade's database, the state files.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import requests
from eth_account import Account
from hyperliquid.exchange import Exchange

from market_making.ops.demo.files import ApiAccess, write_config
from market_making.ops.demo.processes import ProcessFailed, Programs
from market_making.ops.demo.run import CONFIGS, Demo, DemoOptions
from market_making.ops.demo.schedule import Schedule
from market_making.safety.guard_record import NAME as GUARD
from market_making.safety.kill_switch import Kill, remove_kill, write_kill
from market_making.safety.state_file import BotState, SidecarState, read_states

_FAR = 0.8  # of mid: where an order is placed that nobody shall fill
_FAR_BPS = 80.0
_ORDER_USDC = 20.0
_QUIET_S = 20.0
_WRITTEN_S = 2.0
_POLL_S, _SELDOM_S = 0.02, 0.25
_SILENT, _UNKNOWN, _KILLED = "bot_silent", "order_unknown", "kill_switch"


class Step(NamedTuple):
    """One thing that goes wrong: how long its orders rested on [s], and how long they may."""

    name: str
    took_s: float | None
    limit_s: float
    passed: bool
    detail: str = ""


@dataclass(frozen=True)
class _Patience:
    """How long the guard may take [s]."""

    frozen_s: float = 5.0
    unknown_s: float = 5.0
    killed_s: float = 3.0


class Drill(Demo):
    """One rehearsal.

    Parameters
    ----------
    report : Callable[[str, float], None]
        Told what is being done.
    root : Path
        Where the run keeps its data.
    """

    def __init__(self, report: Callable[[str, float], None], root: Path = Path("user_data/demo")) -> None:
        super().__init__(DemoOptions(Schedule(1.0), ("ETH",), root=root), report)
        self.steps: list[Step] = []
        self._limits = _Patience()

    def _write_config(self) -> None:
        """Quotes that nobody fills, and no quote guard: what rests is there until it is cancelled for the rehearsal."""
        access = ApiAccess(self._url, self.api_port)
        far = {"minimum_half_spread_bps": _FAR_BPS, "maximum_half_spread_bps": _FAR_BPS}
        changes = {"sides": "alternate", "quote": far, "guard": {"quotes": False}}
        write_config(self.files, self.credentials, self.options.coins, access, changes)

    def _trade(self, programs: Programs) -> None:
        """Rehearse instead of trading on."""
        self._start_guard(programs)
        for number, step in enumerate(
            (self._quiet, self._frozen, self._unknown, self._killed, self._killed_while_frozen, self._guard_anew)
        ):
            programs.check()
            self._report(f"rehearsing: {(step.__doc__ or '').rstrip('.')}", number / 6)
            self.steps.append(step(programs))
        self.seen.failures += [f"{step.name}: {step.detail}" for step in self.steps if not step.passed]

    def _wind_down(self, programs: Programs, api: Any) -> None:  # noqa: ARG002 - as of the demo
        programs.stop(GUARD)
        programs.stop("freqtrade")

    def _start_guard(self, programs: Programs) -> None:
        command = [sys.executable, "-m", "market_making.ops", "guard"]
        programs.start(GUARD, [*command, *(f"--config={path}" for path in (*CONFIGS, self.files.config))])
        self._wait(programs, lambda: self._guard_sees() or None, "the guard")

    def _quiet(self, programs: Programs) -> Step:
        """A bot that quotes is left alone."""
        self._wait(programs, lambda: self._open_orders() or None, "a quote")
        before = self._reasons()
        time.sleep(_QUIET_S)
        after = self._reasons()
        wrong = {name: number for name, number in after.items() if number != before.get(name)}
        detail = f"false cancels: {wrong}" if wrong else f"no false cancel in {_QUIET_S:.0f} s"
        return Step("a bot that quotes", None, _QUIET_S, not wrong, detail)

    def _frozen(self, programs: Programs) -> Step:
        """The bot freezes."""
        with self._frozen_bot(programs):
            return self._cancelled("frozen", self._limits.frozen_s, _SILENT)

    def _unknown(self, programs: Programs) -> Step:
        """An order appears that no bot knows."""
        self._wait(programs, lambda: self._open_orders() or None, "a quote")
        exchange = Exchange(Account.from_key(self.credentials.private_key), self._url)
        mid = float(exchange.info.all_mids()["ETH"])
        price = float(f"{mid * _FAR:.4g}")
        answer = exchange.order("ETH", True, round(_ORDER_USDC / price, 4), price, {"limit": {"tif": "Alo"}})
        oid = answer["response"]["data"]["statuses"][0]["resting"]["oid"]
        before = self._reasons()
        took_s = self._until(lambda: not self._rests(oid), 2 * self._limits.unknown_s, _SELDOM_S)
        return self._step("unknown order", took_s, self._limits.unknown_s, (_UNKNOWN, before))

    def _killed(self, programs: Programs) -> Step:
        """The kill switch is turned on."""
        self._wait(programs, lambda: self._open_orders() or None, "a quote")
        write_kill(self.files.state, Kill(0, by="drill"))
        try:
            took_s = self._until(lambda: not self._open_orders(), 2 * self._limits.killed_s)
        finally:
            remove_kill(self.files.state)
        return self._step("kill switch", took_s, self._limits.killed_s)

    def _killed_while_frozen(self, programs: Programs) -> Step:
        """The kill switch is turned on while the bot cannot see it."""
        with self._frozen_bot(programs):
            write_kill(self.files.state, Kill(0, by="drill"))
            try:
                return self._cancelled("kill switch, bot frozen", self._limits.killed_s, _KILLED)
            finally:
                remove_kill(self.files.state)

    def _guard_anew(self, programs: Programs) -> Step:
        """The guard starts beside a bot that is frozen already."""
        self._wait(programs, lambda: self._open_orders() or None, "a quote")
        programs.stop(GUARD)
        with self._frozen_bot(programs):
            began = time.monotonic()
            self._start_guard(programs)
            ready_s = time.monotonic() - began
            return self._cancelled("guard started anew", self._limits.frozen_s - min(ready_s, 4.5), _SILENT)

    @contextmanager
    def _frozen_bot(self, programs: Programs) -> Iterator[None]:
        """The bot stopped by a signal while a quote rests; it goes on afterwards."""
        state = self._wait(programs, self._bot_state, "the bot's state file")
        self._wait(programs, lambda: self._open_orders() or None, "a quote")
        os.kill(state.pid, signal.SIGSTOP)
        try:
            if not self._open_orders():  # it was frozen between two quotes
                os.kill(state.pid, signal.SIGCONT)
                self._wait(programs, lambda: self._open_orders() or None, "a quote")
                os.kill(state.pid, signal.SIGSTOP)
            yield
        finally:
            os.kill(state.pid, signal.SIGCONT)

    def _cancelled(self, name: str, limit_s: float, reason: str) -> Step:
        before = self._reasons()
        took_s = self._until(lambda: not self._open_orders(), 3 * limit_s)
        return self._step(name, took_s, limit_s, (reason, before))

    def _step(
        self, name: str, took_s: float | None, limit_s: float, expected: tuple[str, dict[str, int]] | None = None
    ) -> Step:
        """Judge a step; `expected` is the reason the guard must have had, and its counts of before."""
        if took_s is None:
            return Step(name, None, limit_s, False, "the order still rests")
        detail = f"gone after {took_s:.2f} s"
        if expected is not None:
            reason, before = expected
            counted = self._until(lambda: self._reasons().get(reason, 0) > before.get(reason, 0), _WRITTEN_S)
            if counted is None:
                return Step(name, took_s, limit_s, False, f"{detail}, and not by the guard for {reason}")
        return Step(name, took_s, limit_s, took_s <= limit_s, detail)

    def _until(self, condition: Callable[[], bool], within_s: float, poll_s: float = _POLL_S) -> float | None:
        """How long it takes until something holds [s]; None if it does not."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > within_s:
                return None
            time.sleep(poll_s)
        return time.monotonic() - began

    def _open_orders(self) -> int:
        """How many orders rest, by the venue's audit: its protocol counts every question against bot and guard."""
        self._audit()
        return int(self.seen.audit["open_orders"])

    def _rests(self, oid: int) -> bool:
        question = {"type": "orderStatus", "user": self.credentials.address, "oid": oid}
        answer = requests.post(f"{self._url}/info", json=question, timeout=5).json()
        return bool(answer["order"]["status"] == "open")

    def _bot_state(self) -> BotState | None:
        return next((state for state in read_states(self.files.state) if isinstance(state, BotState)), None)

    def _guard_sees(self) -> bool:
        states = [state for state in read_states(self.files.state) if isinstance(state, SidecarState)]
        return any(state.kind == GUARD and not state.stopped and state.figures.get("sockets") for state in states)

    def _reasons(self) -> dict[str, int]:
        """How many cancels of the guard there were for each reason."""
        found: dict[str, int] = {}
        for path in self.files.decisions.glob(f"{GUARD}-*.jsonl"):
            for line in path.read_bytes().splitlines():
                event = orjson.loads(line)
                if event.get("event") == "cancelled":
                    found[event["reason"]] = found.get(event["reason"], 0) + 1
        return found


def rehearsed(report: Callable[[str, float], None]) -> list[Step]:
    """Run the drill and return its steps.

    Raises
    ------
    ProcessFailed
        If it could not be carried out.
    """
    drill = Drill(report)
    seen = drill.run()
    if len(drill.steps) < 6:
        raise ProcessFailed("; ".join(seen.failures) or "the drill was not carried out")
    return drill.steps
