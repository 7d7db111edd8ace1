"""`mm demo --two-sided`: two stock bots on two accounts rest a bid and an ask together, and the guard watches both.

The long leg trades on an account of its own, the short leg on a sub-account of it, each with an API wallet of its own
and configured as Freqtrade documents it: `walletAddress` is the account, `vaultAddress` tells ccxt to sign for it.
"""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import requests

from market_making.ops.demo.files import ApiAccess, Credentials, LegFiles, write_config
from market_making.ops.demo.freqtrade_api import FreqtradeApi
from market_making.ops.demo.leg_samples import LegSamples
from market_making.ops.demo.processes import Programs, free_port
from market_making.ops.demo.run import CONFIGS, Demo, DemoOptions, freqtrade_command
from market_making.ops.demo.schedule import WIND_DOWN_S
from market_making.ops.local_account import ThrowAwayAccount
from market_making.safety.guard_record import NAME as GUARD
from market_making.simulation.known_markets import market_called

LEGS = ("long", "short")
_EVERY_S = 0.2
_REPORT_EVERY_S = 2.0
_FORCED_EXIT_S = 15.0


class Leg(NamedTuple):
    """One leg: its files, its account, and the port of its bot's API."""

    name: str
    files: LegFiles
    credentials: Credentials
    port: int

    @property
    def program(self) -> str:
        """What its process is called."""
        return f"freqtrade-{self.name}"

    @property
    def configs(self) -> tuple[Path, ...]:
        """Its configuration files, the later ones win."""
        return (*CONFIGS, Path(f"user_data/config-{self.name}.json"), self.files.config)

    @contextlib.contextmanager
    def api(self) -> Iterator[FreqtradeApi]:
        """The API of its bot."""
        with contextlib.closing(FreqtradeApi(self.port, "demo", self.credentials.password)) as api:
            yield api


class TwoSidedDemo(Demo):
    """One run.

    Attributes
    ----------
    legs : tuple[Leg, Leg]
        The long and the short leg.
    samples : LegSamples
        What rested on both legs, sampled five times a second.
    audits : dict[str, dict]
        The venue's last account of each leg.
    """

    def __init__(self, options: DemoOptions, report: Callable[[str, float], None]) -> None:
        super().__init__(options, report)
        self._owner = ThrowAwayAccount.new()
        wallets = [ThrowAwayAccount.new() for _ in LEGS]
        subject = ThrowAwayAccount.new().address
        self._wallets = [wallet.address for wallet in wallets]
        addresses, vaults = (self._owner.address, subject), (None, subject)
        self.legs = tuple(
            Leg(
                name,
                LegFiles(self.files.folder, name),
                Credentials(address, wallet.private_key, self.credentials.password, vault),
                port,
            )
            for name, address, wallet, vault, port in zip(
                LEGS, addresses, wallets, vaults, _two_ports(self.api_port), strict=True
            )
        )
        self.samples = LegSamples()
        self.audits: dict[str, dict[str, Any]] = {}

    def _accounts(self) -> list[str]:
        owner, sub = (leg.credentials.address for leg in self.legs)
        agents = [f"--agent={owner}:{wallet}" for wallet in self._wallets]
        return [f"--account={owner}", *agents, f"--sub-account={owner}:{sub}"]

    def _write_config(self) -> None:
        # Both bots cancel at the quote themselves; the guard would send the same cancel a few milliseconds apart.
        changes = self._changes() | {"guard": {"quotes": False}}
        for leg in self.legs:
            write_config(leg.files, leg.credentials, self.options.coins, ApiAccess(self._url, leg.port), changes)

    def _sidecar_configs(self) -> tuple[Path, ...]:
        return self.legs[0].configs

    def _start_bot(self, programs: Programs, api: FreqtradeApi) -> None:  # noqa: ARG002 - each leg has an API
        self._report(f"starting freqtrade trade --strategy {self.options.strategy} twice, and mm guard", 0.0)
        for leg in self.legs:
            self._start_leg(programs, leg)
        bots = [f"--bot={','.join(map(str, leg.configs[len(CONFIGS) :]))}" for leg in self.legs]
        shared = [f"--config={path}" for path in CONFIGS]
        programs.start(GUARD, [sys.executable, "-m", "market_making.ops", "guard", *shared, *bots])
        for leg in self.legs:
            self._wait_for_leg(programs, leg)
        # Two bots that start at once ask for most of what one IP address may within a minute.
        self._wait(programs, lambda: self._all_rest() or None, "a quote of each leg")

    def _start_leg(self, programs: Programs, leg: Leg, *more: Path) -> None:
        programs.start(leg.program, freqtrade_command(self.options.strategy, *leg.configs, *more))

    def _wait_for_leg(self, programs: Programs, leg: Leg) -> None:
        with leg.api() as api:
            self._wait(programs, lambda: api.is_up() or None, f"Freqtrade of the {leg.name} leg")

    def _all_rest(self) -> bool:
        self._audit()
        return all(audit["orders"] for audit in self.audits.values())

    def _trade(self, programs: Programs) -> None:
        total_s = self.options.schedule.minutes * 60
        began = told = time.monotonic()
        while (elapsed := time.monotonic() - began) < total_s:
            self._sample()
            self._during(programs, elapsed)
            if time.monotonic() - told > _REPORT_EVERY_S:
                told = time.monotonic()
                programs.check()
                self._read_parameters()
                self._report(f"trading: {self.samples.in_short()}", elapsed / total_s)
            time.sleep(_EVERY_S)
        self.seen.traded_s = time.monotonic() - began

    def _during(self, programs: Programs, elapsed_s: float) -> None:
        """Nothing happens on purpose while the demo trades."""

    def _sample(self) -> None:
        self._audit()
        self.samples.take(time.time(), self.audits)

    def _audit(self) -> None:
        answer = requests.get(f"{self._url}/audit", params={"orders": "yes"}, timeout=10)
        answer.raise_for_status()
        by_user = {report["user"]: report for report in answer.json()}
        self.audits = {leg.name: by_user[leg.credentials.address.lower()] for leg in self.legs}
        self.seen.audit = self.audits["long"] | {"positions": _held(self.audits)}

    def _wind_down(self, programs: Programs, api: FreqtradeApi) -> None:  # noqa: ARG002 - each leg has an API
        """Leave the market as a careful user would: lock the pairs, let the exit quotes fill, then stop both bots."""
        self._report("winding down: both legs only close what they hold", 1.0)
        with contextlib.ExitStack() as stack:
            apis = [stack.enter_context(leg.api()) for leg in self.legs]
            for each in apis:
                for coin in self.options.coins:
                    each.lock(market_called(coin).pair, "the demo ends")
            if not self._flat_within(programs, WIND_DOWN_S):
                self.seen.forced_exit = True
                for each in apis:
                    each.force_exit()
                self._flat_within(programs, _FORCED_EXIT_S)
        for leg in self.legs:
            self._stop(programs, leg.program)
        programs.stop(GUARD)
        self._audit()


def _held(audits: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Positions of both legs, one beside the other: they do not net."""
    return {f"{leg} {coin}": size for leg, audit in audits.items() for coin, size in audit["positions"].items()}


def _two_ports(first: int) -> tuple[int, int]:
    second = free_port()
    while second == first:
        second = free_port()
    return first, second
