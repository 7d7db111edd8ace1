"""The same market with several ways of trading it, side by side: bots on separate accounts of one local exchange.

All bots run the same strategy from the same calibrations and see the same trades at the same moment. They differ in
what of the edge is switched on, and whether a guard watches them. The exchange is as far away as the real one: a round
trip of 100 ms, and 300 ms until an action takes effect.
"""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import requests

from market_making.market.errors import ConfigurationError
from market_making.ops.demo.files import ApiAccess, Credentials, DemoFiles, write_config
from market_making.ops.demo.processes import ProcessFailed, Programs, free_port
from market_making.ops.demo.run import CONFIGS, Demo, DemoOptions, freqtrade_command
from market_making.settings.edge import EdgeSettings

_EFFECT_MS = 300
_NETWORK = "far-away"
_SAMPLE_S = 1.0
_POLL_S = 0.2
_QUOTES_WITHIN_S = 120.0
# Neither makes a bot faster: without the first ccxt pays its builder, the second only concerns restarts.
_ALWAYS = ("builder_fee", "remembered")


# The default market hardly moves in the seconds that a slow bot needs; this one does, as small coins do.
_VOLATILITY_BPS, _HALF_SPREAD_BPS = 1.5, 3.5


class Variant(NamedTuple):
    """One way of trading: which switches of the edge are on (None: all), and whether a guard watches."""

    name: str
    switches: tuple[str, ...] | None = None
    guarded: bool = False

    @property
    def edge(self) -> dict[str, bool]:
        """The section ``market_making.edge``."""
        wanted = EdgeSettings.model_fields if self.switches is None else (*self.switches, *_ALWAYS)
        return {name: name in wanted for name in EdgeSettings.model_fields}


VARIANTS = (Variant("stock", ()), Variant("edge"), Variant("edge and guard", guarded=True))


@dataclass
class Lane:
    """One bot: its variant, account and files, and what was seen of it.

    `equity` are pairs of time [s, from the beginning] and value of the account [USDC]; `first` and `last` are the
    venue's audits between which it is judged.
    """

    variant: Variant
    files: DemoFiles
    credentials: Credentials
    overrides: Path
    equity: list[tuple[float, float]] = field(default_factory=list)
    first: dict[str, Any] = field(default_factory=dict)
    last: dict[str, Any] = field(default_factory=dict)
    fills: list[dict[str, Any]] = field(default_factory=list)

    @property
    def slug(self) -> str:
        """The name as part of a file name."""
        return self.variant.name.replace(" ", "-")

    @property
    def configs(self) -> tuple[Path, ...]:
        """Its configuration files."""
        return (*CONFIGS, self.files.config, self.overrides)


class Comparison(Demo):
    """One run of all variants.

    Parameters
    ----------
    options : DemoOptions
        With one coin.
    report : Callable[[str, float], None]
        Told what is being done.
    variants : tuple[Variant, ...]
        What is compared; the first is the baseline.
    volatility_bps : float or None
        Diffusion of the simulated mid [bps/√s]; None leaves the coin's own.
    quote : Mapping[str, Any] or None
        Changes to the section `quote`, for all.
    """

    def __init__(
        self,
        options: DemoOptions,
        report: Callable[[str, float], None],
        variants: tuple[Variant, ...] = VARIANTS,
        *,
        volatility_bps: float | None = None,
        quote: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(options, report)
        self._volatility_bps, self._quote = volatility_bps, dict(quote or {})
        self.lanes = [self._lane(variant) for variant in variants]

    def _lane(self, variant: Variant) -> Lane:
        folder = self.files.folder / variant.name.replace(" ", "-")
        folder.mkdir()
        return Lane(variant, DemoFiles(folder), Credentials.throw_away(), folder / "overrides.json")

    def _accounts(self) -> list[str]:
        options = [f"--account={lane.credentials.address}" for lane in self.lanes]
        # Each bot stands for one on a machine, and with an IP address, of its own.
        options += [f"--latency-ms={_EFFECT_MS}", "--weight-limit=0", f"--faults={_NETWORK}"]
        if self.options.recording is None and self._volatility_bps is not None:
            options += [f"--volatility-bps={self._volatility_bps:g}"]
        return options

    def _write_config(self) -> None:
        super()._write_config()
        shared = {"market_data": str(self.files.market_data), "parameters": str(self.files.parameters)}
        for lane in self.lanes:
            access = ApiAccess(self._url, free_port())
            write_config(lane.files, lane.credentials, self.options.coins, access, {**self._changes(), **shared})
            section = {"edge": lane.variant.edge, "quote": self._quote}
            # Without the pace ccxt keeps to the limit that it knows for this exchange.
            exchange = {"ccxt_config": {"rateLimit": 50}}
            lane.overrides.write_bytes(orjson.dumps({"exchange": exchange, "market_making": section}))

    def _start_bot(self, programs: Programs, _: Any) -> None:
        self._report(f"starting {len(self.lanes)} bots", 0.0)
        for lane in self.lanes:
            programs.start(f"freqtrade-{lane.slug}", freqtrade_command(self.options.strategy, *lane.configs))
        deadline = time.monotonic() + _QUOTES_WITHIN_S
        while missing := [lane.variant.name for lane in self.lanes if not self._audit_of(lane)["orders_placed"]]:
            programs.check()
            if time.monotonic() > deadline:
                raise ProcessFailed(f"no quote of {', '.join(missing)} within {_QUOTES_WITHIN_S:.0f} s")
            time.sleep(_POLL_S)
        for lane in self.lanes:
            if lane.variant.guarded:
                configs = [f"--config={path}" for path in lane.configs]
                programs.start(f"guard-{lane.slug}", [sys.executable, "-m", "market_making.ops", "guard", *configs])

    def _trade(self, programs: Programs) -> None:
        total_s, began = self.options.schedule.minutes * 60, time.monotonic()
        for lane in self.lanes:
            lane.first = self._audit_of(lane, orders="yes")
        while (elapsed := time.monotonic() - began) < total_s:
            programs.check()
            self._read_parameters()
            for lane in self.lanes:
                lane.last = self._audit_of(lane)
                lane.equity.append((elapsed, lane.last["equity"]))
            told = ", ".join(f"{lane.variant.name} {lane.last['fills']} fills" for lane in self.lanes)
            self._report(f"trading: {told}", elapsed / total_s)
            time.sleep(max(_SAMPLE_S - (time.monotonic() - began - elapsed), 0.0))
        self.seen.traded_s = time.monotonic() - began
        for lane in self.lanes:
            known = len(lane.first["fills"])
            lane.fills = self._audit_of(lane, orders="yes")["fills"][known:]

    def _wind_down(self, programs: Programs, _: Any) -> None:
        """End the bots, which cancel their orders; what they hold is valued at mid."""
        self._report("ending the bots", 1.0)
        for lane in self.lanes:
            self._stop(programs, f"freqtrade-{lane.slug}")
        for lane in self.lanes:
            if left := self._audit_of(lane)["open_orders"]:
                self.seen.failures.append(f"{lane.variant.name}: {left} orders were left open")
        self.seen.audit = self.lanes[0].last

    def _audit_of(self, lane: Lane, **more: str) -> dict[str, Any]:
        query = {"user": lane.credentials.address, **more}
        answer = requests.get(f"{self._url}/audit", params=query, timeout=10)
        answer.raise_for_status()
        return dict(answer.json())


def lively_comparison(
    options: DemoOptions, report: Callable[[str, float], None], variants: tuple[Variant, ...] = VARIANTS
) -> Comparison:
    """A comparison on a market that moves while a slow bot thinks, with quotes that are close enough to suffer.

    Raises
    ------
    ConfigurationError
        If more than one coin or faults are asked for.
    """
    if len(options.coins) != 1 or options.faults is not None:
        raise ConfigurationError("--compare must have one --coin and no --faults")
    quote = {"maximum_half_spread_bps": _HALF_SPREAD_BPS} if options.recording is None else {}
    return Comparison(options, report, variants, volatility_bps=_VOLATILITY_BPS, quote=quote)
