"""The lines of commands.md with which a newcomer trades on the local exchange, typed as they stand there."""

import json
import re
import shlex
import subprocess
import sys
import time
from contextlib import suppress

import pytest
import requests

from market_making.ops.demo.processes import Programs, free_port
from market_making.settings.files import load_all
from tests.live_bot import ROOT

PROGRAMS = {"mm": [sys.executable, "-m", "market_making.ops"], "freqtrade": [sys.executable, "-m", "freqtrade"]}


def recipe(folder, port, page_port):
    """The lines of the block, in another folder and at other ports, each as words of a command."""
    text = (ROOT / "commands.md").read_text()
    (block,) = re.findall(r"### Trade on it as on the real one\n.*?```\n(.*?)```", text, re.DOTALL)
    for line in block.splitlines():
        name, *words = shlex.split(line)
        words = [str(folder / "bot-eth.json") if word == "user_data/bot-eth.json" else word for word in words]
        words += [f"--venue-port={port}"] if words[0] == "init" else []
        words += [f"--port={page_port}"] if words[0] == "dashboard" else []
        yield [*PROGRAMS[name], *words, f"--userdir={folder}"]


def until(programs, condition, seconds, what):
    """Wait until something holds while all programs run; return it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        programs.check()
        found = condition()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"{what} not within {seconds} s")


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_lines_lead_from_nothing_to_orders_on_the_local_exchange(tmp_path, monkeypatch):
    """init, venue, collector, calibrator, check, bot and page in this order; page and `mm status` show all of them."""
    monkeypatch.chdir(ROOT)
    page = f"http://127.0.0.1:{(page_port := free_port())}"
    init, venue, collect, calibrate, check, trade, dashboard, status = recipe(tmp_path, free_port(), page_port)
    subprocess.run(init, capture_output=True, check=True)
    private = load_all([tmp_path / "bot-eth.json"])
    who, url = private["exchange"]["walletAddress"], private["market_making"]["url"]
    with Programs(tmp_path / "logs") as programs:
        programs.start("venue", venue)
        until(
            programs, lambda: "Hyperliquid, local" in (tmp_path / "logs" / "venue.log").read_text(), 60, "the exchange"
        )
        programs.start("collect", collect)
        programs.start("calibrate", calibrate)
        until(programs, (tmp_path / "bot-eth" / "parameters" / "ETH.json").exists, 60, "a calibration")
        checked = subprocess.run(check, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout
        programs.start("trade", trade)

        def orders():
            return requests.get(f"{url}/audit", params={"user": who}, timeout=5).json()["orders_placed"]

        assert until(programs, orders, 60, "an order") > 0
        programs.start("dashboard", dashboard)

        def explained():
            with suppress(requests.ConnectionError):
                query = {"show": "pair", "bot": "eth", "pair": "ETH/USDC:USDC"}
                return requests.get(f"{page}/api/view", params=query, timeout=5).json()["pair"]["resting"]
            return None

        order = until(programs, explained, 60, "a quote on the page")
        distance = abs(order["planned_mid"] - order["price"])
        assert sum(order["terms"].values()) == pytest.approx(distance, abs=1e-6)
        command = [word for word in status if word != "--watch"]
        shown = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
        document = json.loads(shown.stdout)
        assert document["collector"]["age_ms"] < 60_000
        assert document["calibrator"]["age_ms"] < 60_000
