"""Plays one schedule: a stock bot in live mode on the local venue beside `mm guard`, restarted as a supervisor does."""

import json
import resource
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import requests

from market_making.hyperliquid.shared_bucket import BURST, SharedBucket, bucket_path
from market_making.market.sides import Direction
from market_making.venue.faults.document import Faults
from tests.live_bot import merged
from tests.puppet_market import PuppetMarket, VenueThread, live_config, parameters
from tests.schedules.books import Unknown, Watcher
from tests.schedules.drawing import EXCHANGE_KINDS, Kind, Plan, Stage, Target, draw
from tests.schedules.forge import Forge
from tests.schedules.programs import STRATEGY, Programs

# What is promised: nothing unknown after the exchange answers again, or after only the bot fell ill [s].
AFTER_EXCHANGE_S, AFTER_BOT_S = 5.0, 10.0
_START_S, _PREPARE_S, _AIM_S, _SETTLE_S, _CALM_S = 60.0, 30.0, 25.0, 25.0, 3.0
_MOVES_S, _CLOSE = 2.5, 0.6  # s, USDC
_LOT = {1: 100.0, 3: 150.0}  # USDC by leverage; less is refused at leverage 3


@dataclass(frozen=True)
class Outcome:
    """What became of one schedule.

    Parameters
    ----------
    failures : tuple of str
        What was promised and not kept.
    clean_s : float
        From the moment the promise counts from to the end of the last unknown thing [s]; 0 if there was none.
    unknown : tuple of Unknown
        Everything unknown for longer than a healthy bot takes.
    usdc_seconds : float
        |account − books| × time [USDC·s].
    is_hit : bool
        Whether the fault struck what it was aimed at.
    """

    seed: int
    name: str
    failures: tuple[str, ...] = ()
    clean_s: float = 0.0
    unknown: tuple[Unknown, ...] = ()
    usdc_seconds: float = 0.0
    is_hit: bool = True
    is_quoting: bool = False
    restarts: int = 0
    took_s: float = 0.0


class NotReached(Exception):
    """A schedule did not come to its fault."""


def play(forge: Forge, seed: int, folder: Path) -> Outcome:
    """Play the schedule of a seed; everything is written to `folder`, which is emptied before."""
    plan, began_s = draw(seed), time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with VenueThread(PuppetMarket(), faults=Faults()) as venue:
        player = Player(plan, venue, folder)
        player.configure()
        programs = player.programs = Programs(forge, folder)
        try:
            player.play()
        except NotReached as error:
            player.failures.append(str(error))
            player.is_hit = False
        finally:
            programs.close()
            player.watcher.close()
        return player.outcome(time.monotonic() - began_s)


class Player:
    """One schedule on one venue."""

    programs: Programs

    def __init__(self, plan: Plan, venue: VenueThread, folder: Path) -> None:
        self.plan, self.venue, self.folder = plan, venue, folder
        self.database = folder / "trades.sqlite"
        self.watcher = Watcher(venue, self.database)
        self.failures: list[str] = []
        self.is_hit = True
        self._chance = Random(plan.seed)
        self._struck_s = self._healed_s = float("nan")
        self._is_quoting = False
        self._traded: set[int] = set()
        self._moved_s = float("-inf")

    def configure(self) -> None:
        """Write configuration and parameters."""
        plan = self.plan
        changes = {
            "market_making": {
                "sides": "short_only" if plan.is_short else "long_only",
                "leverage": plan.leverage,
                "model": {"order_notional": _LOT[plan.leverage]},
                "edge": {"socket": plan.has_socket},
            }
        }
        config = merged(live_config(self.venue.url, self.folder), changes)
        (self.folder / "private.json").write_text(json.dumps(config))
        (self.folder / "Aimed.py").write_text(STRATEGY.format(aim=self.folder / "aim"))
        self._favour("")
        parameters(valid_until_ms=int(time.time() * 1e3) + 3_600_000).write(self.folder / "parameters")

    def play(self) -> None:
        """Come to the fault, let it strike, heal, and wait until all is well or the time is over."""
        self._wait(lambda: bool(self._orders()), _START_S, "a first quote")
        self._prepare()
        self._strike()
        self._heal()
        self._settle()

    def outcome(self, took_s: float) -> Outcome:
        """What the watcher has seen, held against what is promised."""
        unknown, counts_from_s = self.watcher.lasting(time.monotonic()), self._counts_from_s()
        late = [each for each in unknown if each.ended_s > counts_from_s + self._allowed_s()]
        failures = [
            *self.failures,
            *(f"{each.what} unknown until {each.ended_s - counts_from_s:.1f} s after the fault" for each in late),
            *(f"{what} unknown at the end" for what in self.watcher.now),
        ]
        return Outcome(
            seed=self.plan.seed,
            name=self.plan.name,
            failures=tuple(failures),
            clean_s=max((each.ended_s - counts_from_s for each in unknown), default=0.0),
            unknown=tuple(unknown),
            usdc_seconds=self.watcher.usdc_seconds,
            is_hit=self.is_hit,
            is_quoting=self._is_quoting,
            restarts=self.programs.restarts,
            took_s=took_s,
        )

    def _counts_from_s(self) -> float:
        """The moment from which the promise for the exchange counts; that for the bot where only it is ill."""
        return self._healed_s if self._is_exchange_ill else self._struck_s

    def _allowed_s(self) -> float:
        """For how long after that something may be unknown; a bot that is ill too has its own time."""
        if not self._is_exchange_ill:
            return AFTER_BOT_S
        is_bot_ill = self.plan.kind not in EXCHANGE_KINDS
        return max(AFTER_EXCHANGE_S, self._struck_s + AFTER_BOT_S - self._healed_s if is_bot_ill else 0.0)

    @property
    def _is_exchange_ill(self) -> bool:
        return self.plan.kind in EXCHANGE_KINDS or bool(self.plan.noise)

    # --- the way to the fault

    def _prepare(self) -> None:
        """Come to the order that is aimed at, with the weight of requests that a bot has which has run for a minute."""
        plan = self.plan
        if plan.target in (Target.ADDITION, Target.EXIT):
            self._wait(self._has_entered, _PREPARE_S, "a position")
            self._favour_aimed()
            self._wait(self._rests_aimed, _PREPARE_S, f"an order that is the {plan.target}")
        self._favour_aimed()  # also after the first fill of an entry: what follows grows the position, too
        SharedBucket(bucket_path(self.folder / "state", self.venue.url)).charge(-BURST)
        if plan.first_fill is not None:
            self._print(plan.first_fill / self.venue.market.mid)
            self._wait_quietly(self._is_partly_filled, 2.0)

    def _has_entered(self) -> bool:
        """Let somebody fill the entry, once for each order, until it stands in the books."""
        for order in self._orders():
            if order["oid"] not in self._traded and not self.venue.audit()["positions"]:
                self._traded.add(order["oid"])
                direction, price = (Direction.SELL, 2900.0) if order["side"] == "B" else (Direction.BUY, 3100.0)
                self.venue.market.print_trade(direction, price, 10.0)
        return bool(self.venue.audit()["positions"])

    def _rests_aimed(self) -> bool:
        letter = "B" if self.plan.side == "buy" else "A"
        return any(order["side"] == letter for order in self._orders())

    def _is_partly_filled(self) -> bool:
        return any(float(order["sz"]) < float(order["origSz"]) for order in self._orders())

    # --- the fault

    def _strike(self) -> None:
        match self.plan.kind:
            case Kind.KILL:
                self._kill()
            case Kind.STOP:
                self._freeze()
            case Kind.DISK:
                self._fill_disk()
            case Kind.LOST | Kind.LATE | Kind.DOUBLED:
                self._spoil_answers()
            case Kind.OUTAGE | Kind.CLOCK:
                self.venue.inject(*self.plan.faults)
                self._struck()
                self._pass(self.plan.seconds)

    def _kill(self) -> None:
        self.venue.inject(*self.plan.faults)
        self._aim(self._reached())
        if self.plan.stage is Stage.ANSWERED:
            time.sleep(self._chance.uniform(0.0, 0.3 if self.plan.target is Target.ADDITION else 0.03))
        self.programs.bot.kill()
        self._struck()
        self._pass(self.plan.filled_after_s + 1.0)

    def _reached(self) -> Callable[[], bool]:
        """What shows that the stage is reached."""
        known, places = {order["oid"] for order in self._orders()}, self._count_places()
        if self.plan.faults:
            return lambda: bool(self._strikes())
        if self.plan.stage is Stage.ASKED:
            return lambda: self._count_places() > places
        if self.plan.stage is Stage.ANSWERED:
            return lambda: any(order["oid"] not in known for order in self._orders())
        return lambda: self._booked(known)

    def _struck(self) -> None:
        """From now on the fault is there; so is the noise around it."""
        self._struck_s = time.monotonic()
        self.venue.inject(*self.plan.noise)

    def _freeze(self) -> None:
        """Stop the bot at a random moment of a moving market, so that the middle of a create may be hit."""
        until_s = time.monotonic() + self._chance.uniform(0.0, 2.0)
        self._move()
        self._wait_quietly(lambda: time.monotonic() > until_s, 3.0)
        self.programs.bot.suspend()
        self._struck()
        self._pass(self.plan.seconds)
        self.programs.bot.resume()

    def _fill_disk(self) -> None:
        """From the middle of a create on the bot can write nothing; what is started anew finds room again."""
        self.venue.inject(*self.plan.faults)
        self._aim(self._reached())
        bot = self.programs.bot.pid
        limits = resource.prlimit(bot, resource.RLIMIT_FSIZE)
        resource.prlimit(bot, resource.RLIMIT_FSIZE, (0, limits[1]))
        self._struck()
        self._pass(self.plan.seconds, is_moving=True)
        with suppress(ProcessLookupError):
            resource.prlimit(bot, resource.RLIMIT_FSIZE, limits)

    def _spoil_answers(self) -> None:
        self.venue.inject(*self.plan.faults)
        self._aim(self._reached())
        self._struck()
        late_s = max(fault.get("seconds", 0.0) for fault in self.plan.faults)
        self._pass(max(late_s, self.plan.filled_after_s + 1.0))

    def _aim(self, reached: Callable[[], bool]) -> None:
        """Let the bot move its order until something is reached."""
        until_s = time.monotonic() + _AIM_S
        while not reached():
            if time.monotonic() > until_s:
                raise NotReached(f"the {self.plan.target} was not hit")
            self._move()
            self.programs.tend()
            time.sleep(0.003)

    def _pass(self, seconds: float, *, is_moving: bool = False) -> None:
        """Let time go by; somebody may trade through everything that rests."""
        began_s, is_filled = time.monotonic(), not self.plan.is_filled
        while time.monotonic() - began_s < seconds:
            if not is_filled and time.monotonic() - began_s > self.plan.filled_after_s:
                self._print(10.0)
                is_filled = True
            if is_moving:
                self._move()
            self.programs.tend()
            time.sleep(0.05)

    def _heal(self) -> None:
        self._favour("")
        self.venue.heal()
        self._healed_s = time.monotonic()

    def _settle(self) -> None:
        """Wait until nothing is unknown for some time and the bot quotes, or the time is over."""
        began_s, calm_s, least_s = time.monotonic(), time.monotonic(), self._allowed_s() - 2.0
        while time.monotonic() - began_s < _SETTLE_S:
            self.programs.tend()
            if not self.watcher.is_clean():
                calm_s = time.monotonic()
            self._is_quoting = bool(self._orders())
            is_calm = time.monotonic() - calm_s > _CALM_S and time.monotonic() - self._healed_s > least_s
            if is_calm and (self._is_quoting or time.monotonic() - began_s > 2 * least_s):
                return
            time.sleep(0.1)

    # --- hands and eyes

    def _favour_aimed(self) -> None:
        self._favour("bid" if self.plan.side == "buy" else "ask")

    def _favour(self, side: str) -> None:
        """Let the model quote one side only; empty for both."""
        (self.folder / "aim").write_text(side)

    def _print(self, size: float) -> None:
        """Somebody trades through what rests, from both sides."""
        for direction, price in ((Direction.SELL, 2900.0), (Direction.BUY, 3100.0)):
            self.venue.market.print_trade(direction, price, size)

    def _move(self) -> None:
        """Now and then let mid come too close to the order that is aimed at, but never to its price."""
        if time.monotonic() - self._moved_s < _MOVES_S:
            return
        self._moved_s = time.monotonic()
        letter, away = ("B", 1) if self.plan.side == "buy" else ("A", -1)
        for order in self._orders():
            if order["side"] == letter:
                self.venue.market.mid = round(float(order["limitPx"]) + away * _CLOSE, 1)

    def _orders(self) -> list[dict[str, Any]]:
        return self.venue.open_orders()

    def _strikes(self) -> list[dict[str, Any]]:
        struck = requests.get(f"{self.venue.url}/faults", timeout=5).json()["strikes"]
        wanted = {fault["fault"] for fault in self.plan.faults}
        return [strike for strike in struck if strike["fault"] in wanted and strike["kind"] in ("order", "cancel")]

    def _count_places(self) -> int:
        return sum(path.read_bytes().count(b'"event":"place"') for path in (self.folder / "decisions").glob("*.jsonl"))

    def _booked(self, known: set[int]) -> bool:
        """Whether the database has an order that did not rest before."""
        with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            newest = connection.execute("SELECT max(CAST(order_id AS INTEGER)) FROM orders").fetchone()[0]
            return newest is not None and newest > max(known, default=0)
        return False

    def _wait(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        if not self._wait_quietly(condition, seconds):
            raise NotReached(f"{what} was not reached within {seconds:g} s")

    def _wait_quietly(self, condition: Callable[[], bool], seconds: float) -> bool:
        until_s = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until_s:
                return False
            self.programs.tend()
            time.sleep(0.1)
        return True
