"""What a user wants of a new bot, checked before anything is written."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from market_making.market.errors import ConfigurationError
from market_making.market.suggestion import did_you_mean
from market_making.ops.setup.markets import ACCEPTED, is_mixed, is_name, is_of_spot
from market_making.safety.claim import port_fault
from market_making.settings.role import Role
from market_making.settings.sections import SMALLEST_NOTIONAL
from market_making.settings.settings import Settings

_NAME = re.compile("[a-z0-9][a-z0-9-]{0,39}")
_FIRST_API_PORT, _API_PORTS = 8080, 100


@dataclass(frozen=True)
class Telegram:
    """Where Freqtrade sends its messages."""

    token: str = field(repr=False)
    chat_id: str


@dataclass(frozen=True)
class Wishes:
    """One bot as its user wants it.

    Attributes
    ----------
    name : str
        Names the bot, its files and its databases.
    coins : tuple of str
        The venue's names of what it trades.
    variant : str
        Class name of the strategy.
    section : mapping
        The keys of `market_making` that differ from the defaults.
    is_live : bool
        Whether it trades money.
    account, private_key : str, optional
        The account's address, and the key of an API wallet.
    telegram : Telegram, optional
        None: no messages.
    """

    name: str
    coins: tuple[str, ...]
    variant: str
    section: Mapping[str, Any]
    is_live: bool = False
    account: str | None = None
    private_key: str | None = field(default=None, repr=False)
    telegram: Telegram | None = None

    def check(self, variants: tuple[str, ...]) -> Settings:
        """Return the settings they amount to.

        Raises
        ------
        ConfigurationError
            Naming everything that is wrong, what is accepted and what was seen.
        """
        problems = list(self._problems(variants))
        try:
            settings = Settings.from_section(dict(self.section) | {"account": self.account})
        except ConfigurationError as error:
            raise ConfigurationError("; ".join([*problems, str(error)])) from None
        smallest = settings.smallest_safe_notional if settings.leverage > 1 else SMALLEST_NOTIONAL
        if settings.model.order_notional < smallest:
            problems.append(
                f"the order size must be at least {smallest:g} at leverage {settings.leverage:g}, "
                f"got {settings.model.order_notional:g}"
            )
        if is_of_spot(self.coins) and (settings.role is not Role.LONG_ONLY or settings.leverage > 1):
            problems.append(
                f"on spot sides must be {Role.LONG_ONLY.value} and leverage 1, "
                f"got {settings.sides} and {settings.leverage:g}"
            )
        if problems:
            raise ConfigurationError("; ".join(problems))
        return settings

    def _problems(self, variants: tuple[str, ...]) -> Iterator[str]:
        if not _NAME.fullmatch(self.name):
            yield f"the name must be up to 40 lower-case letters, digits and hyphens, got {self.name!r}"
        yield from _coin_problems(self.coins)
        if self.variant not in variants:
            hint = did_you_mean(self.variant, variants) or f"; known are {', '.join(variants)}"
            yield f"unknown strategy {self.variant!r}{hint}"
        if self.is_live and self.account is None:
            yield "a live bot must have an account: name its address with --account"


def _coin_problems(coins: tuple[str, ...]) -> Iterator[str]:
    if not coins:
        yield "at least one coin must be named, got none"
    for coin in coins:
        if not is_name(coin):
            yield f"a coin must be {ACCEPTED}, got {coin!r}"
    if is_mixed(coins):
        yield f"one bot must trade perpetuals or spot, got both: {', '.join(coins)}"
    if len(set(coins)) < len(coins):
        yield f"each coin must be named once, got {', '.join(coins)}"


def free_api_port(taken: set[int]) -> int:
    """The first port from 8080 on that no other bot's file names and nobody listens on.

    Raises
    ------
    ConfigurationError
        If a hundred ports are taken.
    """
    for port in range(_FIRST_API_PORT, _FIRST_API_PORT + _API_PORTS):
        if port not in taken and not port_fault("127.0.0.1", port):
            return port
    raise ConfigurationError(f"no port between {_FIRST_API_PORT} and {_FIRST_API_PORT + _API_PORTS - 1} is free")


def database_url(folder: Path, name: str, *, is_live: bool) -> str:
    """Of a bot in one of its two modes: a dry run and money never share a database."""
    mode = "live" if is_live else "dry-run"
    return f"sqlite:///{folder.as_posix()}/bot-{name}.{mode}.sqlite"
