"""From a calibration and its table of quotes to the parameter file."""

import gc
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, Literal, NamedTuple

from calibration.estimators.estimate import Estimate, EstimateSource
from calibration.estimators.fair_value import Gain
from calibration.estimators.shadow_quote import Timing
from calibration.flow.calibrate import Calibration
from calibration.flow.fair_value import LeaderWorth
from calibration.flow.shadow import USUAL_TIMINGS, ShadowMaker
from calibration.publication.document import (
    Market,
    Model,
    PublishedEstimate,
    PublishedFairValue,
    PublishedFlow,
    PublishedLeader,
    PublishedRegime,
    PublishedShadow,
    PublishedTiming,
    PublishedWindow,
    Quality,
    Table,
)
from calibration.publication.parameters import Parameters, finite_or_none
from market_making.market.errors import ModelError
from market_making.market.tape import FloatArray
from market_making.quoting.risk import toxicity
from market_making.quoting.value.quote_table import QuoteTable, solve_tables
from market_making.recording.other_venues.venues import THROUGH_CCXT, names_with
from market_making.recording.store.market_file import read_market
from market_making.settings.sections import ModelSettings
from market_making.settings.settings import Settings

_ID_LENGTH = 12
_WRITERS = 4
# Longest turn of a thread while others wait [s]. A file comes back from the disk half a dozen times until it is
# written, and each time waits for the end of a turn of the thread that estimates: five milliseconds, if left alone.
_TURN_S = 0.0005


@contextmanager
def hurried() -> Iterator[None]:
    """Let threads that write not wait long for one that computes, and nobody for the collection of garbage."""
    usual_s, collects = sys.getswitchinterval(), gc.isenabled()
    sys.setswitchinterval(_TURN_S)
    gc.disable()
    try:
        yield
    finally:
        sys.setswitchinterval(usual_s)
        if collects:
            gc.enable()


class Writers:
    """Threads that write many files at once: each write waits for the disk, so they wait together."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=_WRITERS)

    def start(self, write: Callable[[], object]) -> Future[object]:
        """Let one of the threads write."""
        return self._threads.submit(write)

    def outcome(self, written: Future[object]) -> OSError | None:
        """Wait for a write; return why it failed, None if it did not."""
        error = written.exception()
        if error is not None and not isinstance(error, OSError):
            raise error
        return error

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()


class Published(NamedTuple):
    """A calibration with the table solved for it."""

    calibration: Calibration
    table: QuoteTable


def solve(calibrations: Sequence[Calibration], settings: Sequence[Settings]) -> list[Published | ModelError]:
    """Solve for the quotes of many coins, in one go where the maker fee is the same.

    Parameters
    ----------
    calibrations : sequence of Calibration
        Of the coins.
    settings : sequence of Settings
        Of each coin; they differ in nothing but the fee.

    Returns
    -------
    list of Published or ModelError
        For a coin that has no quotes, the error that says why.
    """
    places: dict[float, list[int]] = {}
    for place, each in enumerate(settings):
        places.setdefault(each.model.maker_fee, []).append(place)
    found: dict[int, Published | ModelError] = {}
    for group in places.values():
        members, model = [calibrations[place] for place in group], settings[group[0]].model.cartea_jaimungal()
        flows = [calibration.order_flow() for calibration in members]
        tables = solve_tables(flows, [calibration.mid for calibration in members], model)
        for place, calibration, table in zip(group, members, tables, strict=True):
            found[place] = table if isinstance(table, ModelError) else Published(calibration, table)
    return [found[place] for place in range(len(calibrations))]


def parameters(coin: str, published: Published, settings: Settings) -> Parameters:
    """Put everything into the form of the file; its identity is a hash of its content."""
    calibration, table = published
    root, venue = settings.market_data, settings.venue
    market = None if venue in THROUGH_CCXT else read_market(root, venue, coin)
    document = Parameters(
        venue=venue,
        coin=coin,
        pair=names_with(market, venue, coin, settings.pairs).pair,
        wire=None if market is None else market.wire,
        asset=None if market is None else market.asset,
        created_ms=calibration.created_ms,
        valid_until_ms=calibration.created_ms + round(settings.calibration.valid_for_s * 1e3),
        calibration_id="",
        window=PublishedWindow(
            start_ms=calibration.start_ms, end_ms=calibration.end_ms, exposure_s=calibration.exposure_s
        ),
        market=_market(calibration),
        buy=PublishedFlow.of(calibration.flows.buy),
        sell=PublishedFlow.of(calibration.flows.sell),
        model=_model(calibration, table, settings.model),
        hjb=_table(table),
        regime=_regime(calibration, settings.model),
        shadow=_shadow(calibration.shadow),
        fair_value=_fair_value(calibration),
        quality=Quality(
            status=calibration.quality.status, flags=list(calibration.quality.flags), events=calibration.events
        ),
    )
    text = document.model_dump_json(by_alias=True)
    return document.model_copy(update={"calibration_id": sha256(text.encode()).hexdigest()[:_ID_LENGTH]})


def _market(calibration: Calibration) -> Market:
    return Market(
        mid=calibration.mid,
        tick=calibration.increments.tick,
        lot=calibration.increments.lot,
        half_spread=calibration.half_spread,
        volatility=calibration.volatility,
        funding_rate=calibration.funding_rate,
        activity=_activity(calibration),
    )


def _activity(calibration: Calibration) -> PublishedEstimate:
    now = calibration.activity
    return PublishedEstimate(
        value=now.factor, low=now.low, high=now.high, n=calibration.events, source=EstimateSource.OK
    )


def _shadow(shadow: ShadowMaker) -> PublishedShadow:
    return PublishedShadow(
        depth=list(shadow.depth),
        fills_per_hour=[PublishedEstimate.of(rate) for rate in shadow.fills_per_hour],
        net_per_fill=[PublishedEstimate.of(net) for net in shadow.net_per_fill],
        age_cost=PublishedEstimate.of(shadow.age_cost),
        timing=PublishedTiming(**shadow.timing._asdict(), source=_source(shadow.timing)),
    )


def _source(timing: Timing) -> Literal["record", "usual"]:
    """Whether the bot's own record says how long it takes."""
    return "usual" if timing in USUAL_TIMINGS else "record"


def _fair_value(calibration: Calibration) -> PublishedFairValue:
    worth = calibration.anchor
    return PublishedFairValue(
        imbalance=PublishedEstimate.of(worth.imbalance),
        age_ms=worth.gain.age_ms,
        age_source=_source(calibration.shadow.timing),
        **_gain(worth.gain),
        used=worth.gain.is_sure,
        leader=None if worth.leader is None else _leader(worth.leader),
    )


def _leader(worth: LeaderWorth) -> PublishedLeader:
    return PublishedLeader(
        name=worth.name,
        response=PublishedEstimate.of(worth.response),
        lead_s=_or_none(worth.lead_s),
        **_gain(worth.gain),
        sure=worth.gain.is_sure,
    )


def _gain(gain: Gain) -> dict[str, Any]:
    return {"gain_per_fill": _or_none(gain.per_fill), "fills": gain.anchored, "fills_around_mid": gain.plain}


def _or_none(estimate: Estimate | None) -> PublishedEstimate | None:
    return None if estimate is None else PublishedEstimate.of(estimate)


def _model(calibration: Calibration, table: QuoteTable, settings: ModelSettings) -> Model:
    lot = calibration.increments.lot
    return Model(
        order_size=max(1, round(settings.order_notional / calibration.mid / lot)) * lot,
        maximum_inventory=settings.maximum_inventory,
        running_penalty=table.running_penalty,
        terminal_penalty=settings.terminal_penalty,
        maker_fee=settings.maker_fee,
        horizon=settings.horizon,
        drift_weight=settings.drift_weight,
    )


def _table(table: QuoteTable) -> Table:
    def rows(values: FloatArray) -> list[list[float | None]]:
        return [[finite_or_none(float(value)) for value in row] for row in values]

    return Table(
        time_left_s=table.time_left_s.tolist(),
        inventory=table.inventory.tolist(),
        h=table.value.tolist(),
        ask_depth=rows(table.depths.ask),
        bid_depth=rows(table.depths.bid),
    )


def _regime(calibration: Calibration, settings: ModelSettings) -> PublishedRegime:
    """Toxicity decides; a fill model that is only guessed asks for more distance, a bad calibration for none at all."""
    toxicities = toxicity.toxicity(calibration.order_flow(), calibration.mid, settings.maker_fee)
    state = toxicity.regime(toxicities, widen=settings.widen_toxicity, pause=settings.pause_toxicity)
    guessed = any(flow.fill_decay.source in (EstimateSource.PRIOR, EstimateSource.STALE) for flow in calibration.flows)
    if calibration.quality.status == "bad":
        state = toxicity.Regime.PAUSE
    elif guessed and state is toxicity.Regime.QUOTE:
        state = toxicity.Regime.WIDEN
    return PublishedRegime(toxicity_buy=toxicities.buy, toxicity_sell=toxicities.sell, state=state.value)
