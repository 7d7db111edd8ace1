"""Options of `mm venue` that say who may trade, and what he has done before."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from market_making.market.errors import ConfigurationError
from market_making.ops.commands.options import load_settings

if TYPE_CHECKING:
    from market_making.venue.config import AccountConfig, AgentConfig

_PORT = 18080
_PAIR, _WITH_EXPIRY = 2, 3

account_options: tuple[Callable[[Any], Any], ...] = (
    click.option("--account", "accounts", multiple=True, help="Address that may trade; repeat for several."),
    click.option(
        "--balance", type=click.FloatRange(min=0), default=10_000.0, show_default=True,
        help="Deposit of each account [USDC].",
    ),
    click.option(
        "--agent", "agents", multiple=True, metavar="ACCOUNT:AGENT[:VALID_UNTIL_MS]",
        help="Address of a key that may trade for an account.",
    ),
    click.option("--sub-account", "sub_accounts", multiple=True, metavar="MASTER:ADDRESS", help="Sub-account."),
    click.option("--vault", "vaults", multiple=True, metavar="LEADER:ADDRESS", help="Vault that an account leads."),
    click.option(
        "--free-actions", type=click.IntRange(min=0), default=10_000, show_default=True,
        help="Actions of an account before it has traded anything.",
    ),
    click.option(
        "--used-actions", type=click.IntRange(min=0), default=0, show_default=True,
        help="Actions each account has used before the start.",
    ),
    click.option(
        "--volume", type=click.FloatRange(min=0), default=0.0, show_default=True,
        help="Volume each account has traded before the start [USDC]; scheduleCancel needs 1,000,000.",
    ),
)  # fmt: skip


def bot_options(options: dict[str, Any]) -> dict[str, Any]:
    """What the options leave to a bot's configuration: coins, port, its account, and where the market before it goes.

    Raises
    ------
    ConfigurationError
        If the bot trades elsewhere, or nothing names a coin.
    """
    if not options["configs"]:
        if not options["coins"]:
            raise ConfigurationError("name a coin with --coin, or a bot of `mm init --venue` with --config")
        return {"port": _PORT if options["port"] is None else options["port"]}
    settings = load_settings(options["configs"])
    url = urlsplit(settings.url)
    if url.hostname != "127.0.0.1" or url.port is None:
        raise ConfigurationError(f"--config must be of a bot on the local exchange, got one on {settings.url}")
    own = () if settings.account is None else (settings.account,)
    return {
        "coins": options["coins"] or settings.coins,
        "accounts": (*options["accounts"], *own),
        "port": url.port if options["port"] is None else options["port"],
        "prehistory": options["prehistory"] or Path(settings.market_data),
    }


def read_accounts(options: dict[str, Any]) -> tuple[AccountConfig, ...]:
    """The accounts that the options describe; a sub-account, a vault and an agent name an account of --account.

    Raises
    ------
    ConfigurationError
        Naming the option and the text that is wrong.
    """
    from market_making.venue.config import AccountConfig, AgentConfig

    owners = [address.lower() for address in options["accounts"]]
    agents: dict[str, list[AgentConfig]] = {owner: [] for owner in owners}
    for text in options["agents"]:
        owner, address, *until = _parts("--agent", text, owners, most=_WITH_EXPIRY)
        if until and not until[0].isdecimal():
            raise ConfigurationError(f"--agent: the end must be Unix milliseconds, got {until[0]!r}")
        agents[owner].append(AgentConfig(address, int(until[0]) if until else None))
    past = {"used_actions": options["used_actions"], "volume": options["volume"]}
    subs = (_parts("--sub-account", text, owners) for text in options["sub_accounts"])
    vaults = (_parts("--vault", text, owners) for text in options["vaults"])
    return (
        *(AccountConfig(owner, tuple(agents[owner]), **past) for owner in owners),
        *(AccountConfig(address, master=master, **past) for master, address in subs),
        *(AccountConfig(address, leader=leader, **past) for leader, address in vaults),
    )


def _parts(option: str, text: str, owners: Iterable[str], *, most: int = _PAIR) -> list[str]:
    parts = text.lower().split(":")
    if not _PAIR <= len(parts) <= most or parts[0] not in owners:
        raise ConfigurationError(f"{option} must begin with an address of --account and a colon, got {text!r}")
    return parts
