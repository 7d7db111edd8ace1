"""Money adds up, fill by fill, block by block and to the engine's own account; what does not is refused."""

from math import fsum

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_making.market.errors import NotEnoughData
from market_making.replay.accounts.accounts import Accounts
from market_making.replay.accounts.ledger import HORIZONS_S, Equity, Unaccounted, fill_money
from tests.replay.accounts.sessions import result, session, several

seeds = st.integers(0, 10_000)


@given(seeds, st.sampled_from(HORIZONS_S))
@settings(max_examples=40, deadline=None)
def test_each_fill_and_each_session_add_up_at_every_horizon(seed, horizon_s):
    """The oracle: cash flows of the fills, priced at the last mid."""
    run = session(seed)
    money, fills = fill_money(run), run.fills
    own = fills.sign * fills.size * (run.last_mid - fills.price) - fills.fee
    assert np.abs(money.spread + money.adverse[horizon_s] + money.inventory(horizon_s) - money.fee - own).max() <= 1e-9
    total = Accounts(result(run)).money(horizon_s)
    assert abs(total.net - run.net) <= 1e-9
    parts = (total.spread, total.adverse, total.inventory, total.funding, -total.fees)
    assert abs(fsum(parts) - total.net) <= 1e-12


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_a_longer_horizon_moves_money_between_adverse_selection_and_inventory_only(seed):
    accounts = Accounts(result(session(seed)))
    sums = [accounts.money(horizon_s) for horizon_s in HORIZONS_S]
    assert {round(each.spread, 12) for each in sums} == {round(sums[0].spread, 12)}
    assert max(abs(each.adverse + each.inventory - sums[0].adverse - sums[0].inventory) for each in sums) <= 1e-9


def test_the_parts_are_what_their_names_say():
    """One purchase of a coin at 99.5 where mid is 100, which then falls to 99 within a second and ends at 98."""
    from market_making.replay.result import Fundings, Orders, Session, Touch, fills_of

    fills = fills_of([(10_000, 0, 0, 1, 99.5, 2.0, 0.03, True, 100.0)])
    orders = Orders(*(np.array([value]) for value in (0, 0, 10_000, 0, 1, 1, 99.5, 2.0, 100.0)))
    touch = Touch(np.array([0, 10_500, 15_000]), np.array([99.9, 98.9, 97.9]), np.array([100.1, 99.1, 98.1]))
    paid = Fundings(np.array([12_000]), np.array([0]), np.array([0.5]))
    run = Session(0, 20_000, fills, orders, touch, paid, 1, 1, 10.0, 3, 2.0, -199.0 - 0.03 + 0.5)
    money = Accounts(result(run)).money(1.0)
    assert money == pytest.approx((2 * (98 - 99.5) - 0.03 + 0.5, 1.0, -2.0, -2.0, 0.5, 0.03))
    assert Accounts(result(run)).money(30.0).inventory == pytest.approx(0.0)  # the session ends first


@given(seeds, st.integers(1, 3))
@settings(max_examples=15, deadline=None)
def test_blocks_add_up_to_the_run(seed, count):
    """Sessions of different lengths, the last block shorter than the others."""
    run = result(*(session(seed + n, seconds=700 + 100 * n, start_ms=10**12 + n * 10**7) for n in range(count)))
    accounts, blocks = Accounts(run), Accounts(run).blocks
    for horizon_s in HORIZONS_S:
        money = accounts.money(horizon_s)
        assert abs(float(np.sum(blocks.net)) - money.net) <= 1e-9
        assert abs(float(np.sum(blocks.inventory(horizon_s))) - money.inventory) <= 1e-9
        assert abs(float(np.sum(blocks.adverse[horizon_s])) - money.adverse) <= 1e-9
    assert float(np.sum(blocks.seconds)) == pytest.approx(run.seconds)
    assert float(np.sum(blocks.fills)) == accounts.fill_count
    assert float(np.sum(blocks.volume)) == pytest.approx(
        sum(float(np.sum(each.fills.price * each.fills.size)) for each in run.sessions)
    )


@pytest.mark.parametrize("amiss", ["a fee", "a fill", "funding", "cash", "nan"])
def test_a_run_whose_money_does_not_add_up_is_refused(amiss):
    """A hundred-millionth of a USDC is enough."""
    run = session(3)
    if amiss == "a fee":
        run = run._replace(fills=run.fills._replace(fee=run.fills.fee + 1e-9))
    elif amiss == "a fill":
        run = run._replace(fills=type(run.fills)(*(column[1:] for column in run.fills)))
    elif amiss == "funding":
        run = run._replace(fundings=run.fundings._replace(amount=run.fundings.amount * 2))
    else:
        run = run._replace(cash=run.cash + (1e-8 if amiss == "cash" else float("nan")))
    with pytest.raises(Unaccounted, match="must add up"):
        Accounts(result(run))


@given(seeds)
@settings(max_examples=15, deadline=None)
def test_equity_at_any_moment_is_the_session_up_to_then(seed):
    """The oracle plays the fills one by one."""
    run = session(seed)
    moments = np.random.default_rng(seed).integers(run.start_ms, run.end_ms, 50)
    for moment, earned in zip(moments, Equity(run).at(moments), strict=True):
        cash = position = 0.0
        for n in range(len(run.fills.time_ms)):
            if run.fills.time_ms[n] <= moment:
                position += run.fills.sign[n] * run.fills.size[n]
                cash -= run.fills.sign[n] * run.fills.size[n] * run.fills.price[n] + run.fills.fee[n]
        cash += sum(a for t, a in zip(run.fundings.time_ms, run.fundings.amount, strict=True) if t <= moment)
        entry = max(int(np.sum(run.touch.time_ms <= moment)) - 1, 0)
        assert earned == pytest.approx(cash + position * (run.touch.bid[entry] + run.touch.ask[entry]) / 2, abs=1e-8)
    assert Equity(run).at(np.array([run.end_ms])).item() == pytest.approx(run.net, abs=1e-9)


def test_a_run_without_fills_earns_its_funding_and_one_without_time_is_refused():
    quiet = session(1, fills=0)
    assert Accounts(result(quiet)).money(1.0).net == pytest.approx(-0.01)
    with pytest.raises(NotEnoughData, match="must hold a session"):
        Accounts(result(quiet._replace(end_ms=quiet.start_ms)))
    with pytest.raises(NotEnoughData, match="must hold a session"):
        Accounts(result())


def test_sessions_stand_alone():
    """A run is the sum of its sessions, each marked at its own end."""
    run = several(3)
    assert Accounts(run).money(5.0).net == pytest.approx(sum(each.net for each in run.sessions), abs=1e-9)
