"""`mm status`: the whole system on one screen, for people and for programs, also where nothing runs."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import orjson
import pytest
from click.testing import CliRunner

from market_making.market.reasons import Reason
from market_making.ops.command_line import main
from market_making.safety.kill_switch import Kill, write_kill
from market_making.safety.overview import look, overview
from market_making.safety.standing import Standing, write_standing
from market_making.safety.state_file import ActiveNotice, CalibrationState, MoneyState, write_state
from tests.safety.test_notices import BOT, CALIBRATOR, COLLECTOR, NOW_MS, PAIR

NOTICE = ActiveNotice("parameters_stale", "warning", NOW_MS, "ETH is not quoted.", "Start the calibrator.", PAIR.pair)
QUOTED = replace(PAIR, inventory=1.5, maximum_inventory=3, money=MoneyState(net=-2.5, fills=7))


def at(state, now_ms, age_s=1, **changes):
    """A state that was written a while ago."""
    return replace(state, written_ms=now_ms - round(age_s * 1e3), started_ms=now_ms - 600_000, **changes)


@pytest.fixture
def status(tmp_path, monkeypatch):
    """Run the command on a folder of its own; `write` puts states into it first."""
    monkeypatch.chdir(tmp_path)

    def run(*words, states=()):
        for number, state in enumerate(states):
            write_state(tmp_path / "user_data" / "state", f"s{number}", state)
        return CliRunner().invoke(main, ["status", *words], env={"COLUMNS": "160"}, catch_exceptions=False)

    return run


def system(**bot):
    """Everything runs; the bot differs."""
    now_ms = int(time.time() * 1e3)
    sidecars = (at(COLLECTOR, now_ms, venue="hyperliquid"), at(CALIBRATOR, now_ms, venue="hyperliquid"))
    return (*sidecars, at(replace(BOT, **{"pairs": (QUOTED,), **bot}), now_ms))


def test_where_nothing_runs_it_says_what_is_missing_and_what_starts_it(status):
    """A newcomer's first use: no error, three commands."""
    result = status()
    assert result.exit_code == 0
    for command in ("mm collect", "mm calibrate", "freqtrade trade --strategy MarketMaking"):
        assert command in result.output
    document = orjson.loads(status("--json").stdout)
    assert {
        name: document[name] for name in ("collector", "calibrator", "bots", "notices", "coins", "clock_offset_ms")
    } == {
        **dict.fromkeys(("collector", "calibrator", "clock_offset_ms")),
        **{name: [] for name in ("bots", "notices", "coins")},
    }
    assert [missing["program"] for missing in document["missing"]] == ["collector", "calibrator", "bot"]


def test_what_starts_a_program_names_the_configuration_that_was_typed(status, tmp_path):
    """Else a newcomer starts another bot than the one that was asked about, with another account and folder."""
    (tmp_path / "bot-eth.json").write_text(orjson.dumps({"strategy": "Glft"}).decode())
    (tmp_path / "plain.json").write_text("{}")
    (tmp_path / "my data").mkdir()
    words = ("-c", "bot-eth.json", "--userdir", "my data")
    document = orjson.loads(status("--json", *words).stdout)
    options = " --userdir 'my data' -c bot-eth.json"
    assert [missing["command"] for missing in document["missing"]] == [
        f"mm collect{options}",
        f"mm calibrate{options}",
        f"freqtrade trade{options}",
    ]
    assert "freqtrade trade -c bot-eth.json" in status("-c", "bot-eth.json").output
    assert "freqtrade trade --strategy MarketMaking -c plain.json" in status("-c", "plain.json").output
    quotes = CliRunner().invoke(main, ["quotes", "ETH", "-c", "plain.json"])
    assert '"mm calibrate --coin ETH -c plain.json" starts it' in quotes.output


def test_a_system_that_is_well_is_shown_on_one_screen(status):
    """Programs, pairs, what rests, what is held, the day's result; nothing is missing and nothing is the matter."""
    result = status(states=system())
    assert result.exit_code == 0
    for text in ("No notice", "collector", "calibrator", "maker", "bid 0.03 at 2999", "1.50 of 3", "-2.50"):
        assert text in result.output
    assert "This starts it" not in result.output
    assert len(result.output.splitlines()) <= 24


def test_programs_read_what_the_contract_names(status):
    """The keys of the bots, the sidecars and the notices."""
    states = system(notices=(NOTICE,), account=replace(BOT.account, money=MoneyState(net=-2.5)))
    document = orjson.loads(status("--json", states=states).stdout)
    (bot,) = document["bots"]
    assert (bot["bot"], bot["mode"], bot["day_result"]) == ("maker", "live", -2.5)
    assert 900 < bot["age_ms"] < 60_000
    (pair,) = bot["pairs"]
    assert {name: pair[name] for name in ("pair", "quoting", "reason", "inventory", "day_result", "fills")} == {
        **{"pair": "ETH/USDC:USDC", "quoting": True, "reason": None, "inventory": 1.5, "day_result": -2.5, "fills": 7}
    }
    assert 900 < document["collector"]["age_ms"] < 60_000
    assert document["calibrator"]["failures"] == []
    (notice,) = document["notices"]
    assert {name: notice[name] for name in ("name", "severity", "since_ms", "text", "remedy", "source", "pair")} == {
        **{"name": "parameters_stale", "severity": "warning", "since_ms": NOW_MS, "text": "ETH is not quoted."},
        **{"remedy": "Start the calibrator.", "source": "maker", "pair": "ETH/USDC:USDC"},
    }


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_an_alarm_ends_in_status_four(status, words):
    """A script needs to read nothing; a warning is none."""
    assert status(*words, states=system(notices=(NOTICE,))).exit_code == 0
    assert status(*words, states=system(notices=(replace(NOTICE, severity="alarm"),))).exit_code == 4


def test_a_notice_stands_before_everything_with_what_to_do(status):
    """So does the kill switch."""
    states = system(
        notices=(NOTICE,), pairs=(replace(QUOTED, quoting=False, reason=Reason.PARAMETERS_STALE, detail="too old"),)
    )
    lines = [line.strip() for line in status(states=states).output.splitlines()]
    assert lines[1:3] == ["WARNING maker: ETH is not quoted.", "Start the calibrator."]
    assert any("no: too old" in line for line in lines)


def test_the_kill_switch_is_shown_even_if_no_bot_runs(status, tmp_path):
    write_kill(tmp_path / "user_data" / "state", Kill(1, by="alice"))
    assert "The kill switch is on (by alice): `mm stop --resume` ends it." in status().output
    assert orjson.loads(status("--json").stdout)["kill_switch"]["by"] == "alice"


def test_a_bot_that_hangs_is_an_alarm_and_a_stopped_one_is_missing():
    """Only a reader can see that a file is written no more; a bot that has ended flat is no trouble."""
    now_ms = NOW_MS + 1_000_000
    hung = overview([at(BOT, now_ms, 40)], "hyperliquid", now_ms)
    assert [(said.source, said.notice.name) for said in hung.notices] == [("maker", "bot_silent")]
    assert hung.has_alarm
    ended = at(BOT, now_ms, 7_200, stopped=True, pairs=(replace(PAIR, resting=None),))
    stopped = overview([ended], "hyperliquid", now_ms)
    assert (stopped.notices, stopped.missing[-1].text) == ((), "no bot runs; maker was stopped 2 h ago")
    held = overview([replace(ended, pairs=(replace(PAIR, coins=0.03),))], "hyperliquid", now_ms)
    assert [said.notice.name for said in held.notices] == ["stopped_with_position"]


def test_a_bot_that_was_told_to_stop_is_silent_and_no_alarm(tmp_path):
    """Freqtrade runs no loop after `/stop`; what it holds then is an alarm all the same."""
    now_ms = NOW_MS + 1_000_000
    for coins, names in ((0.0, []), (0.03, ["stopped_with_position"])):
        write_state(tmp_path, "maker", at(BOT, now_ms, 40, pairs=(replace(PAIR, coins=coins, resting=None),)))
        assert [said.notice.name for said in look(tmp_path, "hyperliquid", now_ms).notices] == ["bot_silent"]
        write_standing(tmp_path, "maker", Standing.STOPPED)
        assert [said.notice.name for said in look(tmp_path, "hyperliquid", now_ms).notices] == names
        write_standing(tmp_path, "maker", Standing.RUNNING)


def test_other_venues_do_not_stand_in_for_this_one():
    """A collector of Binance is shown, and the one of Hyperliquid is missing."""
    elsewhere = at(replace(COLLECTOR, name="collector-binance", venue="binance"), NOW_MS)
    seen = overview([elsewhere], "hyperliquid", NOW_MS)
    assert seen.sidecar("collector", "hyperliquid") is None
    assert [missing.program for missing in seen.missing] == ["collector", "calibrator", "bot"]


def test_the_gravest_notice_comes_first():
    """Then the oldest."""
    notices = [
        replace(NOTICE, name=f"n{i}", severity=s, since_ms=i)
        for i, s in enumerate(["info", "alarm", "warning", "alarm"])
    ]
    seen = overview([replace(BOT, notices=tuple(notices))], "hyperliquid", NOW_MS)
    assert [said.notice.name for said in seen.notices] == ["n1", "n3", "n2", "n0"]


def test_a_bot_that_has_ended_has_no_line_of_pairs(status):
    """What it quoted is of the past."""
    *sidecars, maker = system()
    running = status(states=(*sidecars, maker)).output
    for shown in ("bid 0.03 at 2999", "inventory [lots]", "today [quote]", "1.50 of 3", "-2.50"):
        assert shown in running
    output = status(states=(*sidecars, replace(maker, stopped=True))).output
    assert "stopped" in output
    assert "inventory" not in output


def test_marks_of_a_text_are_shown_as_they_are(status):
    """Square brackets of an exchange's answer are no colours."""
    said = replace(NOTICE, text="the exchange says [red]no[/red] [")
    assert "the exchange says [red]no[/red] [" in status(states=system(notices=(said,))).output


def test_a_calibration_has_an_age(status):
    """Next to the pair that is quoted from it."""
    created_ms = int(time.time() * 1e3) - 300_000
    pair = replace(QUOTED, calibration=CalibrationState("c", created_ms))
    assert "5 min ago" in status(states=system(pairs=(pair,))).output
    document = orjson.loads(status("--json").stdout)
    assert document["bots"][0]["pairs"][0]["calibration_age_ms"] >= 300_000


def test_watching_excludes_json(status):
    result = status("--watch", "--json")
    assert (result.exit_code, "leave one out" in result.output) == (2, True)


def test_watching_goes_on_until_it_is_interrupted(tmp_path):
    """It shows what changes, and ends with the status of what it saw last."""
    command = [sys.executable, "-m", "market_making.ops", "status", "--watch"]
    environment = os.environ | {"COLUMNS": "160"}
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert "hyperliquid" in process.stdout.readline()
        for number, state in enumerate(system(notices=(replace(NOTICE, severity="alarm"),))):
            write_state(tmp_path / "user_data" / "state", f"s{number}", state)
        while "ALARM maker" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        assert process.returncode == 4
    finally:
        process.kill()
        process.wait()


def test_two_legs_are_shown_as_one_with_the_transfer_that_evens_them(status):
    """On the screen, and for programs."""
    now_ms, bots = int(time.time() * 1e3), []
    for name, side, coins, equity in (("long", "bid", 0.1, 700.0), ("short", "ask", -0.3, 1_300.0)):
        resting = replace(PAIR.resting, side=side)
        pair = replace(PAIR, coins=coins, resting=resting, money=MoneyState(net=1.5, fills=3))
        account = replace(BOT.account, equity=equity, money=MoneyState(net=1.5, fills=3))
        bots.append(at(replace(BOT, bot=name, leg=name, pairs=(pair,), account=account), now_ms))
    shown = status(states=bots).output
    for text in (
        "two legs: long + short",
        "-0.2",
        "0.4",
        "+3.00",
        "transfer 300.00 USDC from the account of the short",
    ):
        assert text in shown
    (legs,) = orjson.loads(status("--json").stdout)["legs"]
    assert (legs["long"], legs["short"], legs["day_result"], legs["equity"]) == ("long", "short", 3.0, 2_000.0)
    assert legs["transfer"] == {"source": "short", "target": "long", "amount": 300.0, "is_due": True}
