"""Two stock bots on an account and its sub-account make one market, whatever happens to one of them."""

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest
import requests

from market_making.market.sides import Direction
from market_making.ops.demo.freqtrade_api import FreqtradeApi
from market_making.ops.demo.leg_samples import LegSamples, self_trades
from market_making.ops.demo.processes import free_port
from market_making.venue.config import AccountConfig
from tests.live_bot import ROOT, LiveBot, merged
from tests.puppet_market import ADDRESS, OTHER_ADDRESS, OTHER_KEY, PuppetMarket, VenueThread

pytestmark = pytest.mark.slow

# The short leg trades for a sub-account with an API wallet of its owner.
SUB = "0x" + "ab" * 20
OWNED = (AccountConfig(ADDRESS, agents=(OTHER_ADDRESS,)), AccountConfig(SUB, master=ADDRESS))
FOR_SUB = {
    "exchange": {
        "walletAddress": SUB,
        "privateKey": OTHER_KEY,
        "ccxt_config": {"options": {"vaultAddress": SUB}},
    }
}
PAIR = "ETH/USDC:USDC"


class Sampler(threading.Thread):
    """Sees what rests on both legs, thirty times a second."""

    def __init__(self, venue):
        super().__init__(daemon=True)
        self.samples, self.audits = LegSamples(), {}
        self._venue, self._ended = venue, threading.Event()

    def run(self):
        while not self._ended.wait(0.03):
            reports = requests.get(f"{self._venue.url}/audit", params={"orders": "yes"}, timeout=5).json()
            by_user = {report["user"]: report for report in reports}
            self.audits = {"long": by_user[ADDRESS.lower()], "short": by_user[SUB]}
            self.samples.take(time.time(), self.audits)

    def __exit__(self, *_):
        self._ended.set()
        self.join(5)

    def __enter__(self):
        self.start()
        return self


class Legs:
    """Both bots, and what rests: ``BA`` is a bid of the long and an ask of the short leg."""

    def __init__(self, venue, folder):
        self.venue, self.folder, self.ports = venue, folder, (free_port(), free_port())
        shared = {name: str(folder / name) for name in ("parameters", "legs", "state")}
        shared["edge"] = {"socket": True}
        self.bots = []
        for leg, port, more in zip(("long", "short"), self.ports, ({}, FOR_SUB), strict=True):
            (folder / leg).mkdir()
            server = {"enabled": True, "listen_ip_address": "127.0.0.1", "listen_port": port, "username": "u"}
            server |= {"password": "p" * 20, "jwt_secret_key": "s" * 32, "ws_token": "t" * 32}
            changes = merged({"market_making": shared, "api_server": server}, more)
            changes["market_making"]["sides"] = f"{leg}_leg"  # the private file of a test comes last
            base = ("config.json", f"config-{leg}.json")
            self.bots.append(LiveBot(venue, folder / leg, changes=changes, base=base))

    def publish(self):
        self.bots[0].publish(self.folder / "parameters")

    def sides(self):
        rests = ("".join(order["side"] for order in self.venue.open_orders(user)) for user in (ADDRESS, SUB))
        return "/".join(rests)

    def held(self):
        return [self.venue.audit(user)["positions"].get("ETH", 0.0) for user in (ADDRESS, SUB)]

    def wait(self, sides, seconds, what):
        self.publish()
        return self.bots[0].wait(lambda: self.sides() == sides, seconds, f"{sides} ({what})")

    def fill(self, user):
        (order,) = self.venue.open_orders(user)
        price, is_bid = float(order["limitPx"]), order["side"] == "B"
        self.venue.market.print_trade(
            Direction.SELL if is_bid else Direction.BUY, price - 1 if is_bid else price + 1, 10.0
        )

    def api(self, number):
        return closing(FreqtradeApi(self.ports[number], "u", "p" * 20))


@pytest.mark.timeout(180)
def test_two_legs_rest_both_sides_whatever_happens_to_one(tmp_path):
    """Fills, a pause, `/forceexit` beside an addition and a stop: never both on one side, never a trade together."""
    with VenueThread(PuppetMarket(), accounts=OWNED) as venue:
        legs, seen = Legs(venue, tmp_path), Sampler(venue)
        long, short = legs.bots
        legs.publish()
        with long, short, seen:
            legs.wait("B/A", 60, "both flat")
            legs.fill(ADDRESS)
            legs.wait("A/B", 5, "the long leg leaves what it has bought, the short leg takes the bid")
            with legs.api(1) as api:
                api.lock(PAIR, "a pause")
                legs.wait("A/", 10, "the short leg may not open, so the long leg leaves alone")
                api.unlock_all()
            legs.wait("A/B", 10, "no pause any more")
            legs.fill(SUB)
            long.wait(lambda: min(legs.held()) > 0, 5, "both have bought")
            legs.wait("A/B", 5, "the long leg leaves, the short leg adds")
            with legs.api(1) as api:
                api.force_exit()
            legs.wait("B/A", 10, "/forceexit beside an addition: the short leg leaves at the touch, the long leg adds")
            legs.fill(SUB)
            legs.wait("A/B", 10, "the long leg holds, and leaves")
            (kept,) = venue.open_orders(SUB)
            legs.fill(ADDRESS)
            legs.wait("A/B", 10, "both flat")
            assert venue.open_orders(SUB) == [kept], "nobody turns who need not"
            short.stop()
            legs.wait("/", 3, "the short leg has ended, so the long leg opens nothing")
    rested = seen.samples.figures()
    assert rested.same_longest_s <= 1.0
    assert (rested.crossings, rested.double_orders, rested.gross_beyond) == (0, 0, 0)
    assert self_trades(seen.audits) == 0
    for audit in seen.audits.values():
        assert (audit["taker_fills"], audit["rejected"], set(audit["orders_by_tif"])) == (0, 0, {"Alo"})


@pytest.mark.timeout(120)
def test_a_vault_is_traded_by_a_wallet_of_its_leader(tmp_path):
    """As Freqtrade documents it: `walletAddress` and `vaultAddress` name the vault, the key is an API wallet's."""
    vault = AccountConfig(SUB, leader=ADDRESS)
    with VenueThread(PuppetMarket(), accounts=(OWNED[0], vault)) as venue:
        bot = LiveBot(venue, tmp_path, changes=merged(FOR_SUB, {"market_making": {"edge": {"socket": True}}}))
        bot.publish()
        with bot:
            bot.wait(lambda: len(venue.open_orders(SUB)) == 1, 60, "an order of the vault")
            venue.market.mid -= 1.0
            bot.wait(lambda: venue.audit(SUB)["cancels"] > 0, 10, "its cancellation")
            bot.wait(lambda: venue.audit(SUB)["orders_placed"] >= 2, 20, "the next order")
            bot.stop()
        audit = venue.audit(SUB)
        assert (audit["open_orders"], audit["rejected"], venue.audit(ADDRESS)["orders_placed"]) == (0, 0, 0)


@pytest.mark.skipif(not os.environ.get("MM_LONG_TESTS"), reason="takes three minutes: set MM_LONG_TESTS=1")
@pytest.mark.timeout(400)
def test_the_two_sided_demo_ends_well():
    """Venue, collector, calibrator, two stock bots and the guard: both sides rest, and the books of both legs agree."""
    command = [sys.executable, "-m", "market_making.ops", "demo", "--two-sided", "--minutes", "1.5", "--json"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=380, check=False)
    assert run.returncode == 0, run.stdout + run.stderr[-3000:]
    summary = json.loads(run.stdout)
    assert summary["failures"] == summary["unaccounted"] == []
    assert summary["both_sides_share"] > 0.75
    assert summary["same_side_longest_s"] <= 2
    assert (summary["crossings"], summary["self_trades"]) == (0, 0)
    assert summary["fills"] == sum(leg["fills"] for leg in summary["legs"].values()) > 0
