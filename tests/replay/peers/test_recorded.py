"""Every peer places, cancels and fills what was recorded of it, bit for bit, on all three engines."""

import json
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import pytest

from market_making.market.instrument import Instrument
from market_making.replay.bot.lags import LagProfile, Lags
from market_making.replay.bot.run import ReplaySetup
from market_making.replay.engines.exchange import ExchangeEngine, WholeFillExchange
from market_making.replay.engines.hftbacktest import HftbacktestEngine
from market_making.replay.peers.catalogue import PEERS
from market_making.replay.peers.run import peer_model, replay_peer

ETH = Instrument.hyperliquid("ETH", 4)
RECORDED = json.loads(Path(__file__).with_name("recorded.json").read_text())
ENGINES = {kind.name: kind for kind in (ExchangeEngine, WholeFillExchange, HftbacktestEngine)}
LAGS = Lags(feed_ms=40, entry_ms=60, period_ms=500)  # enough loops for the samples of every peer


def told(session):
    """Counts, and a digest of all columns; what follows from a calibration's last bits is on the grid of prices."""
    columns = [column.tolist() for part in (session.orders, session.fills) for column in part]
    digest = blake2b(json.dumps(columns).encode(), digest_size=16).hexdigest()
    return {"orders": len(session.orders.price), "fills": len(session.fills.price), "digest": digest}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", PEERS)
def test_a_peer_does_what_was_recorded_of_it(simulated_settings, simulated_history, simulated_tape, engine, name):
    if engine == "hftbacktest":
        pytest.importorskip("hftbacktest")
    setup = ReplaySetup(peer_model(simulated_settings), ETH, simulated_history, ENGINES[engine])
    setup = replace(setup, lags=lambda: LagProfile(LAGS))
    (session,) = replay_peer(PEERS[name], setup, [simulated_tape]).sessions
    assert told(session) == RECORDED[engine][name]
