"""The page's server only reads, tells no secret, and shows what the programs have written."""

import json
import os
import sys
from contextlib import ExitStack, closing, suppress
from itertools import product

import pytest
import requests

from market_making.ops.demo.processes import Programs, free_port
from market_making.safety.state_file import BotState, write_state
from tests.dashboard.served import Served
from tests.dashboard.written import PAIR, PRICE, bot_state, pair_state, write_all, write_decisions
from tests.polling import until

NOW_MS = 1_795_700_000_000
ADDRESSES = (
    "/",
    "/page.css",
    "/page.js",
    "/views.js",
    "/draw.js",
    "/api/view?show=coins",
    "/api/view?show=safety",
    f"/api/view?show=pair&bot=bot&pair={PAIR}",
    f"/api/samples?bot=bot&pair={PAIR}",
    f"/api/fills?bot=bot&pair={PAIR}",
    "/api/calibrations?coin=ETH",
    "/api/scan",
    "/api/replays",
    "/metrics",
)


@pytest.fixture
def serve():
    """Serve the page of a folder; every server ends with the test."""
    with ExitStack() as stack:
        yield lambda settings, at_ms=NOW_MS: stack.enter_context(closing(Served(settings, lambda: at_ms)))


@pytest.fixture
def settings(tmp_path):
    """Of a system that runs."""
    return write_all(tmp_path, NOW_MS)


def test_every_other_method_is_refused(serve, settings):
    """405 and what is allowed, also where there is nothing."""
    client = serve(settings)
    methods = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
    for address, method in product([*ADDRESSES, "/api/stream", "/nothing"], methods):
        answer = client.request(method, address)
        assert (address, method, answer.status_code) == (address, method, 405)
        assert answer.headers["allow"] == "GET, HEAD"


def test_no_answer_may_load_or_be_loaded_from_elsewhere(serve, settings):
    """The policy holds for every answer, and GET and HEAD agree."""
    client = serve(settings)
    for address in ADDRESSES:
        _is_closed(client, address)


def _is_closed(client, address):
    answer, head = client.get(address), client.request("HEAD", address)
    assert answer.status_code == head.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'")
    assert "frame-ancestors 'none'" in policy
    assert "http:" not in answer.text.replace("http://www.w3.org/2000/svg", "")
    assert "https:" not in answer.text


def test_another_name_for_this_machine_is_refused(serve, settings):
    """A foreign page cannot read it through a name that it has pointed at 127.0.0.1."""
    client = serve(settings)
    assert client.request("GET", "/api/view", headers={"host": "evil.example"}).status_code == 400
    assert client.request("GET", "/api/view", headers={"host": "localhost:8090"}).status_code == 200


def test_no_answer_holds_a_key_a_password_or_an_address(serve, settings, tmp_path):
    """Secrets that lie beside the state files stay there; paths of databases too."""
    key, password, address = "ab" * 32, "correct-horse-battery", "0x" + "a5" * 20
    private = {"exchange": {"walletAddress": address, "privateKey": key}, "api_server": {"password": password}}
    secret = json.dumps(private)
    for name in ("config-private.json", "state/config-private.json", "parameters/ETH.json", "logs/decisions/x.json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(secret)
    client = serve(settings)
    client.watcher.read()
    for target in (*ADDRESSES, "/config-private.json", "/../config-private.json", "/page/../../config-private.json"):
        text = client.get(target).text
        assert not any(word in text for word in (key, password, address, "secret-place"))


def test_a_name_that_leads_elsewhere_is_nobodys(serve, settings):
    """404, and no file outside its folder is opened."""
    client = serve(settings)
    for name in ("../bot", "..", "a/b", "*", "bot?", "", ".hidden", "a\\b"):
        _is_nobody(client, name)


def _is_nobody(client, name):
    assert client.get("/api/fills", bot=name, pair=PAIR).status_code == 404
    assert client.get("/api/calibrations", coin=name).status_code == 404


def test_the_terms_are_those_of_the_state_file_and_sum_to_the_resting_price(serve, settings):
    """Nothing is computed anew."""
    client = serve(settings)
    order = client.get("/api/view", show="pair", bot="bot", pair=PAIR).json()["pair"]["resting"]
    assert order["planned_mid"] - sum(order["terms"].values()) == pytest.approx(order["price"], abs=1e-9)
    assert order["price"] == PRICE


def test_an_unknown_pair_is_said_to_be_missing(serve, settings):
    """The page shows the sentence."""
    client = serve(settings)
    answer = client.get("/api/view", show="pair", bot="other", pair=PAIR).json()
    assert answer["missing"] == f"no bot called 'other' has written of '{PAIR}' here"
    assert {program["name"] for program in answer["header"]["programs"]} == {"bot", "calibrator", "collector"}


def test_without_any_file_it_says_what_to_start(serve, tmp_path):
    """An empty folder is where everybody begins."""
    client = serve(write_all(tmp_path, NOW_MS).model_copy(update={"state": tmp_path / "none"}))
    missing = client.get("/api/view").json()["header"]["missing"]
    assert [each["command"].split()[:2] for each in missing] == [
        ["mm", "collect"],
        ["mm", "calibrate"],
        ["freqtrade", "trade"],
    ]


def test_fifty_pairs_are_shown_and_the_rest_is_counted(serve, tmp_path):
    """A page of any length would be slow to read and to send."""
    client = serve(write_all(tmp_path, NOW_MS, tuple(f"C{number}" for number in range(60))))
    shown = client.get("/api/view").json()["coins"]
    assert (len(shown["pairs"]), shown["left_out"]) == (50, 10)


def test_a_sample_is_kept_once_and_half_an_hour_of_them(serve, settings):
    """A state that was not written again is no second sample."""
    client = serve(settings)
    client.watcher.read()
    for second in range(1, 2_000):
        pairs = (pair_state("ETH", NOW_MS, inventory=float(second)),)
        client.watcher.samples.take(bot_state(NOW_MS + 1_000 * second, pairs))
    columns = client.get("/api/samples", bot="bot", pair=PAIR).json()
    assert len(columns["time_ms"]) == 1_800
    assert columns["inventory"][-1] == 1_999
    assert columns["ask"][-1] is None
    assert columns["bid"][-1] == PRICE


def test_decisions_are_the_newest_of_the_pair_and_a_torn_line_costs_no_other(serve, settings):
    """Plans and lines of other pairs are left out."""
    lines = [
        {"time_ms": k, "event": event, "side": "bid", "price": 1.0} for k, event in enumerate(("place", "plan", "fill"))
    ]
    write_decisions(settings, [*lines, {"time_ms": 9, "event": "place", "pair": "BTC/USDC:USDC"}])
    with next(settings.decisions.glob("*.jsonl")).open("a") as file:
        file.write('{"event": "pla')
    client = serve(settings)
    shown = client.get("/api/view", show="pair", bot="bot", pair=PAIR).json()["pair"]["decisions"]
    assert [(line["event"], line["time_ms"]) for line in shown] == [("fill", 2), ("place", 0)]


def test_a_cancellation_is_shown_once_with_its_reason(serve, settings):
    """When it was asked for; that it was seen is said only where somebody else did it."""
    order = {"side": "bid", "price": 1.0}
    lines = [
        order | {"time_ms": 1, "event": "cancel", "order_id": "1", "reason": "too_close", "detail": "1 bps too close"},
        order | {"time_ms": 2, "event": "cancelled", "order_id": "1"},
        order | {"time_ms": 3, "event": "cancelled", "order_id": "2", "detail": "the bot has not asked for it"},
    ]
    write_decisions(settings, lines)
    shown = serve(settings).get("/api/view", show="pair", bot="bot", pair=PAIR).json()["pair"]["decisions"]
    assert [(line["time_ms"], line["event"], line["detail"]) for line in shown] == [
        (3, "cancelled", "the bot has not asked for it"),
        (1, "cancel", "1 bps too close"),
    ]


def test_fills_are_told_however_many_decisions_came_after_them(serve, settings):
    """The picture of prices shows those of the last half hour, not of the last lines."""
    place = {"event": "place", "side": "bid", "price": 1.0}
    lines = [
        {"time_ms": NOW_MS - 3_000_000, "event": "fill", "price": 1.0},
        {"time_ms": NOW_MS - 60_000, "event": "fill", "price": 2.0},
    ]
    write_decisions(settings, lines + [place | {"time_ms": NOW_MS - 1_000 + k} for k in range(200)])
    client = serve(settings)
    assert [line["price"] for line in client.get("/api/fills", bot="bot", pair=PAIR).json()] == [2.0]


def test_a_bot_that_is_silent_or_has_ended_is_not_shown_as_running(serve, settings):
    """Its age counts from what it wrote last; one that has ended is left out of the coins."""
    client = serve(settings, NOW_MS + 60_000)
    programs = {each["name"]: each["runs"] for each in client.get("/api/view").json()["header"]["programs"]}
    assert programs["bot"] == "silent"
    ended = bot_state(NOW_MS, (pair_state("ETH", NOW_MS),), stopped=True)
    assert isinstance(ended, BotState)
    write_state(settings.state, "bot", ended)
    client = serve(settings)
    assert client.get("/api/view").json()["coins"]["pairs"] == []


def test_files_that_are_broken_are_no_files(serve, settings):
    """A torn state file, a history that is none and a parameter file of nonsense: every view still answers."""
    (settings.state / "torn.json").write_text('{"schema": "1.0", "kind": "bot"')
    history = settings.parameters / "history" / "ETH"
    history.mkdir(parents=True)
    (history / "2026-11-26-1.parquet").write_bytes(b"nonsense")
    (settings.parameters / "ETH.json").write_text("{}")
    client = serve(settings)
    for address in ADDRESSES:
        assert client.get(address).status_code == 200


def test_a_tear_sheet_is_shown_in_a_sandbox(serve, settings):
    """Its own script runs, and reaches neither this page nor the network."""
    folder = settings.state.parent / "replays"
    folder.mkdir()
    (folder / "run one.html").write_text("<script>1</script>")
    client = serve(settings)
    assert [each["name"] for each in client.get("/api/replays").json()["sheets"]] == ["run one"]
    answer = client.get("/replays/run one")
    assert answer.headers["content-security-policy"].startswith("sandbox allow-scripts; default-src 'none'")
    assert client.get("/replays/other").status_code == 404


def test_the_folder_of_tear_sheets_is_named_as_it_is_typed(serve, settings, tmp_path, monkeypatch):
    """A bot that `mm init` wrote has one of its own; what lies above the folder of the page is nobody's business."""
    client = serve(settings)
    monkeypatch.chdir(tmp_path.parent)
    assert client.get("/api/replays").json()["folder"] == f"{tmp_path.name}/replays"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert client.get("/api/replays").json()["folder"] == f"…/{tmp_path.name}/replays"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_it_works_on_a_folder_that_cannot_be_written(serve, settings, tmp_path):
    """It opens nothing for writing."""
    tmp_path.chmod(0o500)
    try:
        client = serve(settings)
        client.watcher.read()
        assert client.get("/api/view").status_code == 200
    finally:
        tmp_path.chmod(0o700)


def test_it_writes_no_file(serve, settings, tmp_path):
    """What is there before is there after, byte for byte."""
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    client = serve(settings)
    client.watcher.read()
    for address in ADDRESSES:
        client.get(address)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_what_is_missing_is_started_with_the_configuration_that_was_typed(tmp_path):
    """As `mm status` says it: another bot's command would start another bot."""
    config, port = tmp_path / "bot-eth.json", free_port()
    config.write_text('{"strategy": "MarketMaking"}')
    command = [sys.executable, "-m", "market_making.ops", "dashboard", f"--port={port}"]
    command += ["-c", str(config), f"--userdir={tmp_path}"]

    def answer():
        with suppress(requests.ConnectionError), requests.Session() as session:
            session.trust_env = False
            return session.get(f"http://127.0.0.1:{port}/api/view", timeout=5).json()
        return None

    with Programs(tmp_path / "logs") as programs:
        programs.start("page", command)
        missing = until(answer, 30, "the page")["header"]["missing"]
    typed = f"--userdir {tmp_path} -c {config}"
    assert [each["command"] for each in missing] == [
        f"mm collect {typed}",
        f"mm calibrate {typed}",
        f"freqtrade trade {typed}",
    ]
