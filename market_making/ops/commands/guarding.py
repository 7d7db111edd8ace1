"""From Freqtrade's configuration files to what the guard must know."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from market_making.guard.alarms import TelegramChat
from market_making.guard.client import Identity
from market_making.guard.leader import LeaderFeed
from market_making.guard.options import GuardedBot, GuardOptions
from market_making.guard.quote_guard import QuoteGuardRules
from market_making.guard.watch_rules import WatchRules
from market_making.market.errors import ConfigurationError
from market_making.settings.files import load_all, typed
from market_making.settings.settings import Settings

KEY_VARIABLE = "MM_GUARD_KEY"
_SQLITE = "sqlite:///"
_DEFAULT_DATABASE = "sqlite:///tradesv3.sqlite"
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_KEY = re.compile(r"(0x)?[0-9a-fA-F]{64}")


def guard_options(bots: Sequence[Sequence[Path]], user_data: Path | None = None) -> GuardOptions:
    """What the guard must know, from the configuration files of each bot; `user_data` is Freqtrade's folder, if chosen.

    Raises
    ------
    ConfigurationError
        If a file is missing or wrong, a bot has no account, two share one, or they differ in what one guard shares.
    """
    configs = [load_all(files) for files in bots]
    settings = [Settings.from_files(files, user_data) for files in bots]
    guarded = tuple(map(_bot, configs, settings))
    first = settings[0]
    for other in settings[1:]:
        for name in ("url", "state", "decisions"):
            if getattr(other, name) != getattr(first, name):
                seen = f"{getattr(first, name)} and {getattr(other, name)}"
                raise ConfigurationError(f"market_making.{name} must be the same for all bots of a guard, got {seen}")
    addresses = [bot.identity.address.lower() for bot in guarded]
    if len(set(addresses)) < len(addresses):
        raise ConfigurationError("two bots must not share an account: positions of one account net")
    guard = first.guard
    return GuardOptions(
        url=first.url,
        state=first.state,
        record=first.decisions,
        bots=guarded,
        rules=WatchRules(guard.silence_s, guard.unknown_s, flatten_unknown=guard.flatten_unknown),
        quotes=quote_rules(first) if guard.quotes else None,
        telegram=next(filter(None, map(_telegram, configs)), None),
        leader=None if guard.leader is None else _leader(guard.leader),
    )


def quote_rules(settings: Settings) -> QuoteGuardRules:
    """How close the guard of a bot with these settings lets mid come."""
    quote = settings.quote
    return QuoteGuardRules(settings.guard.moves, action_price=quote.action_price, reserve=quote.reserved_actions)


def _leader(name: str) -> LeaderFeed | None:
    """The venue that moves first; the guard does not know how it is reached."""
    from market_making.recording.other_venues.leading_quotes import LeadingQuotes
    from market_making.recording.other_venues.venues import venue_named

    venue = venue_named(name)
    return None if venue is None else LeadingQuotes(venue)


def _bot(config: dict[str, Any], settings: Settings) -> GuardedBot:
    name = str(config.get("bot_name", "freqtrade"))
    if config.get("dry_run", True):
        raise ConfigurationError(f"{name}: dry_run is true, and a dry run has no orders to guard")
    exchange = typed(config, "exchange", dict, name)
    address = str(exchange.get("walletAddress") or exchange.get("wallet_address") or "")
    if not _ADDRESS.fullmatch(address):
        raise ConfigurationError(f"{name}: exchange.walletAddress must be 0x and 40 hex digits, got {address!r}")
    own_key = _own_key(name)
    key = own_key or str(exchange.get("privateKey") or exchange.get("private_key") or "")
    if not _KEY.fullmatch(key):
        raise ConfigurationError(f"{name}: exchange.privateKey must be 64 hex digits, it has {len(key)} characters")
    identity = Identity(address, key, _vault(exchange))
    return GuardedBot(name, identity, _database(config), settings.parameters, settings.selection, owns_key=not own_key)


def _own_key(name: str) -> str | None:
    """The guard's own key: for this bot, or for all."""
    variable = f"{KEY_VARIABLE}_{re.sub(r'[^A-Za-z0-9]', '_', name).upper()}"
    return os.environ.get(variable) or os.environ.get(KEY_VARIABLE)


def _vault(exchange: Mapping[str, Any]) -> str | None:
    """The sub-account or vault that ccxt is told to sign for; it takes it with and without 0x."""
    for section in ("ccxt_config", "ccxt_sync_config"):
        options = (exchange.get(section) or {}).get("options") or {}
        vault = str(options.get("vaultAddress") or "")
        if vault:
            return vault if vault.startswith("0x") else f"0x{vault}"
    return None


def _database(config: Mapping[str, Any]) -> Path:
    url = str(config.get("db_url", _DEFAULT_DATABASE))
    if not url.startswith(_SQLITE):
        raise ConfigurationError(f"db_url must begin with {_SQLITE}, got {url.split(':', maxsplit=1)[0]}:…")
    return Path(url.removeprefix(_SQLITE))


def _telegram(config: Mapping[str, Any]) -> TelegramChat | None:
    section = config.get("telegram") or {}
    token, chat = str(section.get("token") or ""), str(section.get("chat_id") or "")
    return TelegramChat(token, chat) if section.get("enabled") and token and chat else None
