"""A newcomer's folder: a fresh clone, the local exchange in place of the network, and a shell for each command."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from market_making.market.clock import now_ms
from market_making.ops.demo.processes import Programs, free_port
from market_making.ops.local_account import ThrowAwayAccount, exchange_section
from market_making.settings.files import load_all
from market_making.simulation.presets import default_truths
from market_making.simulation.simulation import SimulatedSource
from market_making.venue.markets.prehistory import Playback
from tests.documents.printed import ROOT
from tests.documents.rules import Ends, Serves
from tests.documents.shells import Shell
from tests.polling import until

COINS = ("ETH", "BTC")
OTHERS = ("xyz:NVDA", "HYPE/USDC")  # that the exchange lists, too
# In a shell of its own a program hears Ctrl-C, also where these tests run in the background and do not.
_LISTENING = ("env", "--default-signal=INT")
RECORDED_UNTIL_MS = 1_757_016_060_000  # a minute after the example of the documents, 2025-09-04T20:00:00
RECORDED_S, DAY_MS = 2400.0, 86_400_000


class Newcomer:
    """Types commands as they are printed.

    Parameters
    ----------
    folder : Path
        Empty; the clone is made in it.
    shell : Shell
        What runs the commands; the machine's own unless it is another.
    """

    def __init__(self, folder: Path, shell: Shell | None = None) -> None:
        self._shell = shell or Shell()
        self.clone = folder / "clone"
        self.recording = folder / "recording"
        self._accounts = [ThrowAwayAccount.new() for _ in range(3)]
        self._port = free_port()
        self._programs = Programs(folder / "logs")
        self._served: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._number = 0

    def __enter__(self) -> "Newcomer":
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for name in listed.splitlines():
            (self.clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.clone / name)
        self._record()
        self._start_exchange()
        self._write_configurations()
        self._shell.enter(self.clone)
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self.end_services()
        finally:
            self._programs.__exit__(None, None, None)

    def _record(self) -> None:
        """The day that the documents name and the one before, and yesterday: a study needs two days."""
        own, yesterday_ms = self.clone / "user_data" / "market_data", now_ms() - DAY_MS
        recorded = (
            (self.recording, RECORDED_UNTIL_MS - DAY_MS),
            (self.recording, RECORDED_UNTIL_MS),
            (own, yesterday_ms),
        )
        for root, until_ms in recorded:
            source = SimulatedSource(default_truths(list(COINS)))
            Playback.prepare(source, root=root, now_ms=until_ms, seconds=RECORDED_S)

    def _start_exchange(self) -> None:
        command = [sys.executable, "-m", "market_making.ops", "venue", "--simulate", f"--port={self._port}"]
        command += [f"--prehistory={self.clone / 'user_data' / 'market_data'}", "--weight-limit=0"]
        command += [word for coin in (*COINS, *OTHERS) for word in ("--coin", coin)]
        command += [word for account in self._accounts for word in ("--account", account.address)]
        self._programs.start("exchange", command)
        log = self._programs.log("exchange")
        until(lambda: "Hyperliquid, local" in log.read_text(), 60, "the exchange")

    def _write_configurations(self) -> None:
        user_data, url = self.clone / "user_data", f"http://127.0.0.1:{self._port}"
        config = load_all([user_data / "config.json"])
        local = exchange_section(url, *self._accounts[0], COINS[:1])["ccxt_config"]
        local["options"] |= config["exchange"]["ccxt_config"]["options"]
        config["exchange"]["ccxt_config"] = local
        config["market_making"]["url"] = url
        (user_data / "config.json").write_text(json.dumps(config, indent=2))
        for name, account in zip(("LONG", "SHORT"), self._accounts[1:], strict=True):
            shutil.copy(user_data / f"config-{name.lower()}.json", self.clone / f"{name}.json")
            self._write_private(self.clone / f"PRIVATE-{name}.json", account, f"{name.lower()}-leg")

    def _write_private(self, path: Path, account: ThrowAwayAccount, database: str) -> None:
        exchange = exchange_section(f"http://127.0.0.1:{self._port}", *account, COINS[:1])
        private = {"dry_run": False, "db_url": f"sqlite:///user_data/{database}.sqlite", "exchange": exchange}
        path.write_text(json.dumps(private))

    def type(self, command: str, rule: Ends | Serves) -> None:
        """Run a command; a service goes on until the end of its block.

        Raises
        ------
        AssertionError
            If it does not do what its rule says, with what it has printed.
        """
        if "mm init" in command and "--name" not in command:
            for old in (self.clone / "user_data").glob("bot-eth*"):  # "To start again, remove user_data/bot-eth*"
                shutil.rmtree(old) if old.is_dir() else old.unlink()
        self._number += 1
        log = self.clone.parent / f"{self._number:02d}.log"
        said = self._filled(command)
        if isinstance(rule, Ends):
            self._run(said, rule, log)
        else:
            self._serve(said, rule, log)
        self._after(command)

    def _run(self, said: str, rule: Ends, log: Path) -> None:
        words = f"{said} {rule.shortened}"
        with log.open("wb") as output:
            typed = subprocess.run(
                self._shell.words(words), cwd=self.clone, env=self._shell.environment, stdout=output, stderr=output,
                input=rule.answers.encode(), timeout=rule.seconds, check=False,
            )  # fmt: skip
        assert typed.returncode in rule.status, f"{words}\nended with {typed.returncode}\n{_end(log)}"

    def _serve(self, said: str, rule: Serves, log: Path) -> None:
        self._end_same(said)
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*_LISTENING, *self._shell.words(f"exec {said}")], cwd=self.clone, env=self._shell.environment,
                stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        self._served.append((said, process))

        def ready() -> bool:
            assert process.poll() is None, f"{said}\nended with {process.returncode}\n{_end(log)}"
            return re.search(rule.ready, log.read_text(errors="replace")) is not None

        try:
            until(ready, rule.seconds, rule.ready)
        except AssertionError as error:
            raise AssertionError(f"{said}\n{error}\n{_end(log)}") from None

    def end_services(self) -> None:
        """Ctrl-C in every shell, the last first.

        Raises
        ------
        AssertionError
            If one of them does not end by it.
        """
        self._interrupt(self._served)
        self._served = []

    def _end_same(self, said: str) -> None:
        """Lines of one block may be alternatives: a second `mm collect` is typed after the first has been stopped."""
        words = said.split()[:2]
        same = [each for each in self._served if words[0] == "mm" and each[0].split()[:2] == words]
        self._served = [each for each in self._served if each not in same]
        self._interrupt(same)

    @staticmethod
    def _interrupt(served: list[tuple[str, subprocess.Popen[bytes]]]) -> None:
        left = []
        for said, process in reversed(served):
            if process.poll() is not None:
                continue  # that has been said
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                left.append(said)
        assert left == [], f"they did not end by Ctrl-C: {left}"

    def _after(self, command: str) -> None:
        """What a person does then, because the document says so."""
        if command.startswith("cp ") and "config-private.json" in command:
            self._write_private(self.clone / "user_data" / "config-private.json", self._accounts[0], "live")

    def _filled(self, command: str) -> str:
        """What is printed in capitals stands for something of one's own."""
        key, address = f"0x{self._accounts[0].private_key.removeprefix('0x')}", self._accounts[0].address
        runs = sorted((self.clone / "user_data" / "demo").glob("*/"))
        candles = self.clone / "user_data" / "data" / "hyperliquid" / "futures"
        path = candles if "candles --from" in command or "train-volatility" in command else self.clone / "user_data"
        meanings: Sequence[tuple[str, Any]] = (
            (r"MM_PRIVATE_KEY=0x…", f"MM_PRIVATE_KEY={key}"),
            (r"0x…", address),
            (r"\bROOT\b", self.recording),
            (r"\bDIR\b", self.clone.parent / "calibrated"),
            (r"\bFILE\.png", self.clone.parent / "picture.png"),
            (r"(?<!\w)PATH\b", path),
            (r"user_data/demo/\d{8}-\d{6}", runs[-1] if runs else "user_data/demo"),
        )
        for pattern, meaning in meanings:
            command = re.sub(pattern, str(meaning), command)
        return command


def _end(log: Path) -> str:
    return log.read_text(errors="replace")[-2500:]


def written_variant(text: str) -> str:
    """The strategy that a document shows."""
    (code,) = re.findall(r"^```python\n(.*?class FixedSpread.*?)^```", text, re.DOTALL | re.MULTILINE)
    return str(code)


def written_study(text: str) -> str:
    """The study that a document shows, cut to the two days of the recording and to two trials."""
    (study,) = re.findall(r"^```yaml\n(# study.yaml\n.*?)^```", text, re.DOTALL | re.MULTILINE)
    for key, least in (("train_days", 1), ("trials", 2)):
        study, found = re.subn(rf"^{key}: \d+", f"{key}: {least}", study, flags=re.MULTILINE)
        assert found == 1, key
    return str(study)
