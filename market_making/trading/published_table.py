"""Which table a bot quotes from, and how large its lot is.

The calibrator publishes the table it has solved for its own model settings. A bot whose settings are the same quotes
from that table. A bot with other settings (its own order size, bound, fee or penalty, or parameters of hyperopt) solves
a table of its own from the same estimates, and says which settings differ.

Order size and bound are never the file's. One lot is the bot's `order_notional` at the mid of the calibration, rounded
down to the exchange's lots: it follows the calibration and not every tick, so that an inventory in lots stands still
in between, and it is what a calibrator with the same settings publishes, but for rounding.
"""

from collections.abc import Iterator
from math import isclose, nan
from typing import NamedTuple

import numpy as np

from calibration.publication.document import Model, Table
from calibration.publication.parameters import Parameters
from market_making.market.errors import ModelError, SafetyError
from market_making.market.instrument import Instrument
from market_making.market.reasons import Reason
from market_making.market.sides import Sides
from market_making.market.tape import FloatArray
from market_making.quoting.models.cartea_jaimungal import CarteaJaimungalQuoter
from market_making.quoting.quote import Quoter
from market_making.quoting.value.penalty import default_running_penalty
from market_making.quoting.value.quote_table import CarteaJaimungalSettings, QuoteTable, value_problem
from market_making.settings.sections import ModelSettings

_ROUNDING = 1e-6


class Quoting(NamedTuple):
    """What a pair is quoted with.

    Attributes
    ----------
    quoter : Quoter
        The model, over the published table if that is the bot's own.
    lot : float
        One lot of inventory, and the largest order that opens [coins].
    own_table : bool
        Whether the model solves a table of its own.
    difference : str
        Which of the file's settings are not the bot's, with both values; empty where none differs.
    """

    quoter: Quoter
    lot: float
    own_table: bool = False
    difference: str = ""


def quoting_of(parameters: Parameters, settings: ModelSettings, instrument: Instrument, model: Quoter) -> Quoting:
    """Choose the table for a bot's own model.

    Parameters
    ----------
    parameters : Parameters
        The published calibration.
    settings : ModelSettings
        Of the bot.
    instrument : Instrument
        Of the pair.
    model : Quoter
        Of the bot. One without a table, such as that of another variant, is returned as it is.

    Raises
    ------
    SafetyError
        If the bot's order is smaller than the exchange's smallest size.
    """
    lot = own_lot(parameters, settings, instrument)
    sizes = list(_size_differences(parameters, settings, instrument))
    if not isinstance(model, CarteaJaimungalQuoter):
        return Quoting(model, lot, difference="; ".join(sizes))
    differences = [
        *sizes,
        *_model_differences(parameters, model.settings),
        *_table_faults(parameters.hjb, model.settings),
    ]
    if differences:
        return Quoting(model, lot, own_table=True, difference="; ".join(differences))
    return Quoting(model.over(table_of(parameters.hjb, parameters.model), parameters.market.mid), lot)


def own_lot(parameters: Parameters, settings: ModelSettings, instrument: Instrument) -> float:
    """One lot of the bot [coins]: its order's value at the mid of the calibration, rounded down.

    Raises
    ------
    SafetyError
        If that is less than the exchange's smallest size.
    """
    lot = instrument.size(settings.order_notional / parameters.market.mid)
    if lot <= 0:
        detail = f"an order of {settings.order_notional:g} is less than one lot of {instrument.lot} {instrument.coin}"
        raise SafetyError(detail, reason=Reason.BELOW_SMALLEST_ORDER)
    return lot


def table_of(published: Table, model: Model) -> QuoteTable:
    """The published table in the form a model reads."""
    return QuoteTable(
        time_left_s=np.array(published.time_left_s or [0.0]),
        inventory=np.array(published.inventory),
        value=np.array(published.h),
        depths=Sides(bid=_depths(published.bid_depth), ask=_depths(published.ask_depth)),
        running_penalty=model.running_penalty,
    )


def _depths(rows: list[list[float | None]]) -> FloatArray:
    return np.array([[nan if depth is None else depth for depth in row] for row in rows])


def _size_differences(parameters: Parameters, settings: ModelSettings, instrument: Instrument) -> Iterator[str]:
    """Whether size and bound are not the bot's; a size may be rounded either way."""
    published, exact = parameters.model, settings.order_notional / parameters.market.mid
    if abs(published.order_size - exact) > float(instrument.lot) * (1 + _ROUNDING):
        yield f"order_size is {published.order_size:g} in the file, {exact:.4g} in the bot"
    if published.maximum_inventory != settings.maximum_inventory:
        yield f"maximum_inventory is {published.maximum_inventory} in the file, {settings.maximum_inventory} in the bot"


def _model_differences(parameters: Parameters, own: CarteaJaimungalSettings) -> Iterator[str]:
    """Which settings behind the table are not those of the bot's model."""
    published = parameters.model
    penalty = own.running_penalty
    pairs = (
        ("running_penalty", published.running_penalty, _own_penalty(parameters, own) if penalty is None else penalty),
        ("terminal_penalty", published.terminal_penalty, own.terminal_penalty),
        ("maker_fee", published.maker_fee, own.maker_fee),
        ("horizon.seconds", published.horizon.seconds or 0.0, own.session_s or 0.0),
        ("drift_weight", published.drift_weight, own.drift_weight),
    )
    for name, theirs, ours in pairs:
        if not isclose(theirs, ours, rel_tol=_ROUNDING, abs_tol=1e-15):
            yield f"{name} is {theirs:g} in the file, {ours:g} in the bot"


def _own_penalty(parameters: Parameters, own: CarteaJaimungalSettings) -> float:
    """The penalty that the bot's model derives from these estimates [price/s per lot²]; NaN where there is none."""
    try:
        problem = value_problem([parameters.order_flow()], [parameters.market.mid], own)
        return default_running_penalty(problem).item()
    except ModelError:
        return nan


def _table_faults(table: Table, own: CarteaJaimungalSettings) -> Iterator[str]:
    """Why a table cannot be read as one of these settings."""
    bound, inventory = own.maximum_inventory, table.inventory
    if inventory != list(range(-bound, bound + 1)):
        ends = f"{inventory[0]} to {inventory[-1]}" if inventory else "nothing"
        yield f"the table is for inventories of {ends} in the file, {-bound} to {bound} in the bot"
    times = table.time_left_s
    if times != sorted(set(times)) or (own.session_s is None) != (len(times) <= 1):
        yield f"the table has {len(times)} times left, which are not those of the horizon"
