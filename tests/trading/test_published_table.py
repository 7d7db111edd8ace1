"""The published table is what is quoted from, where its settings are the bot's; size and bound are always the bot's."""

from dataclasses import replace

import numpy as np
import pytest

from market_making.market.errors import SafetyError
from market_making.market.instrument import Instrument
from market_making.market.reasons import Reason
from market_making.quoting.models import glft
from market_making.quoting.models.cartea_jaimungal import cartea_jaimungal_quoter
from market_making.quoting.quote import MarketView
from market_making.quoting.value.quote_table import solve_table
from market_making.settings.sections import Horizon, ModelSettings
from market_making.trading.published_table import quoting_of, table_of
from tests.puppet_market import parameters, with_table

ETH = Instrument.hyperliquid("ETH", 4)
PUBLISHED = parameters()
FLOW = PUBLISHED.order_flow()
VIEW = MarketView(2999.95, 5.0, 3000.05, 5.0, 0)
GATE = {"widen_toxicity": 10.0, "pause_toxicity": 10.0}
SESSION = Horizon(mode="session", seconds=600.0)


def chosen(published=PUBLISHED, **settings):
    """What a bot with these model settings is quoted with."""
    model = ModelSettings(**(GATE | settings))
    return quoting_of(published, model, ETH, cartea_jaimungal_quoter(model.cartea_jaimungal()))


def test_the_published_table_is_read_back_to_the_last_digit():
    """Converted to JSON and back, rows, columns, values and depths are those that were solved."""
    solved = solve_table(FLOW, PUBLISHED.market.mid, ModelSettings(horizon=SESSION).cartea_jaimungal())
    published = type(PUBLISHED).model_validate_json(
        with_table(PUBLISHED, horizon=SESSION).model_dump_json(by_alias=True)
    )
    table = table_of(published.hjb, published.model)
    for mine, theirs in zip(
        (table.time_left_s, table.inventory, table.value, *table.depths),
        (solved.time_left_s, solved.inventory, solved.value, *solved.depths),
        strict=True,
    ):
        np.testing.assert_array_equal(mine, theirs)
    assert table.running_penalty == solved.running_penalty


def test_equal_settings_quote_from_the_published_table():
    """Without saying anything: the quotes are those of a table of one's own, at every real inventory."""
    quoting = chosen()
    assert not quoting.own_table
    assert quoting.difference == ""
    own = cartea_jaimungal_quoter(ModelSettings(**GATE).cartea_jaimungal())
    for inventory in (-3.0, -1.3, 0.0, 0.5, 2.9):
        published, solved = (model(VIEW, inventory, FLOW, 0) for model in (quoting.quoter, own))
        assert published == solved


@pytest.mark.parametrize("seconds_left", [600, 431, 90, 3, 0.5])
def test_a_session_is_quoted_from_its_rows(seconds_left):
    """In the time that is left, between the rows of the published table."""
    published = with_table(PUBLISHED, horizon=SESSION)
    quoting = chosen(published, horizon=SESSION)
    assert not quoting.own_table
    own = cartea_jaimungal_quoter(ModelSettings(horizon=SESSION, **GATE).cartea_jaimungal())
    now_ms = round((600 - seconds_left) * 1e3)
    assert quoting.quoter(VIEW, 1.2, FLOW, now_ms) == own(VIEW, 1.2, FLOW, now_ms)


def test_a_depth_changed_by_hand_is_what_is_quoted():
    """And the quote says that it is for inventory, at this inventory and halfway to the next."""
    table = PUBLISHED.hjb
    depths = [list(row) for row in table.ask_depth]
    depths[0][4] += 1.0
    changed = PUBLISHED.model_copy(update={"hjb": table.model_copy(update={"ask_depth": depths})})
    for inventory, added in ((1.0, 1.0), (1.5, 0.5), (2.0, 0.0)):
        usual, moved = (chosen(file).quoter(VIEW, inventory, FLOW, 0).ask for file in (PUBLISHED, changed))
        assert moved.depth - usual.depth == pytest.approx(added)
        assert moved.terms.inventory - usual.terms.inventory == pytest.approx(added)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"order_notional": 50.0}, "order_size is 0.0333 in the file, 0.01667 in the bot"),
        ({"order_notional": 300.0}, "order_size"),
        ({"maximum_inventory": 5}, "maximum_inventory is 3 in the file, 5 in the bot"),
        ({"running_penalty": 0.002}, "running_penalty"),
        ({"terminal_penalty": 0.5}, "terminal_penalty is 0 in the file, 0.5 in the bot"),
        ({"maker_fee": 0.0}, "maker_fee is 0.00015 in the file, 0 in the bot"),
        ({"horizon": SESSION}, "horizon.seconds is 0 in the file, 600 in the bot"),
        ({"drift_weight": 0.25}, "drift_weight is 0 in the file, 0.25 in the bot"),
    ],
)
def test_any_other_setting_means_a_table_of_ones_own_and_is_named(settings, key):
    """The bot's own model quotes, with the bot's own size; the text has the key and both values."""
    quoting = chosen(**settings)
    assert quoting.own_table
    assert key in quoting.difference
    model = ModelSettings(**(GATE | settings))
    assert quoting.lot == ETH.size(model.order_notional / 3000.0)
    expected = cartea_jaimungal_quoter(model.cartea_jaimungal())(VIEW, 1.0, FLOW, 0)
    assert quoting.quoter(VIEW, 1.0, FLOW, 0) == expected


def test_a_bound_below_the_configured_one_means_a_table_of_ones_own():
    """As a share that hyperopt has found makes it."""
    settings = ModelSettings(**GATE)
    model = cartea_jaimungal_quoter(replace(settings.cartea_jaimungal(), maximum_inventory=2))
    quoting = quoting_of(PUBLISHED, settings, ETH, model)
    assert quoting.own_table
    assert "-3 to 3 in the file, -2 to 2 in the bot" in quoting.difference


@pytest.mark.parametrize("calibrator", [50.0, 100.0, 100.2, 300.0])
@pytest.mark.parametrize("bot", [50.0, 100.0])
def test_an_order_is_never_larger_than_the_bots(calibrator, bot):
    """Whatever the calibrator says; rounding to the exchange's lots is no difference."""
    quoting = chosen(with_table(PUBLISHED, order_notional=calibrator), order_notional=bot)
    assert bot - 0.31 <= quoting.lot * 3000.0 <= bot
    assert bool(quoting.difference) == (abs(calibrator - bot) > 1.0)


def test_another_model_is_left_alone_but_for_its_size():
    """A variant reads no table; that the calibrator's size is another one is said all the same."""
    model = glft.quoter(glft.GlftSettings())
    same, other = (quoting_of(PUBLISHED, ModelSettings(order_notional=n), ETH, model) for n in (100.0, 50.0))
    assert same.quoter is other.quoter is model
    assert (same.own_table, same.difference, other.own_table) == (False, "", False)
    assert other.difference == "order_size is 0.0333 in the file, 0.01667 in the bot"
    assert other.lot == 0.0166


@pytest.mark.parametrize(
    "changes",
    [
        {"inventory": [0, 1, 2], "h": [[0.0] * 3], "ask_depth": [[1.0] * 3], "bid_depth": [[1.0] * 3]},
        {"inventory": [], "h": [[]], "ask_depth": [[]], "bid_depth": [[]]},
    ],
)
def test_a_table_of_another_form_is_not_quoted_from(changes):
    """Too few columns, or none."""
    file = PUBLISHED.model_copy(update={"hjb": PUBLISHED.hjb.model_copy(update=changes)})
    quoting = chosen(file)
    assert quoting.own_table
    assert "table" in quoting.difference


def test_a_session_table_without_its_times_is_not_quoted_from():
    """Or with times that do not ascend."""
    published = with_table(PUBLISHED, horizon=SESSION)
    times = published.hjb.time_left_s
    for wrong in ([times[1], times[0], *times[2:]], [times[0]] * len(times)):
        file = published.model_copy(update={"hjb": published.hjb.model_copy(update={"time_left_s": wrong})})
        assert "times" in chosen(file, horizon=SESSION).difference


def test_an_order_smaller_than_one_lot_of_the_exchange_is_refused():
    """It cannot be placed, and the next larger one is not the bot's."""
    with pytest.raises(SafetyError, match="less than one lot") as refused:
        chosen(order_notional=0.2)
    assert refused.value.reason is Reason.BELOW_SMALLEST_ORDER
