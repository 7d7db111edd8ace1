"""The whole product, run as a newcomer runs it."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = 5


@pytest.fixture(scope="module")
def summary():
    """The JSON summary of a short demo on the simulated market."""
    command = [sys.executable, "-m", "market_making.ops", "demo", "--minutes", "1.5", "--json"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert run.returncode == 0, run.stdout + run.stderr[-3000:]
    return json.loads(run.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_demo_that_is_told_to_end_takes_all_its_programs_with_it(number):
    """As `timeout` does, or a terminal that is closed: venue, collector, calibrator, page and Freqtrade are gone."""
    command = [sys.executable, "-m", "market_making.ops", "demo"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        below = []
        deadline = time.monotonic() + 60
        while len(below) < PROGRAMS and time.monotonic() < deadline:
            below = psutil.Process(run.pid).children(recursive=True)
            time.sleep(0.1)
        run.send_signal(number)
        said = run.communicate(timeout=60)[1]
    assert len(below) == PROGRAMS, said
    assert run.returncode == 128 + number
    assert psutil.wait_procs(below, timeout=5)[1] == []
    assert "Traceback" not in said


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_demo_quotes_both_sides_fills_and_leaves_nothing_open(summary):
    """Calibrations are published, both sides rest in turn, round trips are made, and the books agree at the end."""
    assert summary["failures"] == []
    assert summary["calibrations"] >= 4
    assert min(summary["bid_s"], summary["ask_s"]) > 0
    assert summary["round_trips"] >= 1
    assert (summary["open_orders_left"], summary["position_left"], summary["unaccounted"]) == (0, 0, [])


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_quote_of_the_demo_is_post_only_and_pays_the_maker_fee(summary):
    """Stock Freqtrade sends nothing but post-only orders, so what was paid is the maker fee on the volume."""
    assert summary["post_only_share"] == 1
    assert summary["taker_fills"] == 0 or summary["forced_exit"]
    if not summary["taker_fills"]:
        assert summary["fees"] == pytest.approx(0.00015 * summary["volume"], rel=1e-3)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_one_quote_of_the_demo_is_explained_to_the_last_tick(summary):
    """The terms in the bot's own record sum to the price that was sent."""
    quote = summary["explained"]
    assert quote["mid"] + sum(quote["steps"].values()) == pytest.approx(quote["price"], abs=1e-6)
    assert {"room", "adverse_selection", "fee"} <= set(quote["steps"])


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_summary_has_every_figure_that_programs_rely_on(summary):
    """The keys of the public contract are there."""
    promised = (
        "minutes source calibrations quotes_placed quotes_cancelled fills round_trips volume fees net_pnl "
        "post_only_share rejected actions fill_to_quote_ms_median both_sides_share open_orders_left position_left "
        "failures"
    )
    assert set(promised.split()) <= set(summary)
