"""What the guard does follows from documents, after its patience, and never from what is not known."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_making.guard.tokens import TokenHolding
from market_making.guard.watch import Watch
from market_making.guard.watch_rules import WatchRules
from market_making.hyperliquid.open_orders import OpenPosition
from market_making.market.reasons import Reason
from market_making.market.sides import Side
from market_making.safety.books import BookedOrder, BotBooks
from market_making.safety.kill_switch import Kill
from market_making.safety.state_file import QuoteState
from tests.guard.documents import COIN, NOW_MS, PAIR, bot_view, order, pair_state, resting, state, view

RULES = WatchRules()
TICKS = [number / 4 for number in range(200)]
LEFT = Kill(1, flatten=True)


def watched(look, rules=RULES):
    """When each order was first to be cancelled, and why, over 50 s of ticks; `look` makes the view of a time."""
    watch, found = Watch(rules), {}
    for now_s in TICKS:
        for item in watch.judge(look(now_s)).cancellations:
            found.setdefault(item.order.oid, (now_s, item.because.reason))
    return found


orders = st.lists(
    st.builds(order, st.integers(1, 9), reduce_only=st.sampled_from([True, False, None]),
              side=st.sampled_from(list(Side)), size=st.floats(0.001, 0.0333)),
    max_size=4, unique_by=lambda item: item.oid,
)  # fmt: skip


@given(orders)
def test_orders_that_a_living_bot_knows_and_wants_are_never_touched(found):
    """Whatever they are: also partly filled ones at the price of the plan."""
    found = tuple(item._replace(price=2997.0 if item.side is Side.BID else 3003.0) for item in found)
    bot = bot_view(books=BotBooks(frozenset(item.oid for item in found)))
    assert watched(lambda now_s: view(now_s, bot, orders=found)) == {}


@given(orders, st.floats(0, 60))
def test_nothing_of_a_silent_bot_rests_after_the_configured_time(found, silent_from_s):
    """A little before it, so that the order is gone by then; and not while the bot still speaks."""
    bot = bot_view(books=BotBooks(frozenset(item.oid for item in found)))
    found = tuple(item._replace(price=2997.0 if item.side is Side.BID else 3003.0) for item in found)

    def look(now_s):
        silent_s = max(now_s - silent_from_s, 0.0)
        return view(now_s, bot_view(books=bot.books, silent_s=silent_s), orders=found)

    for time_s, reason in watched(look).values():
        assert reason is Reason.BOT_SILENT
        assert RULES.silence_s - 0.5 <= time_s - silent_from_s <= RULES.silence_s
    last = Watch(RULES).judge(view(0.0, bot_view(books=bot.books, silent_s=4.5), orders=found))
    assert {item.order.oid for item in last.cancellations} == {item.oid for item in found}


@given(orders, st.booleans(), st.booleans(), st.booleans())
def test_what_protects_a_position_stays(found, is_silent, is_killed, is_known):
    """A reduce-only trigger order, and a stop of the database, whatever else is wrong."""
    found = tuple(item._replace(is_trigger=True, reduce_only=True) for item in found[:2]) + tuple(found[2:])
    books = BotBooks(frozenset({1}) if is_known else frozenset(), stops=frozenset(item.oid for item in found[2:]))
    bot = bot_view(books=books, silent_s=60.0 if is_silent else 0.0)
    assert watched(lambda now_s: view(now_s, bot, orders=found, kill=LEFT if is_killed else None)) == {}


def test_an_order_nobody_knows_goes_after_its_patience_and_not_before():
    """A create that is under way is in the database within the patience."""
    books = BotBooks()
    assert watched(lambda now_s: view(now_s, bot_view(books=books))) == {1: (3.0, Reason.ORDER_UNKNOWN)}
    late = BotBooks(frozenset({1}))
    assert watched(lambda now_s: view(now_s, bot_view(books=books if now_s < 2.9 else late))) == {}


@pytest.mark.parametrize("bot", [
    bot_view(books=None),
    bot_view(books=BotBooks(open={1: BookedOrder(PAIR, Side.BID, 2997.0, 0.0333)})),
    bot_view(books=BotBooks(), state=state(pair_state(resting=resting(1)))),
], ids=["no database", "open in the database", "in the state file"])  # fmt: skip
def test_what_cannot_be_known_or_is_known_otherwise_is_not_unknown(bot):
    assert watched(lambda now_s: view(now_s, bot)) == {}


def test_a_doubt_that_ends_begins_anew():
    """Patience is for a condition that holds without a break."""
    known, unknown = bot_view(), bot_view(books=BotBooks())
    assert watched(lambda now_s: view(now_s, known if now_s % 2.5 == 0 else unknown)) == {}


@pytest.mark.parametrize(("valid_until_ms", "expected"), [
    (NOW_MS + 10_000, (13.25, Reason.PARAMETERS_STALE)), (None, (3.0, Reason.PARAMETERS_MISSING)),
])  # fmt: skip
def test_stale_parameters_end_what_could_open(valid_until_ms, expected):
    """The bot is given time to see it itself; what only reduces is its own business; other coins are other files'."""
    bot = bot_view(books=BotBooks(frozenset({1, 2, 3})), valid_until_ms={COIN: valid_until_ms})
    found = (order(1), order(2, reduce_only=True), order(3, coin="BTC"))
    assert watched(lambda now_s: view(now_s, bot, orders=found)) == {1: expected}


@pytest.mark.parametrize(("kill", "expected"), [
    (Kill(1), {1: 1.0, 2: 1.0, 3: 1.0}), (LEFT, {1: 1.0, 2: 10.0, 3: 10.0}),
])  # fmt: skip
def test_the_kill_switch_ends_everything_and_lets_a_living_bot_leave(kill, expected):
    """With --flatten, orders that reduce, or may, are left to the bot for a while."""
    found = (order(1), order(2, reduce_only=True), order(3, reduce_only=None))
    bot = bot_view(books=BotBooks(frozenset({1, 2, 3})))
    seen = watched(lambda now_s: view(now_s, bot, orders=found, kill=kill))
    assert {oid: time_s for oid, (time_s, _) in seen.items()} == expected
    assert {reason for _, reason in seen.values()} == {Reason.KILL_SWITCH}


def test_a_remainder_goes_when_its_bot_does_not_want_it():
    """5 USDC of an entry are filled: Freqtrade cannot cancel the rest. One that is worth enough is Freqtrade's own."""
    small, large = order(1, size=0.0316), order(2, size=0.0133)
    bot = bot_view(books=BotBooks(frozenset({1, 2})), state=state(pair_state(bid=QuoteState(2990.0, 10.0, 1.0))))
    found = watched(lambda now_s: view(now_s, bot, orders=(small, large)))
    assert found == {1: (3.0, Reason.BELOW_SMALLEST_ORDER)}
    withheld = bot_view(books=bot.books, state=state(pair_state(quoting=False)))
    assert watched(lambda now_s: view(now_s, withheld, orders=(small,))) == {1: (3.0, Reason.BELOW_SMALLEST_ORDER)}


held = st.floats(-5, 5).map(lambda size: round(size, 4))


@given(held, held, st.booleans(), st.booleans())
def test_leaving_never_exceeds_what_is_held_nor_turns_it(account, books, flatten, unknown):
    """On request all of it, by the rule what is beyond the books; without either nothing."""
    watch = Watch(WatchRules(flatten_unknown=unknown))
    positions = {COIN: OpenPosition(account, abs(account) * 3000, 1.0)} if account else {}
    bot = bot_view(books=BotBooks(frozenset({1}), coins={PAIR: books}))
    leaves = {}
    for now_s in TICKS:
        judged = watch.judge(view(now_s, bot, positions=positions, kill=LEFT if flatten else None))
        leaves |= {leave.coin: leave.size for leave in judged.leaves}
    if not account or not (flatten or unknown):
        assert leaves == {}
    elif flatten:
        assert leaves == {COIN: account}
    else:
        beyond = leaves.get(COIN, 0.0)
        assert 0.0 <= beyond * account <= account**2
        # What is left in the account is what the books explain of it.
        explained = min(max(books / account, 0.0), 1.0) * account if account else 0.0
        assert account - beyond == pytest.approx(explained, abs=1e-9) or abs(account - explained) <= 1e-8


@given(held, held)
def test_a_position_that_the_books_do_not_explain_is_told_once_it_lasts(account, books):
    """A fill under way explains itself in time; without a database nothing is told of positions."""
    positions = {COIN: OpenPosition(account, abs(account) * 3000, 1.0)} if account else {}
    bot = bot_view(books=BotBooks(frozenset({1}), coins={PAIR: books}))
    watch, told_s = Watch(RULES), None
    for now_s in TICKS:
        names = {alarm.name for alarm in watch.judge(view(now_s, bot, positions=positions)).alarms}
        told_s = now_s if told_s is None and "position_unknown" in names else told_s
    assert told_s == (None if abs(account - books) <= 1e-8 else RULES.position_s)
    blind = Watch(RULES)
    names = {a.name for s in TICKS for a in blind.judge(view(s, bot_view(books=None), positions=positions)).alarms}
    assert names == {"books_unreadable"}


def test_a_bot_that_ended_in_order_is_no_alarm_but_its_position_is():
    ended = bot_view(is_stopped=True, silent_s=60.0)
    assert [a.name for a in Watch(RULES).judge(view(0.0, ended, orders=())).alarms] == []
    position = {COIN: OpenPosition(0.1, 300.0, 1.0)}
    alarms = Watch(RULES).judge(view(0.0, ended, orders=(), positions=position)).alarms
    assert [alarm.name for alarm in alarms] == ["position_unwatched"]
    dead = Watch(RULES).judge(view(0.0, bot_view(silent_s=60.0), orders=())).alarms
    assert [alarm.name for alarm in dead] == ["bot_silent"]


@pytest.mark.parametrize(
    ("beside", "first_s"),
    [
        ({"orders": ()}, {"books_unreadable": 60.0, "state_missing": 60.0}),
        ({}, {"books_unreadable": 10.0, "state_missing": 10.0, "bot_silent": 0.0}),
    ],
)
def test_a_bot_that_starts_beside_the_guard_may_take_a_minute_while_nothing_rests(beside, first_s):
    """It has neither state file nor database yet, and no loop of it can have ended."""
    watch, said = Watch(RULES), {}
    starting = bot_view(state=None, books=None, silent_s=99.0)
    for now_s in (number / 4 for number in range(300)):
        for alarm in watch.judge(view(now_s, starting, **beside)).alarms:
            said.setdefault(alarm.name, now_s)
    assert said == first_s


def left(look):
    """When something was first to be left, and how much of it, over 50 s of ticks."""
    watch = Watch(RULES)
    for now_s in TICKS:
        leaves = watch.judge(look(now_s)).leaves
        if leaves:
            return now_s, leaves[0].size
    return None


@pytest.mark.parametrize(
    ("loops", "is_dead", "expected_s"), [(True, False, 3.0), (False, True, 3.0), (False, False, 9.0)]
)
def test_coins_that_the_bot_has_asked_for_and_not_booked_are_left(loops, is_dead, expected_s):
    """Without anybody's request, when the bot will not book them any more: while it may wait for an answer, later."""
    positions = {COIN: OpenPosition(0.05, 150.0, 1.0)}

    def look(now_s):
        bot = bot_view(
            books=BotBooks(coins={PAIR: 0.03}), state=state(loop=3 + int(now_s) if loops else 3), is_dead=is_dead
        )
        return view(now_s, bot, orders=(), positions=positions, unbooked={COIN: 0.02})

    assert left(look) == (expected_s, pytest.approx(0.02))


@given(held, held, held)
def test_of_an_unexplained_position_only_what_is_certainly_the_bots_is_left(account, books, unbooked):
    """Never more than what is beyond the books, never in the other direction; the rest is told."""
    positions = {COIN: OpenPosition(account, abs(account) * 3000, 1.0)} if account else {}
    bot = bot_view(books=BotBooks(coins={PAIR: books}))
    found = left(lambda now_s: view(now_s, bot, orders=(), positions=positions, unbooked={COIN: unbooked}))
    beyond = min(abs(account - books), abs(account)) if account * (account - books) > 0 else 0.0
    expected = min(abs(unbooked), beyond) if unbooked * account > 0 else 0.0
    assert (0.0 if found is None else found[1] * (1 if account > 0 else -1)) == pytest.approx(expected, abs=2e-8)


def test_a_fill_that_is_booked_in_time_is_not_left():
    """An answer that comes late is booked with the next loop."""
    positions = {COIN: OpenPosition(0.02, 60.0, 1.0)}

    def look(now_s):
        is_booked = now_s >= 2.5
        bot = bot_view(books=BotBooks(coins={PAIR: 0.02 if is_booked else 0.0}), state=state(loop=int(now_s)))
        return view(now_s, bot, orders=(), positions=positions, unbooked={} if is_booked else {COIN: 0.02})

    assert left(look) is None


@pytest.mark.parametrize("filled", [0.0, 0.0017])
def test_a_guard_that_is_cut_off_takes_no_order_for_unknown(filled):
    """Freqtrade forgets a cancelled entry: what was last heard of it minutes ago may long be gone."""
    known = bot_view(books=BotBooks(frozenset()))
    seen = order(2, size=0.0333 - filled)
    assert watched(lambda now_s: view(now_s, known, orders=(seen,), orders_blind_s=now_s)) == {}
    heard = watched(lambda now_s: view(now_s, known, orders=(seen,), orders_blind_s=now_s % 1))
    assert RULES.unknown_s <= heard[2][0] <= RULES.unknown_s + 1


def test_positions_that_were_last_seen_long_ago_are_told_and_left_by_nothing_but_the_kill_switch():
    """The bot may have sold them since."""
    rules = WatchRules(flatten_unknown=True)
    held = {COIN: OpenPosition(1.0, 3000.0, 1.0)}
    for blind, kill, leaves in ((False, None, True), (True, None, False), (True, LEFT, True)):
        watch, judged = Watch(rules), []
        for now_s in TICKS:
            blind_s = now_s + 0.1 if blind else 0.0
            look = view(
                now_s, bot_view(books=BotBooks()), orders=(), positions=held, kill=kill, positions_blind_s=blind_s
            )
            judged.append(watch.judge(look))
        assert any(each.leaves for each in judged) is leaves
        told = {alarm.name for each in judged for alarm in each.alarms}
        assert ("position_unknown" in told) is not blind


SPOT, LOT = "@107", 0.01


def spot_view(now_s, held, booked, filled=0.0, **changes):
    """A bot on a spot market: coins of the wallet, of the books, and of fills that the books lack."""
    tokens = {SPOT: TokenHolding(held, booked, filled, LOT)}
    bot = bot_view(books=BotBooks(coins={"HYPE/USDC": booked}), silent_s=changes.pop("silent_s", 0.5))
    return view(now_s, bot, orders=(), tokens=tokens, coins_of={"HYPE/USDC": SPOT}, **changes)


def leaves_of(look):
    """What was left over 50 s of ticks."""
    watch = Watch(RULES)
    return [leave for now_s in TICKS for leave in watch.judge(look(now_s)).leaves]


@pytest.mark.parametrize(
    ("held", "booked", "filled", "sold"),
    [(5.0, 1.0, 0.0, 1.0), (0.4, 1.0, 0.0, 0.4), (5.0, 1.0, 0.5, 1.5), (5.0, 1.0, -1.0, 0.0), (5.0, 0.005, 0.0, 0.0)],
)
def test_flatten_sells_of_a_wallet_what_the_bot_has_bought(held, booked, filled, sold):
    """Its books and the fills that they lack say how much; less than a lot cannot be sold."""
    leaves = leaves_of(lambda now_s: spot_view(now_s, held, booked, filled, kill=LEFT))
    assert {leave.size for leave in leaves} == ({sold} if sold else set())


def test_without_the_fills_nothing_of_a_wallet_is_sold():
    """It may have been sold before, which the books of a dead bot do not have."""
    assert not leaves_of(lambda now_s: spot_view(now_s, 5.0, 1.0, kill=LEFT, fills_blind_s=60.0))


def test_tokens_that_somebody_else_has_bought_are_neither_left_nor_told():
    """Also where positions beyond the books are to be left."""
    watch = Watch(replace(RULES, flatten_unknown=True))
    judged = [watch.judge(spot_view(now_s, 5.0, 1.0)) for now_s in TICKS]
    assert not any(each.leaves or each.alarms for each in judged)


@pytest.mark.parametrize(("held", "is_told"), [(0.9, True), (0.9995, False), (1.0, False)])
def test_a_wallet_with_less_than_the_books_is_told(held, is_told):
    """By more than a fee, which is paid in the bought tokens."""
    watch = Watch(RULES)
    alarms = [alarm.name for now_s in TICKS for alarm in watch.judge(spot_view(now_s, held, 1.0)).alarms]
    assert ("position_unknown" in alarms) is is_told
