"""An account of the local exchange with a throw-away key, and the private configuration that trades with it."""

from pathlib import Path
from typing import Any, NamedTuple

import orjson
from eth_account import Account

from market_making.market.errors import ConfigurationError
from market_making.simulation.known_markets import is_spot, market_called

_HEADER = b"// Written by mm venue --new-account: an account of the local exchange; its key is good for nothing else.\n"


class ThrowAwayAccount(NamedTuple):
    """An address and the key that signs for it, both new and random."""

    address: str
    private_key: str

    @classmethod
    def new(cls) -> "ThrowAwayAccount":
        """Invent one."""
        account = Account.create()
        return cls(account.address, account.key.hex())


def exchange_section(
    url: str, address: str, private_key: str, coins: tuple[str, ...], *, vault: str | None = None
) -> dict[str, Any]:
    """Freqtrade's section `exchange` for the local exchange at `url`; `vault` is a sub-account or vault to act for."""
    websocket = url.replace("http", "ws", 1) + "/ws"
    options: dict[str, Any] = {"enableUnifiedMargin": False} | ({} if vault is None else {"vaultAddress": vault})
    markets = [market_called(coin) for coin in coins]
    dexes = list(dict.fromkeys(market.dex.name for market in markets if market.dex.name))
    if dexes:  # ccxt asks for each dex, so it is told which; a dex that is not named is not traded
        options["fetchMarkets"] = {"types": ["swap", "hip3"], "hip3": {"limit": len(dexes), "dexes": dexes}}
    return ({"hip3_dexes": dexes} if dexes else {}) | {
        "walletAddress": address,
        "privateKey": private_key,
        "pair_whitelist": [market.pair for market in markets],
        "ccxt_config": {
            "rateLimit": 5,
            "options": options,
            "urls": {"api": {"public": url, "private": url, "ws": {"public": websocket}}},
        },
    }


def trading_section(coins: tuple[str, ...]) -> dict[str, Any]:
    """Freqtrade's keys for what is traded: nothing for futures, which the configuration is for.

    Raises
    ------
    ConfigurationError
        If spot and perpetuals are mixed, which one bot cannot trade.
    """
    kinds = {is_spot(market_called(coin)) for coin in coins}
    if len(kinds) > 1:
        raise ConfigurationError(f"one bot trades perpetuals or spot, got {', '.join(coins)}")
    return {"trading_mode": "spot", "margin_mode": ""} if kinds == {True} else {}


def written_below(folder: Path) -> dict[str, Any]:
    """The keys of `market_making` that keep everything of one bot in a folder of its own."""
    names = ("market_data", "parameters", "decisions", "legs", "state")
    return {name: str(folder / name) for name in names} | {"risk": {"state": str(folder / "risk")}}


def write_private(path: Path, document: dict[str, Any], header: bytes = b"") -> None:
    """Write a configuration that only its owner can read."""
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(header + orjson.dumps(document, option=orjson.OPT_INDENT_2))


class LocalFiles:
    """The private configuration of a local account, and a folder beside it for all that is written with it.

    Parameters
    ----------
    config : Path
        The configuration, which must not exist yet.
    folder : Path, optional
        What has the configuration's name without the ending, if it is not named; must not exist yet either.

    Raises
    ------
    ConfigurationError
        If either exists: prices of two simulated markets must not get into one tick store.
    """

    def __init__(self, config: Path, folder: Path | None = None) -> None:
        self.config = config.absolute()
        self.folder = self.config.with_suffix("") if folder is None else folder.absolute()
        for path in (self.config, self.folder):
            if path.exists():
                raise ConfigurationError(f"{path} exists, remove it or choose another name")
        self.account = ThrowAwayAccount.new()

    @property
    def market_data(self) -> Path:
        """The tick store."""
        return self.folder / "market_data"

    def document(self, url: str, coins: tuple[str, ...], market_data: Path) -> dict[str, Any]:
        """Return the sections that let a bot trade with the account at `url` and write below the folder."""
        section = written_below(self.folder) | {"url": url, "coins": list(coins)}
        return {
            "exchange": exchange_section(url, *self.account, coins),
            "market_making": section | {"market_data": str(market_data.absolute())},
        }

    def write(self, url: str, coins: tuple[str, ...], market_data: Path) -> None:
        """Write the configuration, to be used on top of config.json."""
        self.folder.mkdir(parents=True, exist_ok=True)
        of_the_bot = {
            "bot_name": f"market-making-{self.folder.name}",
            "dry_run": False,
            "db_url": f"sqlite:///{self.folder / 'trades.sqlite'}",
            "max_open_trades": len(coins),
        }
        of_the_bot |= trading_section(coins)
        write_private(self.config, of_the_bot | self.document(url, coins, market_data), _HEADER)
