"""What a demo writes before it starts: its own folder, a throw-away key, and a configuration that points at it."""

import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from market_making.ops.local_account import ThrowAwayAccount, exchange_section, trading_section, write_private

_KEEP = 3


@dataclass(frozen=True)
class DemoFiles:
    """Where one run of the demo keeps its data; nothing of it is read by a later run."""

    folder: Path

    @classmethod
    def create(cls, root: Path, run_id: str) -> "DemoFiles":
        """A fresh folder under `root`; of earlier runs the newest few are kept."""
        root.mkdir(parents=True, exist_ok=True)
        for old in sorted(path for path in root.iterdir() if path.is_dir())[: -(_KEEP - 1) or None]:
            shutil.rmtree(old)
        files = cls(root / run_id)
        files.folder.mkdir()
        return files

    @property
    def market_data(self) -> Path:
        """The tick store of this run."""
        return self.folder / "market_data"

    @property
    def parameters(self) -> Path:
        """The parameter files of this run."""
        return self.folder / "parameters"

    @property
    def decisions(self) -> Path:
        """The bot's decision log."""
        return self.folder / "decisions"

    @property
    def state(self) -> Path:
        """What each program says it is doing."""
        return self.folder / "state"

    @property
    def logs(self) -> Path:
        """One log a program."""
        return self.folder / "logs"

    @property
    def database(self) -> Path:
        """Freqtrade's trades."""
        return self.folder / "trades.sqlite"

    @property
    def config(self) -> Path:
        """The generated private configuration, readable by its owner only."""
        return self.folder / "config-private.json"


@dataclass(frozen=True)
class LegFiles(DemoFiles):
    """Where one of two legs keeps what is its own; market data, parameters, records and states are of both."""

    leg: str = "long"

    @property
    def database(self) -> Path:
        """Freqtrade's trades of this leg."""
        return self.folder / f"trades-{self.leg}.sqlite"

    @property
    def config(self) -> Path:
        """The generated private configuration of this leg, readable by its owner only."""
        return self.folder / f"config-private-{self.leg}.json"


@dataclass(frozen=True)
class Credentials:
    """A key that exists for one run and one password for the bot's own API.

    `vault` is the account's own address where it is a sub-account or a vault, for which the owner's keys sign.
    """

    address: str
    private_key: str
    password: str
    vault: str | None = None

    @classmethod
    def throw_away(cls) -> "Credentials":
        """New random ones."""
        return cls(*ThrowAwayAccount.new(), secrets.token_urlsafe(16))


@dataclass(frozen=True)
class ApiAccess:
    """Where the local exchange answers, and the port of the bot's own API."""

    url: str
    port: int


# Real coins lose money at the base fee, and the model knows: left alone it hardly quotes them. So that there is
# something to see on a recording, the demo quotes closer than the model would, and without its toxicity gate.
def showy(minimum_exposure_s: float) -> dict[str, Any]:
    """Settings for a recording, calibrated from at least this much of it [s]."""
    return {
        "model": {"widen_toxicity": 1000, "pause_toxicity": 1000},
        "quote": {"maximum_half_spread_bps": 1.5},
        "calibration": {"minimum_exposure_s": minimum_exposure_s},
    }


def write_config(
    files: DemoFiles,
    credentials: Credentials,
    coins: tuple[str, ...],
    access: ApiAccess,
    changes: dict[str, Any] | None = None,
) -> None:
    """Write the private configuration of this run: key, addresses and paths; `changes` are further settings."""
    trading = trading_section(coins)
    config: dict[str, Any] = {
        "dry_run": False,
        **trading,
        "max_open_trades": len(coins),
        "db_url": f"sqlite:///{files.database}",
        "exchange": exchange_section(
            access.url, credentials.address, credentials.private_key, coins, vault=credentials.vault
        ),
        "api_server": {
            "enabled": True,
            "listen_ip_address": "127.0.0.1",
            "listen_port": access.port,
            "username": "demo",
            "password": credentials.password,
            "jwt_secret_key": secrets.token_urlsafe(32),
            "ws_token": secrets.token_urlsafe(32),
            "CORS_origins": [],
            "verbosity": "error",
        },
        "market_making": {
            "url": access.url,
            "coins": list(coins),
            "market_data": str(files.market_data),
            "parameters": str(files.parameters),
            "decisions": str(files.decisions),
            "state": str(files.state),
            "legs": str(files.folder / "legs"),
            "risk": {"state": str(files.folder / "risk")},
            **({"sides": "long_only"} if trading else {}),  # tokens cannot be sold short
            **(changes or {}),
        },
    }
    write_private(files.config, config)
