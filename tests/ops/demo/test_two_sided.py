"""What a two-sided demo configures, and what it tells of both legs."""

import io

import orjson
import pytest
from click.testing import CliRunner
from eth_account import Account
from rich.console import Console

from market_making.ops.command_line import main
from market_making.ops.demo.run import DemoOptions, Observations
from market_making.ops.demo.schedule import Schedule
from market_making.ops.demo.two_sided import TwoSidedDemo
from market_making.ops.demo.two_sided_summary import show_legs, show_places, summarise_legs
from market_making.preflight.leg_checks import checks_of_several
from market_making.preflight.outcome import Result
from market_making.preflight.subject import Subject
from market_making.settings.files import load_all
from market_making.settings.settings import Settings

BID, ASK = {"side": "B", "coin": "ETH", "limitPx": "1000"}, {"side": "A", "coin": "ETH", "limitPx": "1001"}


@pytest.fixture
def run(tmp_path):
    return TwoSidedDemo(DemoOptions(Schedule(1), ("ETH",), root=tmp_path), lambda *_: None)


def audit(order, **changes):
    """The venue's account of a leg that has rested for a minute, and has filled and cancelled a little."""
    figures = {
        **{"orders": [order], "positions": {}, "fills": [{"oid": 1, "coin": "ETH", "time_ms": 500, "price": 1000.0}]},
        **{"orders_by_tif": {"Alo": 5}, "cancels": 3, "round_trips": 1, "volume": 200.0, "fees": 0.03, "net_pnl": 0.1},
        **{"rejected": 0, "actions": 8, "taker_fills": 0, "open_orders": 0, "equity": 10_000.1},
        "fill_to_quote_ms_median": 300,
        "resting_s": {"bid_only": 30.0, "ask_only": 30.0, "both": 0.0, "none": 1.0},
    }
    figures["fills"][0]["is_taker"] = False
    return figures | changes


def played(run, **changes):
    """Two samples of both legs."""
    run.audits = {"long": audit(BID), "short": audit(ASK, equity=9_000.0, **changes)}
    for time_s in (0.0, 1.0):
        run.samples.take(time_s, run.audits)
    return Observations(published={("ETH", 1)}, audit=run.audits["long"], traded_s=60.0)


def test_both_legs_are_summed_and_set_beside_each_other(run):
    """Programs find the figures of the contract, each leg, and the transfer that evens their capital."""
    summary = summarise_legs(run, played(run))
    assert (summary["quotes_placed"], summary["fills"], summary["net_pnl"]) == (10, 2, 0.2)
    assert (summary["both_sides_share"], summary["post_only_share"], summary["minutes"]) == (1.0, 1.0, 1.0)
    assert summary["legs"]["short"]["fees"] == 0.03
    assert summary["transfer"]["source"] == "long"
    assert summary["failures"] == []
    out = io.StringIO()
    show_legs(Console(file=out, width=120), run, summary)
    for text in ("+0.1000", "+0.2000", "100.0%", "transfer 500.05 USDC", "all is well"):
        assert text in out.getvalue()


def test_what_a_leg_leaves_open_fails_the_run(run):
    """The legs are judged together, and one by one where that is not enough."""
    seen = played(run, open_orders=1, orders_by_tif={"Alo": 4, "Gtc": 1})
    assert [text.split(" ")[0] for text in summarise_legs(run, seen)["failures"]] == ["only", "1"]
    assert summarise_legs(run, Observations())["failures"]


def test_without_the_venue_it_says_so(run):
    """Nothing was measured then."""
    assert summarise_legs(run, Observations(failures=["no venue"]))["failures"] == [
        "no venue",
        "the exchange was never reached",
    ]


def test_the_legs_are_configured_as_two_legs_have_to_be(run):
    """`mm check` of both finds nothing; the short leg is a sub-account that a wallet of its owner signs for."""
    run._url = "http://127.0.0.1:1"
    run._write_config()
    subjects = []
    for leg in run.legs:
        config = load_all(leg.configs)
        subjects.append(Subject(config, Settings.from_files(leg.configs), 0))
    assert [each for each in checks_of_several(subjects) if each.result is not Result.PASSED] == []
    exchange = orjson.loads(run.legs[1].files.config.read_bytes())["exchange"]
    assert exchange["walletAddress"] == exchange["ccxt_config"]["options"]["vaultAddress"]
    wallet = Account.from_key(exchange["privateKey"]).address
    owner, sub = run.legs[0].credentials.address, exchange["walletAddress"]
    assert {f"--agent={owner}:{wallet}", f"--sub-account={owner}:{sub}"} < set(run._accounts())


def test_it_says_where_to_look_and_keeps_its_secrets(run):
    """The API of each leg, and what shows both; no key and no password."""
    out = io.StringIO()
    show_places(Console(file=out, width=60), run)
    for leg in run.legs:
        assert f"http://127.0.0.1:{leg.port}/" in out.getvalue()
        assert leg.credentials.private_key not in out.getvalue()
    assert run.credentials.password not in out.getvalue()


def test_two_demos_at_once_are_refused():
    """Comparing and two sides are different runs."""
    result = CliRunner().invoke(main, ["demo", "--compare", "--two-sided"])
    assert result.exit_code == 2
    assert "two demos" in result.output
