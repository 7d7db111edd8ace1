"""The five lines of commands.md with which a newcomer trades on the local exchange, typed as they stand there."""

import json
import re
import shlex
import subprocess
import sys
import time

import pytest
import requests

from market_making.ops.demo.processes import Programs, free_port
from market_making.settings.files import load_all
from tests.live_bot import ROOT

PROGRAMS = {"mm": [sys.executable, "-m", "market_making.ops"], "freqtrade": [sys.executable, "-m", "freqtrade"]}


def recipe(config):
    """The lines of the block, with another file, each as words of a command."""
    text = (ROOT / "commands.md").read_text()
    (block,) = re.findall(r"### Trade on it as on the real one\n.*?```\n(.*?)```", text, re.DOTALL)
    for line in block.splitlines():
        name, *words = shlex.split(line)
        yield [*PROGRAMS[name], *(str(config) if word == "user_data/local.json" else word for word in words)]


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
def test_the_five_lines_lead_to_orders_on_the_local_exchange(tmp_path, monkeypatch):
    """Venue, collector, calibrator and bot start in this order; `mm status` shows all of them."""
    monkeypatch.chdir(ROOT)
    config = tmp_path / "local.json"
    venue, collect, calibrate, trade, status = recipe(config)
    with Programs(tmp_path / "logs") as programs:
        programs.start("venue", [*venue, f"--port={free_port()}"])
        until(programs, config.exists, 60, "the configuration")
        programs.start("collect", collect)
        programs.start("calibrate", calibrate)
        until(programs, (tmp_path / "local" / "parameters" / "ETH.json").exists, 60, "a calibration")
        programs.start("trade", trade)
        private = load_all([config])
        who, url = private["exchange"]["walletAddress"], private["market_making"]["url"]

        def orders():
            return requests.get(f"{url}/audit", params={"user": who}, timeout=5).json()["orders_placed"]

        assert until(programs, orders, 60, "an order") > 0
        command = [word for word in status if word != "--watch"]
        shown = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
        document = json.loads(shown.stdout)
        assert document["collector"]["age_ms"] < 60_000
        assert document["calibrator"]["age_ms"] < 60_000
