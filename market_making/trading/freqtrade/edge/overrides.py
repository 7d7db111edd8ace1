"""The register of overrides, and the one call that installs them when a bot starts.

Each has a switch of its name in the section ``market_making.edge``; off, the object of ccxt or Freqtrade works as
shipped. Nothing is changed on disk, only objects of the running bot. A contract test of each name fails when an upgrade
changes the shape of the object it replaces (`tests/freqtrade_contract/test_edge.py`).
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from market_making.hyperliquid.shared_bucket import SharedBucket, bucket_path
from market_making.safety.standing import Standing
from market_making.settings.edge import EdgeSettings
from market_making.settings.settings import Settings
from market_making.trading.actions.budget import ActionBudget
from market_making.trading.actions.governor import ActionGovernor
from market_making.trading.freqtrade.edge import remembered, sleep
from market_making.trading.freqtrade.edge.address_budget import AddressBudget
from market_making.trading.freqtrade.edge.asked_once import AskedOnce
from market_making.trading.freqtrade.edge.builder_fee import refuse_builder_fee
from market_making.trading.freqtrade.edge.door import Door, DoorLater, Step
from market_making.trading.freqtrade.edge.funding import Funding
from market_making.trading.freqtrade.edge.leverage_once import LeverageOnce
from market_making.trading.freqtrade.edge.loop import Loop
from market_making.trading.freqtrade.edge.pace import Pace
from market_making.trading.freqtrade.edge.remembered import Remembered

log = logging.getLogger(__name__)


class Override(NamedTuple):
    """One override: its name, the object whose place it takes, and what holds without it."""

    name: str
    replaces: str
    without: str


OVERRIDES = (
    Override(
        "builder_fee", "ccxt.hyperliquid.handle_builder_fee_approval", "ccxt approves its builder and adds it to orders"
    ),
    Override("pace", "ccxt.hyperliquid.request", "ccxt waits 50 ms for each unit of its own costs before a request"),
    Override(
        "asked_once",
        "ccxt.hyperliquid.request, freqtrade.worker.Worker._sleep",
        "the account is asked for up to four times between two orders",
    ),
    Override("leverage_once", "freqtrade.exchange.Hyperliquid._lev_prep", "the leverage is sent before every entry"),
    Override("address_budget", "ccxt.hyperliquid.request", "only actions per minute are counted, not what is left"),
    Override("remembered", "freqtrade.worker.Worker._worker", "/stop and /stopentry are forgotten when the bot ends"),
    Override("funding", "freqtrade.exchange.Hyperliquid.get_funding_fees", "funding is asked for before every order"),
)


@dataclass
class Edge:
    """What the overrides of one bot share with it; without any, a bot works as Freqtrade ships it."""

    loop: Loop = field(default_factory=Loop)
    pace: Pace | None = None
    remembered: Remembered | None = None
    installed: tuple[str, ...] = ()

    @property
    def is_paused(self) -> bool:
        """Whether Freqtrade places no entries, by `/stopentry`."""
        return self.remembered is not None and self.remembered.standing is Standing.PAUSED

    @property
    def weight_per_minute(self) -> float | None:
        """Weight that this bot asked for in the last minute; None where it is not counted."""
        return None if self.pace is None else self.pace.meter.per_minute


def names_of(settings: EdgeSettings, *, is_live: bool) -> tuple[str, ...]:
    """Overrides that are switched on; a dry run has no account, so what concerns one is left out."""
    without = () if is_live else ("asked_once", "leverage_once", "address_budget")
    names = (override.name for override in OVERRIDES if getattr(settings, override.name))
    return tuple(name for name in names if name not in without)


def budget_of(settings: Settings, names: Sequence[str]) -> ActionBudget:
    """The action budget that goes with these overrides."""
    quote, entry_actions = settings.quote, 1 if "leverage_once" in names else 2
    if "address_budget" not in names:
        return ActionBudget(quote.actions_per_minute, entry_actions=entry_actions)
    return ActionGovernor(
        quote.actions_per_minute,
        entry_actions=entry_actions,
        reserve=quote.reserved_actions,
        action_price=quote.action_price,
    )


def install(exchange: Any, names: Sequence[str], folder: Path, budget: ActionBudget, bot: str = "freqtrade") -> Edge:
    """Install overrides.

    Parameters
    ----------
    exchange : freqtrade.exchange.Hyperliquid
        With its clients.
    names : Sequence[str]
        Of the overrides.
    folder : Path
        Where the bots of this machine share their pace.
    budget : ActionBudget
        Told what is sent, if it is governed by the limit of the address.
    bot : str
        Name of the bot's own files.
    """
    wanted = set(names)
    edge = Edge(installed=tuple(override.name for override in OVERRIDES if override.name in wanted))
    sleep.restore()
    remembered.restore()
    if "remembered" in wanted:
        edge.remembered = Remembered(folder, bot)
    if "builder_fee" in wanted:
        refuse_builder_fee(exchange._api, exchange._api_async, exchange._ws_async)
    if "funding" in wanted:
        Funding(exchange)
    steps = list(_steps(edge, exchange, folder, budget))
    if steps:
        Door(exchange._api, steps)
    log.info("overrides of ccxt and Freqtrade: %s", ", ".join(edge.installed) or "none")
    return edge


def _steps(edge: Edge, exchange: Any, folder: Path, budget: ActionBudget) -> Iterator[Step]:
    """What a request of the synchronous client passes, in this order."""
    if "leverage_once" in edge.installed:
        yield LeverageOnce(exchange).step
    if "asked_once" in edge.installed:
        sleep.Sleep(edge.loop)
        yield AskedOnce(edge.loop).step
    if isinstance(budget, ActionGovernor):
        counted = AddressBudget(exchange._api, budget)
        edge.loop.on_start(counted.refresh)
        yield counted.step
    if "pace" in edge.installed:
        address = exchange._api.implode_hostname(exchange._api.urls["api"]["public"])
        edge.pace = Pace(SharedBucket(bucket_path(folder, address)), edge.loop)
        edge.pace.started()
        for client in filter(None, (exchange._api, exchange._api_async, exchange._ws_async)):
            client.enableRateLimit = False
        for client in filter(None, (exchange._api_async, exchange._ws_async)):
            DoorLater(client, edge.pace.step_later)
        yield edge.pace.step
