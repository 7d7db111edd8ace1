"""Claim: stock Freqtrade backtests and optimises every variant from candles alone, as commands.md says.

PATH is a folder of real candles (`ETH_5m-futures.parquet`, …). In a temporary user folder, with markets from the local
venue: a backtest on all 5m candles, one on all 1m candles, and a hyperopt of 20 epochs on the last day of 1m candles
with two workers. What comes out shows that the machinery runs; it is no evidence of profit (docs/candles.md).
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import orjson

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from market_making.recording.candles.files import find_candles, read_candles  # noqa: E402

STRATEGIES = ROOT / "user_data" / "strategies"
PROGRAMS = Path(sys.executable).parent
# A proxy in the environment must not be asked for the venue on this machine.
ENVIRONMENT = os.environ | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
EPOCHS = 20
COLUMNS = "strategy | 5m trades | profit | s | 1m trades | profit | s | epochs | best loss | its trades | s |"


class Failed(Exception):
    """A program ended with an error; the end of what it wrote."""


class Cell(NamedTuple):
    """What one run of Freqtrade showed, ready to print, and why it fell short if it did."""

    text: str
    fault: str = ""


def main() -> None:
    """Run everything, print a table; status 1 if anything fell short."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("candles", type=Path, help="folder of candles")
    parser.add_argument("variants", nargs="*", default=sorted(path.stem for path in STRATEGIES.glob("*.py")))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, _venue() as url:
        bench = Bench(Path(name), arguments.candles.resolve(), url)
        print(f"| {COLUMNS}\n|{'---|' * COLUMNS.count('|')}", flush=True)
        good = [_show(bench, variant) for variant in arguments.variants]
    raise SystemExit(not all(good))


def _show(bench: "Bench", variant: str) -> bool:
    cells = [bench.backtest(variant, "5m"), bench.backtest(variant, "1m"), bench.hyperopt(variant)]
    faults = "; ".join(cell.fault for cell in cells if cell.fault)
    print(f"| `{variant}` |", " | ".join(cell.text for cell in cells), "|", faults, flush=True)
    return not faults


@contextmanager
def _venue() -> Iterator[str]:
    """Address of a local venue that knows the markets."""
    command = [PROGRAMS / "mm", "venue", "--simulate", "--coin", "ETH", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            announced = process.stdout.readline() if process.stdout else ""
            addresses = [word for word in announced.split() if word.startswith("http")]
            if not addresses:
                raise Failed(f"the local venue did not start: {announced!r}")
            yield addresses[0]
        finally:
            process.terminate()


class Bench:
    """A user folder of its own, with candles and a history guessed from them for either timeframe."""

    def __init__(self, folder: Path, candles: Path, url: str) -> None:
        self._folder = folder
        self._user_data = folder / "user_data"
        for name in ("strategies", "hyperopts"):
            copied = shutil.ignore_patterns("__pycache__", "*.json")
            shutil.copytree(ROOT / "user_data" / name, self._user_data / name, ignore=copied)
        files = ("config.json", "config-backtest.json")
        for file in files:
            shutil.copy(ROOT / "user_data" / file, self._user_data)
        self._data = self._user_data / "data" / "hyperliquid"
        self._run("mm", "candles", "--from", candles, "--coin", "ETH", "--out", self._data, *self._config(files[:1]))
        for timeframe in ("5m", "1m"):
            history = ("--every", timeframe, "--out", self._parameters(timeframe))
            backfill = ("calibrate", "--backfill", "--candles", self._data, "--coin", "ETH")
            self._run("mm", *backfill, *history, *self._config(files[:1]))
            own = {"exchange": {"ccxt_config": {"urls": {"api": _addresses(url)}}}}
            own |= {"market_making": {"parameters": str(self._parameters(timeframe))}}
            (self._user_data / f"{timeframe}.json").write_bytes(orjson.dumps(own))
        end_ms = int(read_candles(find_candles(self._data, "ETH", "1m")).open_ms[-1])
        end = datetime.fromtimestamp(end_ms / 1e3, UTC)
        self._last_day = f"{(end - timedelta(days=1)).timestamp():.0f}"

    def backtest(self, variant: str, timeframe: str) -> Cell:
        """Trades, profit [USDC] and seconds of a backtest on all candles."""
        results = self._folder / "results" / variant / timeframe
        options = ("--export", "trades", "--backtest-directory", results, "--cache", "none")
        results.mkdir(parents=True)
        try:
            seconds = self._freqtrade("backtesting", variant, timeframe, *options)
        except Failed as failed:
            return Cell("– | – | –", f"backtest {timeframe}: {failed}")
        found = _backtest_result(results)["strategy"][variant]
        text = f"{found['total_trades']} | {found['profit_total_abs']:.1f} | {seconds:.0f}"
        return Cell(text, "" if found["total_trades"] else f"no trade on {timeframe}")

    def hyperopt(self, variant: str) -> Cell:
        """Epochs, the best loss with its trades, and seconds of a hyperopt on the last day."""
        options = ("--spaces", "quote", "risk", "--hyperopt-loss", "MarketMakingLoss", "--epochs", str(EPOCHS))
        options += ("-j", "2", "--random-state", "1", "--timerange", f"{self._last_day}-", "--disable-param-export")
        try:
            seconds = self._freqtrade("hyperopt", variant, "1m", *options)
        except Failed as failed:
            return Cell("– | – | – | –", f"hyperopt: {failed}")
        (file,) = (self._user_data / "hyperopt_results").glob(f"strategy_{variant}_*.fthypt")
        epochs = [orjson.loads(line) for line in file.read_bytes().splitlines()]
        best = min(epochs, key=lambda epoch: epoch["loss"])
        trades = best["results_metrics"]["total_trades"]
        text = f"{len(epochs)} | {best['loss']:.2f} | {trades} | {seconds:.0f}"
        return Cell(text, "" if len(epochs) == EPOCHS else f"{len(epochs)} epochs, {EPOCHS} were asked for")

    def _freqtrade(self, command: str, variant: str, timeframe: str, *options: object) -> float:
        config = self._config(("config.json", "config-backtest.json", f"{timeframe}.json"))
        began = time.perf_counter()
        where = ("--userdir", self._user_data, "--datadir", self._data, "--timeframe", timeframe)
        self._run("freqtrade", command, "--strategy", variant, "--no-color", *where, *config, *options)
        return time.perf_counter() - began

    def _config(self, names: tuple[str, ...]) -> list[object]:
        return [part for name in names for part in ("-c", self._user_data / name)]

    def _parameters(self, timeframe: str) -> Path:
        return self._folder / f"parameters-{timeframe}"

    def _run(self, program: str, *arguments: object) -> None:
        """Run a program of this installation away from the checkout.

        Raises
        ------
        Failed
            If it ends with an error.
        """
        command = [str(PROGRAMS / program), *map(str, arguments)]
        ended = subprocess.run(
            command, check=False, cwd=self._folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=1800
        )
        if ended.returncode:
            raise Failed(" ".join((ended.stdout + ended.stderr)[-600:].split()))


def _addresses(url: str) -> dict[str, Any]:
    return {"public": url, "private": url, "ws": {"public": url.replace("http", "ws", 1) + "/ws"}}


def _backtest_result(folder: Path) -> dict[str, Any]:
    """What Freqtrade exported last."""
    name = Path(orjson.loads((folder / ".last_result.json").read_bytes())["latest_backtest"])
    with zipfile.ZipFile(folder / name) as archive:
        result: dict[str, Any] = orjson.loads(archive.read(name.with_suffix(".json").name))
    return result


if __name__ == "__main__":
    main()
