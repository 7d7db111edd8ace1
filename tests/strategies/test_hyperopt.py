"""Hyperopt of a variant as a user runs it, with two worker processes and the project's own loss."""

import subprocess
import sys

import orjson
import pytest

from tests.live_bot import ROOT, merged
from tests.puppet_market import live_config
from tests.strategies.conftest import candles, history, store

pytestmark = pytest.mark.slow


def test_workers_load_a_variant_and_try_its_parameters(venue, tmp_path):
    """Three epochs end with a result in the variant's own space; nothing is missing in a worker process."""
    store(tmp_path, candles(360), history(360))
    private = tmp_path / "private.json"
    changes = {"dry_run": True, "fee": 0.00015, "market_making": {"sides": "alternate"}}
    private.write_bytes(orjson.dumps(merged(live_config(venue.url, tmp_path), changes)))
    command = [
        sys.executable,
        "-m",
        "freqtrade",
        "hyperopt",
        "--strategy",
        "Glft",
        "--spaces",
        "quote",
        "--epochs",
        "3",
    ]
    command += ["--hyperopt-loss", "MarketMakingLoss", "-j", "2", "--disable-param-export", "--no-color", "--print-all"]
    command += ["--userdir", str(ROOT / "user_data"), "--datadir", str(tmp_path / "data")]
    command += ["--config", str(ROOT / "user_data" / "config.json"), "--config", str(private)]
    ended = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert ended.returncode == 0, (ended.stdout + ended.stderr)[-3000:]
    assert "risk_aversion" in ended.stdout + ended.stderr
