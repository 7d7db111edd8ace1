"""A bot that is started in another folder finds its files below Freqtrade's `--userdir`."""

import json
import shutil

import pytest

from tests.live_bot import ROOT, LiveBot
from tests.puppet_market import PuppetMarket, VenueThread

PATHS = ("market_data", "parameters", "decisions", "legs", "risk", "state")


@pytest.mark.slow
def test_default_paths_follow_userdir_and_nothing_is_written_where_the_bot_was_started(tmp_path):
    """It quotes from the parameters there and keeps its logs there; the folder it was started in stays empty."""
    user_data, elsewhere = tmp_path / "there" / "user_data", tmp_path / "elsewhere"
    shutil.copytree(ROOT / "user_data" / "strategies", user_data / "strategies")
    elsewhere.mkdir()
    with VenueThread(PuppetMarket()) as venue:
        bot = LiveBot(venue, tmp_path, user_data=user_data, started_in=elsewhere)
        private = tmp_path / "private.json"
        config = json.loads(private.read_text())
        config["market_making"] = {key: value for key, value in config["market_making"].items() if key not in PATHS}
        private.write_text(json.dumps(config))
        bot.publish(user_data / "parameters")
        with bot:
            bot.wait(lambda: bool(venue.open_orders()), 60, "an order")
            bot.wait(lambda: any((user_data / "logs" / "decisions").glob("*.jsonl")), 10, "a decision")
    assert list(elsewhere.iterdir()) == []
