"""The table of notices: every reason has one row, every row finds what it names and nothing in a healthy state."""

import re
from dataclasses import replace
from string import Formatter

import pytest
from click.testing import CliRunner

from market_making.market.reasons import Reason
from market_making.ops.command_line import main
from market_making.safety.condition import Severity
from market_making.safety.findings import Finding, seconds
from market_making.safety.notices import CONDITIONS, seen_by_reader, sightings
from market_making.safety.state_file import (
    AccountState,
    ActiveNotice,
    BookState,
    BotState,
    CalibrationState,
    CoinState,
    PairState,
    QuoteState,
    RestingState,
    SidecarState,
)

NOW_MS = 1_700_000_000_000
RESTING = RestingState("bid", 2999.0, 0.03, 0.0, "7", NOW_MS - 5_000)
PAIR = PairState(
    "ETH/USDC:USDC", "ETH", quoting=True, lot=0.0001, book=BookState(NOW_MS - 300), resting=RESTING, since_ms=NOW_MS
)
BOT = BotState("maker", "r", 7, "live", "MarketMaking", NOW_MS - 60_000, NOW_MS, 60, 40.0, pairs=(PAIR,))
COLLECTOR = SidecarState("collector", "collector", 8, NOW_MS - 60_000, NOW_MS, coins=(CoinState("ETH", 500),))
CALIBRATOR = SidecarState(
    "calibrator", "calibrator", 9, NOW_MS - 60_000, NOW_MS, coins=(CoinState("ETH", 9_000, "ok"),)
)
GUARD = SidecarState("guard", "guard", 10, NOW_MS - 60_000, NOW_MS)


def bot(**changes):
    """A healthy bot whose pair differs."""
    return replace(BOT, pairs=(replace(PAIR, **changes),))


def quiet_for(reason, **changes):
    """A bot whose pair has had no order for a minute."""
    return bot(quoting=False, resting=None, reason=reason, detail="why", since_ms=NOW_MS - 60_000, **changes)


def found(state, now_ms=NOW_MS):
    """Names of all conditions that find something."""
    own = [] if state.stopped else sightings(state, now_ms)
    every = [*own, *sightings(state, now_ms, by_reader=True)]
    return [seen.condition.name for seen in every]


def account(**figures):
    return replace(BOT, account=AccountState(**figures))


LATER_MS = NOW_MS + 31_000
EXAMPLES = {
    "parameters_missing": quiet_for(Reason.PARAMETERS_MISSING),
    "parameters_stale": quiet_for(Reason.PARAMETERS_STALE),
    "parameters_invalid": quiet_for(Reason.PARAMETERS_INVALID),
    "calibration_bad": quiet_for(Reason.CALIBRATION_BAD),
    "calibration_paused": quiet_for(Reason.CALIBRATION_PAUSE),
    "model_withholds": quiet_for(Reason.NOTHING_EARNS),
    "book_stale": quiet_for(Reason.BOOK_STALE),
    "book_unusable": quiet_for(Reason.BOOK_UNUSABLE),
    "market_unknown": quiet_for(Reason.DELISTED),
    "market_closed": quiet_for(Reason.MARKET_CLOSED),
    "position_unknown": quiet_for(Reason.POSITION_UNKNOWN),
    "order_unknown": quiet_for(Reason.ORDER_UNKNOWN),
    "account_unknown": quiet_for(Reason.ACCOUNT_UNKNOWN),
    "other_leg_silent": quiet_for(Reason.OTHER_LEG_SILENT),
    "one_sided": quiet_for(Reason.OTHER_LEG_QUOTES),
    "below_smallest_order": quiet_for(Reason.BELOW_SMALLEST_ORDER),
    "actions_spent": quiet_for(Reason.ACTIONS_SPENT),
    "pair_locked": quiet_for(Reason.PAIR_LOCKED),
    "winding_down": quiet_for(Reason.WINDING_DOWN),
    "paused": quiet_for(Reason.STOPPED),
    "exchange_error": quiet_for(Reason.EXCHANGE_ERROR),
    "not_quoting": quiet_for(Reason.UNEXPECTED),
    "nothing_rests": bot(resting=None),
    "risk_rule": bot(risk=(Reason.FAST_MOVE,)),
    "risk_unsaved": bot(risk=(Reason.RISK_UNSAVED,)),
    "risk_unreadable": quiet_for(Reason.RISK_UNREADABLE),
    "equity_unknown": bot(risk=(Reason.EQUITY_UNKNOWN,)),
    "kill_switch": replace(BOT, killed=True),
    "clock_behind": bot(book=BookState(NOW_MS + 800)),
    "settings_differ": bot(calibration=CalibrationState(own_table=True, why="order_notional 50 here, 100 there")),
    "actions_low": account(actions_used=9_600, actions_limit=10_000),
    "legs_uneven": replace(account(equity=700.0, other_leg=1_300.0), leg="short"),
    "no_pair": replace(BOT, pairs=()),
    "loop_slow": replace(BOT, loop_ms=6_000.0),
    "log_unwritable": replace(BOT, unwritable={"decisions": "No space left on device"}),
    "state_unwritable": replace(BOT, unwritable={"state": "No space left on device"}),
    "bot_silent": replace(bot(book=None), written_ms=NOW_MS - 31_000),
    "stopped_with_position": replace(BOT, stopped=True, pairs=(replace(PAIR, coins=0.03, resting=None),)),
    "collector_silent": replace(COLLECTOR, written_ms=NOW_MS - 31_000),
    "collector_not_writing": replace(COLLECTOR, coins=(CoinState("ETH", 61_000),)),
    "collector_failing": replace(COLLECTOR, failures=("nothing can be written to user_data/market_data",)),
    "collector_gaps": replace(COLLECTOR, coins=(CoinState("ETH", 500, gaps=2),)),
    "clock_off": replace(COLLECTOR, figures={"clock_offset_ms": -1_200.0}),
    "calibrator_silent": replace(CALIBRATOR, written_ms=NOW_MS - 31_000),
    "calibrator_not_publishing": replace(CALIBRATOR, coins=(CoinState("ETH", None, detail="too few trades"),)),
    "calibrator_failing": replace(CALIBRATOR, failures=("the folder cannot be written",)),
    "guard_silent": replace(GUARD, written_ms=NOW_MS - 31_000),
    "guard_failing": replace(GUARD, failures=("the key is not known",)),
}
BY_NAME = {condition.name: condition for condition in CONDITIONS}


def test_names_are_identifiers_and_each_stands_for_one_condition():
    """Metrics and alert rules are named by them."""
    assert len(BY_NAME) == len(CONDITIONS)
    assert all(re.fullmatch("[a-z]+(_[a-z]+)*", name) for name in BY_NAME)
    assert set(EXAMPLES) == set(BY_NAME)


@pytest.mark.parametrize("state", [BOT, COLLECTOR, CALIBRATOR, GUARD])
def test_nothing_is_found_where_all_is_well(state):
    """A healthy program has no notice, nor has a bot that has just ended flat."""
    assert found(state) == []
    assert found(replace(BOT, stopped=True, pairs=(replace(PAIR, resting=None),)), NOW_MS + 86_400_000) == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_condition_finds_its_example_and_no_other_does(name):
    """One trouble has one notice, whose sentences are whole: all figures are filled in."""
    state = EXAMPLES[name]
    assert found(state) == [name]
    condition = BY_NAME[name]
    (finding,) = condition.test(state, NOW_MS)
    notice = condition.notice(finding, NOW_MS)
    for text in (notice.text, notice.remedy, notice.text.replace("{", "")):
        assert text == text.strip()
        assert text.endswith(".")
        assert not re.search(r"[{}]|\b(?!ETH\b|USDC\b|API\b|UTC\b)[A-Z]{3,}\b|\.\.", text), text


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("coins", [0.0, 0.03])
def test_a_pair_without_an_order_is_found_once_whatever_the_reason(reason, coins):
    """No reason is silent, none is said twice, and with a position held it is an alarm."""
    seen = list(sightings(quiet_for(reason, coins=coins), NOW_MS))
    assert len(seen) == 1
    condition, finding = seen[0]
    if coins and reason is not Reason.BELOW_SMALLEST_ORDER:
        assert condition.severity_of(finding) is Severity.ALARM
        assert "0.03 ETH are held" in condition.notice(finding, 0).text
    assert not coins or condition.holds_after_ms(finding) <= (
        30_000 if condition.name == "below_smallest_order" else 3_000
    )


def test_a_risk_rule_is_told_in_its_own_words():
    """With its figures, where the document has them."""
    state = bot(risk=(Reason.POSITION_LARGE,), risk_detail="the position is 85 % of the largest")
    ((condition, finding),) = sightings(state, NOW_MS)
    assert condition.notice(finding, 0).text == "ETH/USDC:USDC opens nothing: the position is 85 % of the largest."


@pytest.mark.parametrize("reason", [Reason.POSITION_UNKNOWN, Reason.ORDER_UNKNOWN])
def test_what_is_unknown_is_an_alarm_also_while_the_rest_is_quoted(reason):
    """The bot leaves what is certainly its own; that the rest is nobody's is as grave as before."""
    closed = QuoteState(reason=reason, detail="the account holds more")
    ((condition, finding),) = sightings(bot(bid=closed, coins=0.03), NOW_MS)
    assert condition.severity_of(finding) is Severity.ALARM
    assert condition.notice(finding, 0).text == (
        "ETH/USDC:USDC opens nothing: the account holds more. 0.03 ETH are held."
    )
    assert found(bot(ask=QuoteState(reason=Reason.AT_BOUND))) == []


def test_a_part_of_a_lot_is_a_position_and_rounding_is_none():
    """Whatever the size of a lot: the first part of a fill is held, the rest of floating point is not."""
    part = next(iter(sightings(quiet_for(Reason.BOOK_STALE, coins=0.001, lot=0.0333), NOW_MS)))
    assert part.condition.severity_of(part.finding) is Severity.ALARM
    condition, finding = next(iter(sightings(quiet_for(Reason.BOOK_STALE, coins=1e-12), NOW_MS)))
    assert condition.severity_of(finding) is Severity.WARNING


def test_every_row_says_what_to_do_with_a_whole_command():
    """Commands exist, with the options that are named; a page can be made from the table without figures."""
    for condition in CONDITIONS:
        empty = condition.notice(Finding(), 0)
        assert empty.remedy[0].isupper() or empty.remedy[0] == "`", condition.name
        assert empty.remedy.count("`") % 2 == 0, condition.name
        for text in (condition.sentence, condition.over, condition.remedy):
            assert text.removesuffix("{held}").removesuffix("{table}").endswith("."), condition.name
            assert {key for _, key, _, _ in Formatter().parse(text) if key} <= {
                *("pair", "coin", "detail", "held", "rules", "does", "ahead", "why", "left", "lasting", "loop"),
                *("name", "age", "gaps", "offset", "way", "table", "leg", "own", "other", "transfer"),
            }, condition.name


MENTIONED = sorted({words for condition in CONDITIONS for words in re.findall(r"`mm ([^`]+)`", condition.remedy)})
LATER = {"guard", "check"}  # commands that are not there yet


@pytest.mark.parametrize("words", MENTIONED)
def test_commands_in_remedies_are_accepted(words):
    """The command line knows every command and option that a remedy names."""
    command, *arguments = words.format(coin="ETH").split()
    if command in LATER and command not in main.commands:
        pytest.skip(f"mm {command} is not there yet")
    shown = CliRunner().invoke(main, [command, "--help"])
    assert shown.exit_code == 0, shown.output
    assert all(option in shown.output for option in arguments if option.startswith("-")), shown.output


def test_a_reader_sees_the_bots_own_notices_and_what_it_cannot_see_itself():
    """A bot that hangs is an alarm beside what it said last; the last word of one that ended is no longer in force."""
    said = ActiveNotice("book_stale", "warning", 1, "text", "remedy", PAIR.pair)
    hung = replace(BOT, notices=(said,))
    assert [notice.name for notice in seen_by_reader(hung, LATER_MS)] == ["book_stale", "bot_silent"]
    assert list(seen_by_reader(replace(hung, stopped=True, pairs=(replace(PAIR, resting=None),)), LATER_MS)) == []


@pytest.mark.parametrize(
    ("state", "severity"),
    [
        (account(actions_used=9_950, actions_limit=10_000), Severity.ALARM),
        (account(actions_used=9_600, actions_limit=10_000), Severity.WARNING),
        (account(actions_used=100, actions_limit=10_000, hours_left=1.5), Severity.WARNING),
        (replace(BOT, killed=True), Severity.WARNING),
        (replace(quiet_for(Reason.KILL_SWITCH, coins=0.03), killed=True), Severity.ALARM),
        (bot(risk=(Reason.DAILY_LOSS,)), Severity.WARNING),
        (bot(risk=(Reason.DAILY_LOSS,), coins=0.03, leaving=True), Severity.ALARM),
        (replace(BOT, loop_ms=6_000.0), Severity.WARNING),
        (replace(bot(coins=0.03), loop_ms=6_000.0), Severity.ALARM),
    ],
)
def test_it_is_an_alarm_where_money_is_at_stake_now(state, severity):
    """The last hundred actions, a position that is not quoted or must be left, a slow loop with a position."""
    ((condition, finding),) = sightings(state, NOW_MS)
    assert condition.severity_of(finding) is severity


@pytest.mark.parametrize(
    ("duration_ms", "text"),
    [
        (900, "0.9 s"),
        (59_000, "59 s"),
        (119_000, "119 s"),
        (120_000, "2 min"),
        (7_200_000, "2 h"),
        (200_000_000, "2 days"),
    ],
)
def test_durations_are_read_in_the_largest_unit_of_which_there_are_two(duration_ms, text):
    assert seconds(duration_ms) == text
