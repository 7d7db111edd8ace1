"""Two legs as one market maker: which belong together, what they hold and earn, and how their capital is shared."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_making.safety.leg_pair import UNEVEN, leg_pairs, transfer_between
from market_making.safety.state_file import AccountState, MoneyState
from tests.safety.test_notices import BOT, NOW_MS, PAIR

worth = st.floats(min_value=1.0, max_value=1e6)


def leg(name, coins=0.0, equity=1_000.0, net=0.0, **changes):
    account = AccountState(equity=equity, money=MoneyState(net=net, fees=1.0, fills=2))
    return replace(BOT, bot=name, leg=name, account=account, pairs=(replace(PAIR, coins=coins),), **changes)


def test_both_legs_are_one_market_maker():
    """Positions net, results add up."""
    (both,) = leg_pairs([leg("short", -0.3, 900.0, -2.0), BOT, leg("long", 0.1, 1_100.0, 5.0)])
    assert (both.long.bot, both.short.bot, both.equity) == ("long", "short", 2_000.0)
    assert (both.money.net, both.money.fees, both.money.fills) == (3.0, 2.0, 4)
    ((coin, net, gross, *_),) = both.coins
    assert (coin, net, gross) == ("ETH", pytest.approx(-0.2), 0.4)
    assert both.transfer.sentence == ("transfer 100.00 USDC from the account of the long to that of the short leg")


def test_legs_of_other_pairs_or_modes_do_not_belong_together():
    """And of several runs of one leg the newest counts."""
    other = replace(PAIR, pair="BTC/USDC:USDC", coin="BTC")
    assert not list(leg_pairs([leg("long"), replace(leg("short"), pairs=(other,))]))
    assert not list(leg_pairs([leg("long"), leg("short", mode="dry_run")]))
    assert not list(leg_pairs([leg("long")]))
    old = leg("long", equity=1.0, written_ms=NOW_MS - 5_000)
    (both,) = leg_pairs([leg("long"), old, leg("short")])
    assert both.equity == 2_000.0


def test_without_the_worth_of_both_there_is_no_transfer():
    """Nor where they are equal to the cent."""
    assert transfer_between(None, 5.0) is transfer_between(5.0, None) is transfer_between(5.0, 5.01) is None


@given(worth, worth)
def test_a_transfer_makes_both_equal_and_is_due_beyond_60_to_40(long, short):
    """Whoever has more gives half of the difference."""
    transfer = transfer_between(long, short)
    if transfer is not None:
        after = {"long": long, "short": short}
        after[transfer.source] -= transfer.amount
        after[transfer.target] += transfer.amount
        assert after["long"] == pytest.approx(after["short"])
        assert transfer.amount > 0
        assert transfer.is_due == (abs(long - short) > UNEVEN * (long + short))
