"""`mm fair-value`: what anchoring quotes elsewhere than at mid would have gained, and how far a leader is ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import click

from market_making.market.clock import utc_text
from market_making.market.errors import ConfigurationError
from market_making.market.selection import Selection
from market_making.ops.commands.collect import data_option
from market_making.ops.commands.options import (
    Instant,
    config_option,
    json_option,
    load_settings,
    print_json,
    with_options,
)

if TYPE_CHECKING:
    from calibration.estimators.estimate import Estimate
    from calibration.estimators.fair_value import Gain
    from calibration.estimators.lead_time import LeadTime
    from calibration.flow.fair_value import FairValue
    from calibration.observation.leading_quotes import LeadingQuotes
    from market_making.recording.store.tick_store import TickStore
    from market_making.settings.settings import Settings

    Recorded = tuple[TickStore, str]

KINDS = {"imbalance": "imbalance", "leader": "with the leader", "microprice": "microprice"}


class Measured(NamedTuple):
    """What is told: of which markets and window, by which leader, and how old the bot's own quotes are."""

    coin: str
    leader: str | None
    start_ms: int
    end_ms: int
    found: FairValue
    heard: LeadingQuotes | None
    stamped: LeadTime | None
    bot_age_ms: int

    @property
    def anchors(self) -> list[str]:
        """What is sure to gain at the age of the bot's own quotes."""
        return [kind for kind, rows in self.found.gains.items() for gain in rows if self._is_relied_on(gain)]

    def _is_relied_on(self, gain: Gain) -> bool:
        return gain.age_ms == self.bot_age_ms and gain.is_sure


@click.command("fair-value")
@click.argument("coin")
@with_options(
    click.option("--leader", help="Coin that may move first.  [default: the same one, of --leader-venue]"),
    click.option("--leader-venue", help="Venue of the leader, recorded at the same time.  [default: the bot's]"),
    click.option(
        "--depth", type=click.FloatRange(min=0), default=1.0, show_default=True,
        help="Where quotes stand, beyond the mean half-spread [bps].",
    ),
    data_option,
    click.option("--start", type=Instant(), help="Where the window begins.  [default: first event]"),
    click.option("--end", type=Instant(), help="Where it ends.  [default: last event]"),
    config_option,
    json_option,
)  # fmt: skip
def fair_value_command(coin: str, **options: Any) -> None:
    """Measure what quotes would gain if they followed the book's imbalance or a leader, not mid.

    A gain counts where its 95 % interval lies above 0 at the age of the bot's own quotes. Bots follow the imbalance
    where the calibrator finds that in the last half hour; no bot follows a leader.
    """
    settings = load_settings(options["configs"], market_data=options["data"])
    own = _recorded(settings, settings.venue, coin)
    leader = _leader(settings, own[1], options)
    first_ms, last_ms = own[0].extent(own[1])
    start_ms = first_ms - 1 if options["start"] is None else options["start"]
    end_ms = last_ms if options["end"] is None else options["end"]
    measured = _measure(settings, own, leader, (start_ms, end_ms, options["depth"]))
    if options["as_json"]:
        print_json(_document(measured))
    else:
        _show(measured, options["depth"])


def _recorded(settings: Settings, venue: str, coin: str) -> Recorded:
    """Store and folder of a market, from any of its names."""
    from market_making.recording.other_venues.recorded import recorded_coins
    from market_making.recording.store.tick_store import TickStore

    (key,) = recorded_coins(settings.market_data, venue, Selection((coin,), strict=True))[:1]
    return TickStore(settings.market_data, venue), key


def _leader(settings: Settings, coin: str, options: dict[str, Any]) -> Recorded | None:
    if options["leader"] is None and options["leader_venue"] is None:
        return None
    venue, leader = options["leader_venue"] or settings.venue, options["leader"] or coin
    if (venue, leader) == (settings.venue, coin):
        raise ConfigurationError(f"--leader must be another market than {coin} of {venue}, which cannot lead itself")
    return _recorded(settings, venue, leader)


def _measure(settings: Settings, own: Recorded, leader: Recorded | None, window: tuple[int, int, float]) -> Measured:
    from calibration.estimators.fair_value import AGES_MS
    from calibration.estimators.lead_time import lead_time
    from calibration.flow.fair_value import fair_value
    from calibration.flow.shadow import rules_of
    from calibration.observation.increments import infer_increments
    from calibration.observation.leading_quotes import leading_quotes
    from calibration.observation.observations import usable_quotes
    from market_making.trading.timing import recorded_timing

    start_ms, end_ms, depth_bps = window
    tape = own[0].tape(own[1], start_ms, end_ms)
    heard = None if leader is None else leading_quotes(own, leader, start_ms, end_ms)
    timing = rules_of(settings, 1.0, recorded_timing(settings.decisions, settings.edge)).timing
    bot_age_ms = round(timing.aim_ms)
    found = fair_value(
        tape, infer_increments(tape.quotes).tick, None if heard is None else heard.received, depth_bps,
        tuple(sorted({*AGES_MS, bot_age_ms})),
    )  # fmt: skip
    stamped = None if heard is None else lead_time(usable_quotes(tape.quotes), heard.stamped)
    name = None if leader is None else f"{leader[1]} of {leader[0].venue}"
    return Measured(own[1], name, start_ms, end_ms, found, heard, stamped, bot_age_ms)


def _document(measured: Measured) -> dict[str, Any]:
    found, bps = measured.found, 1e4 / measured.found.mid
    return {
        "coin": measured.coin,
        "leader": measured.leader,
        "start_ms": measured.start_ms,
        "end_ms": measured.end_ms,
        "mid": found.mid,
        "orders": found.orders,
        "imbalance_bps": _numbers(found.imbalance, bps),
        "response": _numbers(found.response, 1.0),
        "lead_s": _numbers(None if found.lead is None else found.lead.lead_s, 1.0),
        "lead_by_stamps_s": _numbers(None if measured.stamped is None else measured.stamped.lead_s, 1.0),
        "delay_ms": None if measured.heard is None else measured.heard.own_delay_ms,
        "leader_delay_ms": None if measured.heard is None else measured.heard.delay_ms,
        "bot_age_s": measured.bot_age_ms / 1e3,
        "anchors": measured.anchors,
        "gains": [
            {
                "anchor": kind,
                "age_s": gain.age_ms / 1e3,
                "gain_bps": _numbers(gain.per_fill, bps),
                "fills": gain.anchored,
                "fills_around_mid": gain.plain,
                "sure": gain.is_sure,
            }
            for kind, rows in found.gains.items()
            for gain in rows
        ],
    }


def _numbers(estimate: Estimate | None, unit: float) -> dict[str, float] | None:
    if estimate is None or estimate.source == "prior":
        return None
    return {"value": estimate.value * unit, "low": estimate.low * unit, "high": estimate.high * unit}


def _show(measured: Measured, depth_bps: float) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    found, bps = measured.found, 1e4 / measured.found.mid
    window = f"{utc_text(measured.start_ms + 1)} to {utc_text(measured.end_ms)}"
    click.echo(f"{measured.coin}, {window}: {found.orders} market orders")
    click.echo(
        f"  imbalance of the best sizes: mid moves by {_text(found.imbalance, bps)} bps within a second per unit"
    )
    if measured.heard is not None and found.response is not None:
        click.echo(f"  {measured.leader}: mid moves by {_text(found.response, 1.0)} per unit that it moved in a second")
        click.echo(f"  its lead, as both are received here: {_lead(found.lead)}")
        click.echo(f"  its lead by the exchanges' stamps: {_lead(measured.stamped)}")
        click.echo(f"  from stamp to arrival: {measured.heard.own_delay_ms:.0f} ms here, "
                   f"{measured.heard.delay_ms:.0f} ms of the leader")  # fmt: skip
    table = Table(title=f"gain per fill in bps ± 95 % (fills), quotes {depth_bps:g} bps beyond the half-spread",
                  box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1))  # fmt: skip
    for heading in ("age of quote", *(KINDS[kind] for kind in found.gains)):
        table.add_column(heading, justify="right")
    for row in zip(*found.gains.values(), strict=True):
        own = "the bot's " if row[0].age_ms == measured.bot_age_ms else ""
        table.add_row(f"{own}{row[0].age_ms / 1e3:.2f} s", *(_gain(gain, bps) for gain in row))
    Console().print(table)
    click.echo("* the interval lies above 0, with ten fills of each kind of quote")
    click.echo(_verdict(measured))


def _verdict(measured: Measured) -> str:
    at = f"at the age of this bot's quotes, {measured.bot_age_ms / 1e3:.2f} s"
    if not measured.anchors:
        return f"Off: {at}, no anchor is sure to gain."
    names = " and ".join(KINDS[kind] for kind in measured.anchors)
    return f"Worth an anchor {at}: {names}. Bots follow the imbalance alone, where the calibrator finds it so."


def _text(estimate: Estimate, unit: float) -> str:
    if estimate.source == "prior":
        return "(too little to tell)"
    return f"{estimate.value * unit:.2f} [{estimate.low * unit:.2f}, {estimate.high * unit:.2f}]"


def _lead(lead: LeadTime | None) -> str:
    if lead is None:
        return "none found"
    return f"{_text(lead.lead_s, 1.0)} s, {'surely' if lead.is_ahead else 'not surely'} ahead"


def _gain(gain: Gain, bps: float) -> str:
    if gain.per_fill is None:
        return f"- ({gain.anchored})"
    star = "*" if gain.is_sure else ""
    width = (gain.per_fill.high - gain.per_fill.value) * bps
    return f"{gain.per_fill.value * bps:.2f} ± {width:.2f}{star} ({gain.anchored})"
