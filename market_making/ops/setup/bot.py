"""Writes a bot's files and says what was written and what to do next."""

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from market_making.market.errors import ConfigurationError
from market_making.ops.local_account import LocalFiles, write_private, written_below
from market_making.ops.setup.documents import private_document, private_name, public_document, public_name
from market_making.ops.setup.folder import base_of, complete, variants
from market_making.ops.setup.markets import on_exchange, on_local_exchange
from market_making.ops.setup.wishes import Wishes, free_api_port
from market_making.settings.files import load_all

TESTNET = "https://api.hyperliquid-testnet.xyz"
_PRIVATE_HEADER = b"// Written by mm init, for your eyes only: never commit it, never send it to anybody.\n"


@dataclass(frozen=True)
class NewBot:
    """What `mm init` has done.

    Attributes
    ----------
    config : Path
        The one file to start everything with.
    private : Path
        What it includes and only its owner may read.
    written, kept : tuple of Path
        What was added to the folder; what was left as it is although the shipped file of that name differs.
    account : str or None
        Address it trades for, or whose fee tier holds.
    api_port : int
        Of Freqtrade's API.
    commands : tuple of str
        What to start next, in order.
    lacks_key : bool
        Whether the private file waits for the key of an API wallet.
    """

    config: Path
    private: Path
    written: tuple[Path, ...]
    kept: tuple[Path, ...]
    account: str | None
    api_port: int
    commands: tuple[str, ...]
    lacks_key: bool


def write_bot(wishes: Wishes, folder: Path, venue_url: str | None = None, *, testnet: bool = False) -> NewBot:
    """Write a bot into Freqtrade's folder.

    Parameters
    ----------
    wishes : Wishes
        The bot. With `venue_url` its account and key are new ones of the local exchange.
    folder : Path
        Freqtrade's ``user_data``; made if it does not exist. What is in it stays as it is.
    venue_url : str, optional
        Address of the local exchange; None: the real one.
    testnet : bool
        The exchange's testnet. Its data are kept apart, in the bot's own folder.

    Raises
    ------
    ConfigurationError
        If a wish cannot be granted or a file of the bot exists; nothing is written then.
    """
    config, private = folder / public_name(wishes.name), folder / private_name(wishes.name)
    for path in (config, private):
        if path.exists():
            raise ConfigurationError(f"{path} exists, remove it or choose another name with --name")
    local = None if venue_url is None else LocalFiles(private, folder / f"bot-{wishes.name}")
    if local is not None:
        wishes = replace(wishes, account=local.account.address, private_key=local.account.private_key)
    settings = wishes.check(variants(folder))
    url = TESTNET if testnet else settings.url
    traded = on_exchange(wishes.coins, url) if local is None else on_local_exchange(wishes.coins)
    port, base = free_api_port(_ports_in(folder)), base_of(folder)
    public, secret = public_document(wishes, traded, folder, base, port), private_document(wishes)
    if testnet:
        secret = _merged(secret, _testnet(folder / f"bot-{wishes.name}"))
    elif local is not None and venue_url is not None:
        secret |= local.document(venue_url, wishes.coins, local.market_data)
    folder.mkdir(parents=True, exist_ok=True)
    added = complete(folder)
    write_private(private, secret, _PRIVATE_HEADER)
    config.write_text(public, encoding="utf-8")
    return NewBot(
        config,
        private,
        (*added.written, private, config),
        added.kept,
        wishes.account,
        port,
        tuple(_commands(wishes, folder, is_local=local is not None)),
        lacks_key=wishes.is_live and wishes.private_key is None,
    )


def _testnet(folder: Path) -> dict[str, Any]:
    """Ccxt's switch, and the address that our own programs ask."""
    options = {"ccxt_config": {"options": {"sandbox": True}}}
    return {"exchange": options, "market_making": written_below(folder.absolute()) | {"url": TESTNET}}


def _merged(secret: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    return secret | more | {"exchange": secret["exchange"] | more["exchange"]}


def _ports_in(folder: Path) -> set[int]:
    """Ports that other bots of the folder ask for."""
    ports = set()
    for path in folder.glob("bot-*.json"):
        port = load_all([path]).get("api_server", {}).get("listen_port")
        ports |= {port} if isinstance(port, int) else set()
    return ports


def _commands(wishes: Wishes, folder: Path, *, is_local: bool) -> list[str]:
    """What comes next, each in a shell of its own."""
    where = "" if folder == Path("user_data") else f" --userdir {shlex.quote(str(folder))}"
    files = f"{where} -c {shlex.quote(str(folder / public_name(wishes.name)))}"
    commands = [f"mm collect{files}", f"mm calibrate{files}", f"mm check{files}", f"freqtrade trade{files}"]
    if is_local:
        commands.insert(0, f"mm venue --simulate{files}")
    if wishes.is_live and not is_local:
        commands.insert(-1, f"mm guard{files}")
    return [*commands, f"mm dashboard{files}", f"mm status --watch{files}"]
