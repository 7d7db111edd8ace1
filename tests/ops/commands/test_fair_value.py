"""`mm fair-value`, as typed: two venues whose clocks and ways differ, recorded on one machine."""

import json

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner

from market_making.market.tape import QuoteTape, Tape
from market_making.ops.command_line import main
from market_making.recording.store.segments import write_segment
from market_making.recording.streams import SCHEMAS, Stream
from market_making.simulation.led_market import LedMarket

START_MS = 1_757_030_400_000
TRUTH = LedMarket(lead_s=0.6)
OWN_WAY_MS, LEADER_WAY_MS = 50, 250
LEADER_CLOCK_MS = 1500  # its clock is ahead by
KEYS = {"coin", "leader", "start_ms", "end_ms", "orders", "imbalance_bps", "response", "lead_s", "anchors", "gains"}


def quote_rows(quotes: QuoteTape, way_ms: int, clock_ms: int) -> pa.Table:
    """Rows of best quotes."""
    stamps = START_MS + quotes.time_ms
    columns = (stamps + clock_ms, stamps + way_ms, quotes.bid_price, quotes.bid_size, quotes.ask_price, quotes.ask_size)
    return pa.table(dict(zip(SCHEMAS[Stream.BBO].names, columns, strict=False)))


def trade_rows(tape: Tape) -> pa.Table:
    """Rows of prints, each an order of its own."""
    trades, count = tape.trades, len(tape.trades.time_ms)
    stamps, numbers = START_MS + trades.time_ms, [str(number) for number in range(count)]
    columns = {
        "exchange_ms": stamps, "local_ms": stamps + OWN_WAY_MS, "side": np.where(trades.sign > 0, "buy", "sell"),
        "price": trades.price, "size": trades.size, "trade_id": numbers, "hash": [f"0x1{number}" for number in numbers],
        "buyer": ["0x2"] * count, "seller": ["0x3"] * count, "replayed": np.zeros(count, dtype=bool),
    }  # fmt: skip
    return pa.table(columns)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """An hour of ETH here and on the venue that leads."""
    root = tmp_path_factory.mktemp("store")
    tape, leader = TRUTH.simulate(seed=1, seconds=3600)
    write_segment(root, "hyperliquid", "ETH", Stream.BBO, quote_rows(tape.quotes, OWN_WAY_MS, 0))
    write_segment(root, "hyperliquid", "ETH", Stream.TRADES, trade_rows(tape))
    ahead = quote_rows(leader, LEADER_WAY_MS, LEADER_CLOCK_MS)
    write_segment(root, "binanceusdm", "ETH", Stream.BBO, ahead)
    return root


@pytest.fixture
def mm(tmp_path, monkeypatch):
    """Run a command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(main, [str(word) for word in words])


def test_a_leader_is_worth_what_it_says_before_the_market_here_as_received(mm, store):
    """Its clock does not matter, its longer way does: of 0.6 s of lead 0.4 are left, and γ and the gain are theirs."""
    result = mm("fair-value", "ETH", "--data", store, "--leader-venue", "binanceusdm", "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document.keys() >= KEYS
    assert document["leader"] == "ETH of binanceusdm"
    assert document["lead_s"]["value"] == pytest.approx(0.4)
    assert document["lead_by_stamps_s"]["value"] == pytest.approx(0.6 - LEADER_CLOCK_MS / 1e3)
    assert (document["delay_ms"], document["leader_delay_ms"]) == (OWN_WAY_MS, LEADER_WAY_MS - LEADER_CLOCK_MS)
    assert document["response"]["value"] == pytest.approx(0.4, abs=0.04)
    assert document["anchors"] == ["leader"]
    sure = {(row["anchor"], row["age_s"]) for row in document["gains"] if row["sure"]}
    assert {("leader", age_s) for age_s in (0.0, 0.25, 0.5, 1.0)} <= sure
    assert not any(anchor == "imbalance" for anchor, _ in sure)


def test_without_a_leader_people_read_that_it_is_off(mm, store):
    """The sizes of this market tell nothing, and one line says so."""
    result = mm("fair-value", "ETH/USDC:USDC", "--data", store, "--end", "2025-09-05T00:30:00")
    assert result.exit_code == 0, result.output
    assert "ETH, 2025-09-05T00:00:00Z to 2025-09-05T00:30:00Z" in result.output
    assert "the bot's 0.45 s" in result.output
    assert result.output.splitlines()[-1] == "Off: at the age of this bot's quotes, 0.45 s, no anchor is sure to gain."


def test_people_read_how_far_the_leader_is_ahead(mm, store):
    """With the verdict that it would be worth an anchor, and that nothing quotes by it."""
    result = mm("fair-value", "ETH", "--data", store, "--leader", "ETH", "--leader-venue", "binanceusdm")
    assert "as both are received here: 0.40 [0.40, 0.40] s, surely ahead" in result.output
    assert "with the leader. Bots follow the imbalance alone, where the calibrator finds it so." in result.output


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("--leader", "ETH"), 2, "which cannot lead itself"),
        (("--leader-venue", "okx"), 3, "holds no ETH of okx"),
        (("--leader-venue", "binanceusdm", "--start", "2025-09-06T00:00:00"), 3, ""),
    ],
)
def test_a_leader_that_is_none_is_refused(mm, store, words, status, said):
    """The market itself, one that is not recorded, or not at that time."""
    result = mm("fair-value", "ETH", "--data", store, *words)
    assert result.exit_code == status, result.output
    assert said in result.output


def test_half_a_minute_is_too_little_to_tell(mm, store):
    """No number stands for what is not known."""
    words = ("fair-value", "ETH", "--data", store, "--end", "2025-09-05T00:00:30")
    assert "mid moves by (too little to tell)" in mm(*words).output
    document = json.loads(mm(*words, "--json").stdout)
    assert document["imbalance_bps"] is None
    assert document["anchors"] == []
