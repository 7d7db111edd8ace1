"""The page needs nobody, shows what happened, and tells the decisions at the cursor."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_making.replay.accounts import picture
from market_making.replay.accounts.accounts import Accounts
from market_making.replay.accounts.picture import figure, money_over_time, shown_orders, thinned
from market_making.replay.accounts.tearsheet import decisions, tearsheet, write_tearsheet
from market_making.replay.result import Outcome
from tests.replay.accounts.sessions import result, session, several

plotly = pytest.importorskip("plotly.offline")


@pytest.fixture(scope="module")
def accounts():
    return Accounts(several(2, seconds=900, fills=80))


@pytest.fixture(scope="module")
def page(accounts):
    """The page without plotly's own script."""
    text = tearsheet(accounts)
    assert plotly.get_plotlyjs() in text
    return text.replace(plotly.get_plotlyjs(), "")


def embedded(page, name):
    """A document in the page's script."""
    return json.loads(re.search(rf"^const {name} = (.*);$", page, re.MULTILINE)[1])


def test_the_page_asks_nobody_for_anything(page):
    """And leaves no place of the template open."""
    assert not re.findall(r"https?:|src=|href=|@import|url\(", page)
    assert not re.findall(r"<!--\w+-->", page)


def test_it_is_written_whole(accounts, tmp_path):
    write_tearsheet(accounts, tmp_path / "runs" / "one.html")
    assert (tmp_path / "runs" / "one.html").read_text().endswith("</html>\n")


def test_names_and_parameters_cannot_break_it(accounts):
    """Whatever a strategy is called."""
    odd = "</script><script>alert(1)</script>"
    text = tearsheet(Accounts(result(*accounts.sessions, strategy=odd, coin=odd, parameters={odd: odd})))
    text = text.replace(plotly.get_plotlyjs(), "")
    assert "<script>alert" not in text
    assert text.count("</script>") == 2
    assert embedded(text, "FIGURE")["layout"]["yaxis"]["title"]["text"] == f"price of {odd}"


def test_every_fill_every_order_and_the_money_are_in_it(page, accounts):
    traces = {trace["name"]: trace for trace in embedded(page, "FIGURE")["data"]}
    for name, sign in (("bought", 1), ("sold", -1)):
        mine = [each.fills.time_ms[each.fills.sign == sign] for each in accounts.sessions]
        assert traces[name]["x"] == np.concatenate(mine).tolist()
    rested = sum(int(np.sum(each.orders.outcome != Outcome.REFUSED)) for each in accounts.sessions)
    shown = sum(sum(y is not None for y in traces[name]["y"]) for name in ("own bid", "own ask"))
    assert shown == 2 * rested
    money = accounts.money(1.0)
    for name, value in (("net", money.net), ("spread captured", money.spread), ("fees", -money.fees),
                        ("inventory", money.inventory), ("adverse selection", money.adverse)):  # fmt: skip
        assert traces[name]["y"][-2] == pytest.approx(value, abs=1e-9)  # the last is the break after the session
        assert traces[name]["y"][-1] is None


@given(st.integers(0, 1000), st.sampled_from([0.1, 1.0, 5.0, 30.0]))
@settings(max_examples=10, deadline=None)
def test_the_parts_add_up_at_every_moment(seed, horizon_s):
    run = session(seed)
    accounts = Accounts(result(run))
    _, parts = money_over_time(run, accounts.fills[0], horizon_s)
    net = parts.pop("net")
    assert np.abs(sum(parts.values()) - net).max() <= 1e-9
    assert net[-1] == pytest.approx(run.net, abs=1e-9)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400), st.integers(4, 50))
def test_thinning_keeps_order_ends_and_extremes(values, most):
    values = np.array(values)
    times, kept = thinned(np.arange(len(values)), values, most)
    assert (np.diff(times) > 0).all()
    assert (values[times] == kept).all()
    assert (times[0], times[-1]) == (0, len(values) - 1)
    assert (kept.min(), kept.max()) == (values.min(), values.max())
    assert len(kept) <= max(most + 2, 4)


def test_of_too_many_orders_those_that_were_filled_are_kept():
    run = session(2, fills=30)
    chosen = shown_orders(run, 40)
    assert len(chosen) <= 40
    assert set(np.flatnonzero(run.orders.outcome == Outcome.FILLED)) <= set(chosen)


def test_a_long_run_is_thinned_and_says_so(accounts, monkeypatch):
    monkeypatch.setattr(picture, "MOST_POINTS", 500)
    monkeypatch.setattr("market_making.replay.accounts.tearsheet.MOST_POINTS", 500)
    monkeypatch.setattr("market_making.replay.accounts.tearsheet.MOST_ORDERS", 50)
    text = tearsheet(accounts)
    assert "shows the extremes of 3,600 changes" in text
    assert "50 of 200 orders" in text
    assert len(figure(accounts, 1.0)["data"][0]["x"]) <= 510


def told(page, moments, documents):
    """What the page's own script tells at some moments."""
    return scripted(page, "moments.map(t => decisionsAt(sessions, t))", [documents, moments])


def scripted(page, expression, given):
    """Value of an expression of the page's own script."""
    script = page.split("//script-of-the-cursor")[1].split("//end-of-the-script")[0]
    program = f"{script}\nconst [sessions, moments] = JSON.parse(require('fs').readFileSync(0));"
    program += f"console.log(JSON.stringify({expression}));"
    given = json.dumps(given)
    ended = subprocess.run(["node", "-e", program], input=given, capture_output=True, text=True, check=True, timeout=60)
    return json.loads(ended.stdout)


@pytest.mark.skipif(shutil.which("node") is None, reason="the page's script needs node to run here")
def test_the_cursor_tells_what_rested_then(page, accounts):
    """The oracle asks the orders themselves."""
    documents = embedded(page, "SESSIONS")
    assert [each["start_ms"] for each in documents] == [each["start_ms"] for each in decisions(accounts)]
    run = accounts.sessions[0]
    moments = np.linspace(run.start_ms, run.end_ms, 60).astype(int).tolist()
    for moment, text in zip(moments, told(page, moments, documents), strict=True):
        orders = run.orders
        rests = (orders.placed_ms <= moment) & (orders.ended_ms >= moment) & (orders.outcome != Outcome.REFUSED)
        expected = {
            f"{size:g} at {price:g}:" for size, price in zip(orders.size[rests], orders.price[rests], strict=True)
        }
        seen = set(re.findall(r"(?:bid|ask) ([\d.]+ at [\d.]+:)", text))
        assert seen <= expected
        assert len(seen) == min(len(expected), 4)
        held = np.sum((run.fills.sign * run.fills.size)[run.fills.time_ms <= moment])
        assert float(re.search(r"inventory (\S+)", text)[1]) == pytest.approx(held, abs=1e-7)
    between = accounts.sessions[0].end_ms + 30_000
    assert "no session" in told(page, [between], documents)[0]


@pytest.mark.skipif(shutil.which("node") is None, reason="the page's script needs node to run here")
def test_a_session_is_shown_with_all_that_happened_in_it(page, accounts):
    """Its price axis ends just beyond its own prices, whatever the other sessions were."""
    run = accounts.sessions[1]
    traces = embedded(page, "FIGURE")["data"]
    ranges = scripted(page, "rangesWithin(sessions, ...moments)", [traces, [run.start_ms, run.end_ms]])
    assert ranges["xaxis.range"] == [run.start_ms, run.end_ms]
    low, high = ranges["yaxis.range"]
    rested = run.orders.price[run.orders.outcome != Outcome.REFUSED]
    seen = (min(run.touch.bid.min(), rested.min()), max(run.touch.ask.max(), rested.max()))
    assert low < seen[0]
    assert high > seen[1]
    assert high - low == pytest.approx(1.1 * (seen[1] - seen[0]), rel=0.01)
    assert {"yaxis2.range", "yaxis3.range"} <= ranges.keys()
