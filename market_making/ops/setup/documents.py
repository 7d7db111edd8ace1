"""The two files of a bot: its configuration, with comments, and what only its owner may read."""

import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from market_making.ops.setup.commented import commented
from market_making.ops.setup.markets import Traded
from market_making.ops.setup.wishes import Wishes, database_url
from market_making.settings.explanation import fields_of
from market_making.settings.settings import SECTION, Settings

_TOP = """\
Written by mm init. Whatever is not here comes from {base}.
What only you may read (account, key, passwords) is in {private}.
Freqtrade and mm read both before this file, and this file wins."""
_FREQTRADE = {
    "dry_run": "false sends orders: they trade money, but for those to a local exchange (mm venue).",
    "db_url": "Of this bot in this mode only. Let it trade money in another database than its dry run.",
    "max_open_trades": "The number of pairs.",
    "trading_mode": "spot: tokens are bought and sold; there is no short side and no leverage.",
    "fee": "Highest maker fee of these markets at the base tier, for Freqtrade's dry run, which would take another.\n"
    "The exchange bills its own, and the model asks for your account's: see mm check, row fee-COIN.",
    "exchange.hip3_dexes": "Freqtrade trades on no other dex, and ccxt loads no other.",
    "api_server": "For FreqUI and the REST API, on this machine only; name and password are in the private file.",
}
_PLACEHOLDER = "0x…"


def public_document(wishes: Wishes, traded: Traded, folder: Path, base: str, port: int) -> str:
    """Return a bot's configuration as text.

    Parameters
    ----------
    wishes : Wishes
        The bot.
    traded : Traded
        What its coins are.
    folder : Path
        Where the file will lie, as Freqtrade will be told.
    base : str
        The configuration it stands on.
    port : int
        Of Freqtrade's API.
    """
    private = private_name(wishes.name)
    document = {
        "add_config_files": [base, private],
        "bot_name": wishes.name,
        "dry_run": not wishes.is_live,
        "db_url": database_url(folder, wishes.name, is_live=wishes.is_live),
        "strategy": wishes.variant,
        "max_open_trades": len(wishes.coins),
        **traded.top_level,
        "exchange": traded.exchange,
        "api_server": {"enabled": True, "listen_ip_address": "127.0.0.1", "listen_port": port},
        SECTION: dict(wishes.section),
    }
    comments = {"": _TOP.format(base=base, private=private)} | _FREQTRADE
    return commented(document, comments | dict(_described(wishes.section)))


def _described(section: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each setting's own description."""
    known = {field.key: field for field in fields_of(Settings)}
    for key in _keys("", section):
        field = known[key]
        yield f"{SECTION}.{key}", f"{field.description}.\nAccepted: {field.accepted}."


def _keys(prefix: str, section: Mapping[str, Any]) -> Iterator[str]:
    for name, value in section.items():
        if isinstance(value, Mapping):
            yield from _keys(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}"


def private_document(wishes: Wishes) -> dict[str, Any]:
    """Return what is secret: the account's key, passwords of the API that were just invented, and Telegram's token."""
    exchange = {}
    if wishes.account is not None:
        exchange["walletAddress"] = wishes.account
    if wishes.private_key is not None or wishes.is_live:
        exchange["privateKey"] = wishes.private_key or _PLACEHOLDER
    server = {
        "username": "freqtrader",
        "password": secrets.token_urlsafe(24),
        "jwt_secret_key": secrets.token_urlsafe(48),
        "ws_token": secrets.token_urlsafe(32),
    }
    document: dict[str, Any] = {"exchange": exchange, "api_server": server}
    if wishes.telegram is not None:
        document["telegram"] = {"enabled": True, "token": wishes.telegram.token, "chat_id": wishes.telegram.chat_id}
    return document


def public_name(name: str) -> str:
    """Of the configuration's file."""
    return f"bot-{name}.json"


def private_name(name: str) -> str:
    """Of the private file."""
    return f"bot-{name}.private.json"
