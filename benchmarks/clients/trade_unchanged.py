"""Let clients that nobody here wrote trade on the local exchange, each as its registry ships it.

    python benchmarks/clients/trade_unchanged.py [--only NAME]

Each client is installed in a temporary folder at the version named here, reads markets and book, places a post-only
order, finds it open, cancels it, buys at the market and closes. What counts is not what the client says but what the
exchange's own audit has: two fills or more, one cancel, nothing open, nothing held, and the fee of the market. Then it
does the same on a market of another dex, where the client has a name for it. Needs pip, node and npm with a registry;
the exit status is the number of clients that failed.

NautilusTrader needs Python 3.12, from PATH or pyenv; where there is none, its row says so and counts as failed.

Not here, tried with Python 3.12 in November 2026:

* Hummingbot 20260922: PyPI has its source alone. pip sought versions of its requirements for five minutes ("looking at
  multiple versions of web3 to determine which version is compatible with other requirements") and went back to an
  older Hummingbot; without requirements, "Building wheel for hummingbot" had not ended after four.
* passivbot: "No matching distribution found for passivbot"; npm has no such package either.
* Freqtrade is no script here: it trades in `tests/end_to_end` and in the demo.
"""

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
from eth_account import Account as Key

from market_making.hyperliquid.fees import BASE_TIER
from market_making.simulation.known_markets import market_called
from market_making.simulation.presets import default_truths
from market_making.simulation.simulation import SimulatedSource
from market_making.venue.config import AccountConfig, VenueConfig
from market_making.venue.server import LocalVenue

COINS = ("ETH", "xyz:NVDA")
PATIENCE_S = 240


class Client(NamedTuple):
    """A client: its package with version, the script that uses it, the coins it has a name for, the Python it needs.

    No Python means the one that runs this program.
    """

    package: str
    script: str
    coins: tuple[str, ...] = COINS
    python: str = ""

    @property
    def is_script_of_node(self) -> bool:
        """Whether it runs in node."""
        return self.script.endswith((".mjs", ".cjs"))


CLIENTS = {
    "official SDK": Client("hyperliquid-python-sdk==0.24.0", "official_sdk.py"),
    "ccxt, Python": Client("ccxt==4.5.90", "ccxt_python.py"),
    "ccxt, JavaScript": Client("ccxt@4.5.84", "ccxt_node.mjs"),
    "hyperliquid (PyPI)": Client("hyperliquid==0.4.66", "hyperliquid_pypi.py", ("ETH",)),
    "async-hyperliquid": Client("async-hyperliquid==0.4.8", "async_hyperliquid_pypi.py"),
    "@nktkas/hyperliquid": Client("@nktkas/hyperliquid@0.33.3 viem", "nktkas.mjs"),
    "hyperliquid (npm)": Client("hyperliquid@1.7.7", "hyperliquid_npm.cjs", ("ETH",)),
    "NautilusTrader": Client("nautilus_trader==1.231.0", "nautilus_live_node.py", python="3.12"),
}


def installed(client: Client, folder: Path) -> list[str]:
    """Install a client; return the command that runs its script."""
    here = Path(__file__).parent / "scripts" / client.script
    if client.is_script_of_node:
        npm, node = shutil.which("npm"), shutil.which("node")
        if npm is None or node is None:
            raise OSError("node and npm are needed")
        run([npm, "install", "--silent", "--prefix", str(folder), *client.package.split()])
        return [node, str(shutil.copy(here, folder))]
    run([python_of(client.python), "-m", "venv", str(folder / "venv")])
    python = str(folder / "venv" / "bin" / "python")
    run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", client.package])
    return [python, str(here)]


def python_of(version: str) -> str:
    """The interpreter of a version, from PATH or pyenv: one that runs, since pyenv's shims exist without it."""
    if not version:
        return sys.executable
    name = f"python{version}"
    of_pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [shutil.which(name), *sorted(str(path) for path in of_pyenv.glob(f"{version}.*/bin/{name}"))]
    for path in filter(None, found):
        if subprocess.run([path, "-c", ""], check=False, capture_output=True).returncode == 0:
            return path
    raise OSError(f"it needs Python {version}, and neither PATH nor {of_pyenv} has one")


def run(command: list[str]) -> None:
    """Run an installer; what it says is only shown where it fails."""
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE_S)


async def trade(command: list[str], coin: str) -> tuple[str, dict[str, Any]]:
    """Run a script on a fresh exchange; return what it said at its end, and the audit of its account."""
    key = Key.create()
    source = SimulatedSource([truth_of(coin)], seed=5)
    venue = LocalVenue(source, VenueConfig((AccountConfig(key.address),), history_s=120))
    url = await venue.start()
    environment = os.environ | {"MM_URL": url, "MM_KEY": "0x" + key.key.hex().removeprefix("0x")}
    environment |= {"MM_ADDRESS": key.address, "MM_COIN": coin, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            said, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        said = b"it did not end in time"
    query = f"{url}/audit?user={key.address}"
    async with aiohttp.ClientSession() as session, session.get(query) as answer:
        audit: dict[str, Any] = await answer.json()
    await venue.stop()
    last = said.decode(errors="replace").strip().splitlines()[-1:] or [""]
    return ("" if process.returncode == 0 else f"status {process.returncode}: ") + last[0][:160], audit


def truth_of(coin: str) -> Any:
    """A market with known truth."""
    return default_truths([coin])[0]


def faults(coin: str, audit: dict[str, Any]) -> list[str]:
    """What the exchange has seen that should not be so."""
    market = market_called(coin)
    taker = BASE_TIER.on(market).taker
    volume = audit["volume"] or 1.0
    found = {
        "no cancel": audit["cancels"] < 1,
        "fewer than two fills": audit["taker_fills"] < 2,
        "orders are left": audit["open_orders"] > 0,
        "a position is left": bool(audit["positions"]),
        "the fee is another": abs(audit["fees"] / volume / taker - 1) > 0.01,
    }
    return [name for name, holds in found.items() if holds]


def judged(name: str, client: Client, folder: Path) -> bool:
    """Install one client and let it trade; tell how it went."""
    try:
        command = installed(client, folder)
    except (OSError, subprocess.SubprocessError) as error:
        words = getattr(error, "stderr", None) or str(error)
        tell(f"{name:20s} not installed: {str(words).strip().splitlines()[-1][:120]}")
        return False
    is_good = True
    for coin in client.coins:
        said, audit = asyncio.run(trade(command, coin))
        wrong = faults(coin, audit)
        is_good = is_good and not wrong
        figures = f"{audit['orders_placed']} orders, {audit['cancels']} cancels, {audit['fills']} fills"
        verdict = "trades unchanged" if not wrong else f"{'; '.join(wrong)} — {said}"
        tell(f"{name:20s} {client.package.split()[0]:34s} {coin:9s} {figures}: {verdict}")
    return is_good


def tell(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


def main() -> int:
    """Let every client trade."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=CLIENTS, help="one of them")
    only = parser.parse_args().only
    failed = 0
    for name, client in CLIENTS.items():
        if only in (None, name):
            with tempfile.TemporaryDirectory() as folder:
                failed += not judged(name, client, Path(folder))
    return failed


if __name__ == "__main__":
    sys.exit(main())
