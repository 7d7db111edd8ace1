"""`mm check` finds each fault that is injected, by its own name, and lets a healthy configuration pass."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

import pytest
from eth_account import Account

from calibration.publication.document import PublishedRegime
from market_making.hyperliquid.balances import fee_fields
from market_making.hyperliquid.fees import BASE_TIER
from market_making.hyperliquid.listings import universe_fields
from market_making.market.instrument import Listing
from market_making.preflight.checks import check_all
from market_making.preflight.outcome import Result, is_safe, overridden
from market_making.preflight.subject import Subject
from market_making.safety.account_lock import release_account, take_account
from market_making.safety.kill_switch import Kill, write_kill
from market_making.safety.process_lock import hold
from market_making.settings.settings import Settings
from tests.live_bot import ROOT, merged
from tests.puppet_market import PuppetMarket, VenueThread, live_config, parameters

KEY, AGENT_KEY = "0x" + "11" * 32, "0x" + "22" * 32
ADDRESS, AGENT = Account.from_key(KEY).address.lower(), Account.from_key(AGENT_KEY).address
NOW_MS = 1_790_000_000_000
DAY_MS = 86_400_000
GOOD_FLOW = {"created_ms": NOW_MS, "valid_until_ms": NOW_MS + 60_000}


@pytest.fixture
def healthy(tmp_path):
    """A live configuration with an API wallet, one quoted coin, nothing open and nothing held."""
    parameters(**GOOD_FLOW).write(tmp_path / "parameters")
    config = {
        "dry_run": False,
        "db_url": f"sqlite:///{tmp_path}/live.sqlite",
        "stoploss": -0.1,
        "exchange": {
            "walletAddress": ADDRESS,
            "privateKey": AGENT_KEY,
            "pair_whitelist": ["ETH/USDC:USDC"],
            "ccxt_config": {"options": {"builderFee": False, "approvedBuilderFee": True, "refSet": True}},
        },
    }
    settings = Settings(account=ADDRESS, parameters=tmp_path / "parameters", state=tmp_path / "state")
    return Subject(
        config=config,
        settings=settings,
        now_ms=NOW_MS + 1_000,
        clock_offset_ms=20.0,
        answers={
            "meta": universe_fields([Listing("ETH", 4), Listing("OLD", 2, delisted=True)]),
            "allMids": {"ETH": "3000.0"},
            "userFees": fee_fields(BASE_TIER, Decimal(0), Decimal(0), "2026-11-26"),
            "userRateLimit": {"nRequestsCap": 10_000, "nRequestsUsed": 100, "nRequestsSurplus": 0},
            "userRole": {"role": "user"},
            "extraAgents": [{"name": "bot", "address": AGENT, "validUntil": NOW_MS + 90 * DAY_MS}],
            "userAbstraction": "disabled",
            "openOrders": [],
            "clearinghouseState": account("200.0"),
            "spotClearinghouseState": {"balances": []},
        },
    )


def account(worth, *positions):
    """What a dex tells of an account with these positions."""
    return {"marginSummary": {"accountValue": worth}, "assetPositions": [{"position": each} for each in positions]}


def with_answer(subject, **answers):
    """The same with other answers."""
    return replace(subject, answers=subject.answers | answers)


def with_config(subject, changes):
    """The same with other settings of Freqtrade."""
    return replace(subject, config=merged(subject.config, changes))


def with_settings(subject, **changes):
    """The same with other settings of ours."""
    return replace(subject, settings=subject.settings.model_copy(update=changes))


def stale(subject):
    """The calibrator has stopped."""
    return replace(subject, now_ms=subject.now_ms + 120_000)


def killed(subject):
    """Somebody has said `mm stop`."""
    write_kill(subject.settings.state, Kill(NOW_MS, False, "test"))
    return subject


FAULTS = {
    "configuration": lambda it: replace(it, refusals=("stoploss must lie between -1 and 0, got 1",)),
    "network": lambda it: replace(it, network_error="meta: refused"),
    "clock": lambda it: replace(it, clock_offset_ms=-45_000.0),
    "clock ahead": lambda it: replace(it, clock_offset_ms=45_000.0),
    "clock unknown": lambda it: replace(it, clock_offset_ms=None),
    "builder-fee": lambda it: with_config(it, {"exchange": {"ccxt_config": {"options": {"builderFee": True}}}}),
    "database": lambda it: with_config(it, {"db_url": None}),
    "api-server": lambda it: with_config(it, {"api_server": {"enabled": True, "listen_ip_address": "0.0.0.0"}}),
    "api-server password": lambda it: with_config(
        it, {"api_server": {"enabled": True, "listen_ip_address": "127.0.0.1", "password": "freqtrader"}}
    ),
    "legs": lambda it: with_settings(it, sides="long_leg"),
    "kill-switch": killed,
    "account": lambda it: with_settings(it, account=None),
    "signer": lambda it: with_config(it, {"exchange": {"privateKey": "0x" + "33" * 32}}),
    "signer malformed": lambda it: with_config(it, {"exchange": {"privateKey": "0x…"}}),
    "signer expiring": lambda it: with_answer(
        it, extraAgents=[{"name": "bot", "address": AGENT, "validUntil": NOW_MS + DAY_MS}]
    ),
    "account-mode": lambda it: with_answer(it, userAbstraction="unifiedAccount"),
    "fee-ETH": lambda it: with_settings(it, model=type(it.settings.model)(maker_fee=0.0)),
    "fee-tier unknown": lambda it: with_answer(it, userFees={}),
    "action-budget": lambda it: with_answer(it, userRateLimit={"nRequestsCap": 10_000, "nRequestsUsed": 9_800}),
    "open-orders": lambda it: with_answer(it, openOrders=[{"oid": 7, "coin": "ETH"}]),
    "positions": lambda it: with_answer(it, clearinghouseState=account("200.0", {"coin": "BTC", "szi": "0.1"})),
    "funds": lambda it: with_answer(it, clearinghouseState=account("20.0")),
    "minimum-order": lambda it: with_settings(it, model=type(it.settings.model)(order_notional=11)),
    "listed-OLD": lambda it: with_config(it, {"exchange": {"pair_whitelist": ["ETH/USDC:USDC", "OLD/USDC:USDC"]}}),
    "listed-NONE/USDC:USDC": lambda it: with_config(it, {"exchange": {"pair_whitelist": ["NONE/USDC:USDC"]}}),
    "price-grid-ETH": lambda it: with_answer(it, allMids={"ETH": "1005.0"}),
    "calibration-ETH": stale,
    "calibration-ETH level": lambda it: with_answer(it, allMids={"ETH": "30000.0"}),
}


def test_a_healthy_configuration_passes(healthy):
    """Every check passes, and the start is safe."""
    outcomes = check_all(healthy)
    assert [each for each in outcomes if each.result is not Result.PASSED] == []
    assert is_safe(outcomes)


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found_by_its_own_check(fault, healthy):
    """The check of that name does not pass, says what to do, and alone makes the start unsafe unless it is forced."""
    name = fault.split()[0]
    outcomes = check_all(FAULTS[fault](healthy))
    bad = {each.name: each for each in outcomes if each.result is not Result.PASSED}
    assert name in bad
    assert bad[name].remedy
    assert not is_safe(outcomes)
    assert is_safe(outcomes, forced=bad)
    assert {each.name for each in overridden(outcomes, bad)} == set(bad)


def failed(subject):
    """Names of the checks that fail."""
    return [each.name for each in check_all(subject) if each.result is Result.FAILED]


def test_a_bot_that_runs_is_told_as_such(healthy, tmp_path):
    """By the process and since when; the configuration has no fault by it, nor has its API's port another name."""
    folder = tmp_path / "state"
    path = take_account(folder, ADDRESS)
    release_account(path)
    handle = hold(path)
    try:
        (told,) = [each for each in check_all(healthy) if each.result is Result.FAILED]
        assert (told.name, f"process {os.getpid()}" in told.reason) == ("not-running", True)
        assert failed(with_config(healthy, {"dry_run": True})) == []
    finally:
        os.close(handle)
    assert failed(healthy) == []


def test_a_command_that_mends_names_what_was_typed(healthy):
    """Else it would publish into the folder of another bot."""
    typed = replace(stale(healthy), as_typed=" -c bot-eth.json")
    (outcome,) = [each for each in check_all(typed) if each.name == "calibration-ETH"]
    assert outcome.remedy == "mm calibrate --coin ETH -c bot-eth.json"


def test_a_taken_port_of_the_api_is_found(healthy):
    """Freqtrade would wait for it for ever."""
    secrets = {"password": "a long one of the user's own", "jwt_secret_key": "x" * 40, "ws_token": "y" * 40}
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        server = {"enabled": True, "listen_ip_address": "127.0.0.1", "listen_port": other.getsockname()[1]} | secrets
        subject = with_config(healthy, {"api_server": server})
        assert failed(subject) == ["api-port"]
    assert failed(subject) == []


def test_a_full_disk_is_found(healthy, monkeypatch):
    """Less than a gigabyte: the bot records and logs."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0.9e9))
    assert failed(healthy) == ["disk"]


@pytest.mark.parametrize("regime", ["quote", "pause"])
def test_a_coin_that_costs_money_at_this_tier_is_found(healthy, tmp_path, regime):
    """By a fee that is higher than what the model expects to earn, or by a regime in which nothing is quoted."""
    changes = {"regime": PublishedRegime(toxicity_buy=0.5, toxicity_sell=0.5, state=regime)}
    parameters(**GOOD_FLOW, **changes).write(tmp_path / "parameters")
    fee = 0.01 if regime == "quote" else 0.00015
    model = type(healthy.settings.model)(maker_fee=fee)
    assert failed(with_settings(healthy, model=model)) == ["profitable-ETH"]


def test_the_list_of_checks_is_the_one_of_the_documents(healthy):
    """Every check that a healthy configuration passes stands in commands.md."""
    text = (ROOT / "commands.md").read_text()
    assert [each.name for each in check_all(healthy) if f"`{each.name.replace('-ETH', '-COIN')}`" not in text] == []


def test_a_clock_that_is_right_is_not_minus_zero_off(healthy):
    """Half a millisecond behind is told as none."""
    (clock,) = (each for each in check_all(replace(healthy, clock_offset_ms=-0.4)) if each.name == "clock")
    assert clock.reason == "the exchange's clock is +0 ms from this machine's"


def test_no_answer_at_all_is_unknown_and_not_safe(healthy):
    """Where the exchange is silent nothing about account and market passes."""
    outcomes = check_all(replace(healthy, answers={}, clock_offset_ms=None, network_error="meta: refused"))
    results = {each.name: each.result for each in outcomes}
    assert {results[name] for name in ("fee-tier", "open-orders", "positions", "listed-ETH")} == {Result.UNKNOWN}
    assert not is_safe(outcomes)


@pytest.mark.parametrize("question", ["meta", "allMids", "userFees", "userRateLimit", "openOrders", "extraAgents"])
@pytest.mark.parametrize("answer", [None, [], {}, 7, "text", [None], {"universe": [None]}])
def test_an_odd_answer_never_hides_another_check(question, answer, healthy):
    """Every check still has its row, whatever one answer looks like."""
    names = {each.name for each in check_all(healthy)}
    odd = check_all(with_answer(healthy, **{question: answer}))
    assert names <= {each.name for each in odd} | {"profitable-ETH"}


def test_a_database_that_is_none_is_told_and_hides_nothing(healthy, tmp_path):
    """Neither orders nor positions are known then, and that is not safe."""
    (tmp_path / "live.sqlite").write_bytes(b"this is no database " * 100)
    results = {each.name: each for each in check_all(healthy)}
    for name in ("open-orders", "positions"):
        assert results[name].result is Result.UNKNOWN
        assert "live.sqlite" in results[name].reason
    assert "listed-ETH" in results


def test_orders_and_positions_of_the_own_database_are_known(healthy, tmp_path):
    """What the bot's database holds is nobody else's."""
    with closing(sqlite3.connect(tmp_path / "live.sqlite")) as database:
        database.execute(
            "CREATE TABLE orders (order_id TEXT, ft_is_open INTEGER, ft_pair TEXT, ft_order_side TEXT, ft_price REAL, "
            "ft_amount REAL, filled REAL)"
        )
        database.execute(
            "CREATE TABLE trades (pair TEXT, amount REAL, is_short INTEGER, is_open INTEGER, leverage REAL)"
        )
        database.execute("INSERT INTO orders VALUES ('7', 1, 'ETH/USDC:USDC', 'buy', 3000, 0.1, 0)")
        database.execute("INSERT INTO orders VALUES ('8', 0, 'ETH/USDC:USDC', 'buy', 3000, 0.1, 0)")
        database.execute("INSERT INTO trades VALUES ('ETH/USDC:USDC', 0.1, 1, 1, 1.0)")
        database.commit()
    held = account("200.0", {"coin": "ETH", "szi": "-0.1"})
    subject = with_answer(healthy, openOrders=[{"oid": 7}], clearinghouseState=held)
    assert is_safe(check_all(subject))
    for fault in (
        {"openOrders": [{"oid": 7}, {"oid": 8}]},  # the database has taken it for ended
        {"clearinghouseState": account("200.0", {"coin": "ETH", "szi": "-0.2"})},
        {"clearinghouseState": account("200.0")},  # somebody has closed it
    ):
        assert not is_safe(check_all(with_answer(subject, **fault)))


@pytest.mark.slow
def test_the_command_passes_on_the_venue_and_refuses_a_placeholder(tmp_path):
    """As a program, with Freqtrade loading the configuration and the local venue answering."""
    now_ms = round(time.time() * 1e3)
    with VenueThread(PuppetMarket()) as venue:
        extra = {"exchange": {"ccxt_config": {"options": {"builderFee": False, "refSet": True}}}}
        config = merged(live_config(venue.url, tmp_path), extra)
        parameters(created_ms=now_ms, valid_until_ms=now_ms + 600_000).write(tmp_path / "parameters")
        (tmp_path / "private.json").write_text(json.dumps(config))
        command = [sys.executable, "-m", "market_making.ops", "check", "--json"]
        command += ["-c", str(ROOT / "user_data" / "config.json"), "-c", str(tmp_path / "private.json")]
        environment = os.environ | {"NO_PROXY": "127.0.0.1"}
        good = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
        told = json.loads(good.stdout)
        assert [each for each in told["checks"] if each["result"] != "passed"] == []
        assert (good.returncode, told["ok"]) == (0, True)
        lock = take_account(tmp_path / "state", ADDRESS)  # as the bot that runs
        beside = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
        release_account(lock)
        failed = [each for each in json.loads(beside.stdout)["checks"] if each["result"] != "passed"]
        assert [each["name"] for each in failed] == ["not-running"]
        config["cancel_open_orders_on_exit"] = False
        (tmp_path / "private.json").write_text(json.dumps(config))
        bad = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
        assert bad.returncode == 4
        failed = [each for each in json.loads(bad.stdout)["checks"] if each["result"] != "passed"]
        assert [each["name"] for each in failed] == ["configuration"]
        assert "cancel_open_orders_on_exit must be true" in failed[0]["reason"]
