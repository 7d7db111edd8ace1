"""`mm quotes`: the published quote table of one coin, as a person or a program reads it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from market_making.market.errors import MissingParameters
from market_making.market.selection import Selection
from market_making.market.suggestion import did_you_mean
from market_making.ops.commands.options import (
    ago,
    as_typed,
    config_option,
    json_option,
    load_settings,
    now_ms,
    print_json,
    with_options,
)

if TYPE_CHECKING:
    from calibration.publication.parameters import Parameters
    from market_making.settings.settings import Settings


@click.command()
@click.argument("coin")
@with_options(
    click.option("--parameters", type=click.Path(path_type=Path, file_okay=False), help="Folder of parameter files."),
    config_option,
    json_option,
)
def quotes(coin: str, parameters: Path | None, configs: tuple[Path, ...], *, as_json: bool) -> None:
    """Show bid, ask and their depths for every inventory, from the parameter file of COIN."""
    settings = load_settings(configs, parameters=parameters)
    coin = _known(settings, coin)
    from calibration.publication.parameters import read_parameters

    published = read_parameters(settings.parameters, coin, venue=settings.venue, now_ms=None)
    table = quote_table(published, anchors=settings.quote.anchor)
    if as_json:
        print_json(table)
    else:
        _show(published, table)


def _known(settings: Settings, coin: str) -> str:
    """The coin of a parameter file, from any name of its market; a mistyped one is answered at once."""
    from market_making.recording.other_venues.recorded import names_among

    folder = settings.parameters
    path, known = folder / f"{coin}.json", sorted(other.stem for other in folder.glob("*.json"))
    wanted = Selection((coin,))
    chosen = wanted.choose(names_among(settings.market_data, settings.venue, known, wanted)).chosen
    if chosen:
        return chosen[0].key
    if hint := did_you_mean(coin, known):
        raise MissingParameters(f"there is no {path}{hint}")
    if known:
        raise MissingParameters(f"there is no {path}; {folder} holds {', '.join(known)}")
    starts = f"mm calibrate --coin {coin}{as_typed()}"
    raise MissingParameters(f'there is no {path}; is the calibrator running? "{starts}" starts it')


def quote_table(published: Parameters, *, anchors: bool) -> dict[str, Any]:
    """The table as a JSON document; null where a side is not quoted. `anchors`: quotes may follow the imbalance."""
    from market_making.market.instrument import FixedTick, Instrument

    market = published.market
    instrument = Instrument(
        published.coin, published.pair, FixedTick(Decimal(repr(market.tick))), Decimal(repr(market.lot))
    )
    longest = max(range(len(published.hjb.h)), key=lambda row: (published.hjb.time_left_s or [0.0])[row])
    rows = []
    for column, inventory in enumerate(published.hjb.inventory):
        bid_depth = published.hjb.bid_depth[longest][column]
        ask_depth = published.hjb.ask_depth[longest][column]
        rows.append(
            {
                "inventory": inventory,
                "bid": None if bid_depth is None else instrument.bid_price(market.mid - bid_depth),
                "ask": None if ask_depth is None else instrument.ask_price(market.mid + ask_depth),
                "bid_depth": bid_depth,
                "ask_depth": ask_depth,
                "bid_depth_bps": None if bid_depth is None else 1e4 * bid_depth / market.mid,
                "ask_depth_bps": None if ask_depth is None else 1e4 * ask_depth / market.mid,
            }
        )
    return {
        "coin": published.coin,
        "mid": market.mid,
        "tick": market.tick,
        "created_ms": published.created_ms,
        "expired": now_ms() > published.valid_until_ms,
        "state": published.regime.state,
        "toxicity_buy": published.regime.toxicity_buy,
        "toxicity_sell": published.regime.toxicity_sell,
        "status": published.quality.status,
        "flags": published.quality.flags,
        "imbalance_response": published.order_flow().imbalance_response if anchors else 0.0,
        "rows": rows,
    }


def _show(published: Parameters, document: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    age_s = (now_ms() - published.created_ms) / 1e3
    validity = "valid"
    if document["expired"]:
        validity = "[red]expired, not quoted from[/red]"
    elif age_s < 0:
        validity = "[red]from the future, not quoted from[/red]"
    decimals = max(0, -int(Decimal(repr(published.market.tick)).normalize().as_tuple().exponent))
    console.print(
        f"[bold]{published.coin}[/bold] mid {published.market.mid:.{decimals + 1}f}, tick {published.market.tick:g}, "
        f"one lot = {published.model.order_size:g} coins; calibrated {ago(age_s)} ({validity}); "
        f"regime [bold]{published.regime.state}[/bold] (toxicity {published.regime.toxicity_buy:.2f} buy, "
        f"{published.regime.toxicity_sell:.2f} sell); quality {published.quality.status} "
        f"{' '.join(published.quality.flags)}"
    )
    units = ("inventory [lots]", "bid", "ask", "bid depth", "ask depth", "bid depth [bps]", "ask depth [bps]")
    table = Table(*map(escape, units))
    for row in document["rows"]:
        table.add_row(
            f"{row['inventory']:+d}",
            *(_text(row[name], f".{decimals}f") for name in ("bid", "ask")),
            *(_text(row[name], ".4g") for name in ("bid_depth", "ask_depth")),
            *(_text(row[name], ".2f") for name in ("bid_depth_bps", "ask_depth_bps")),
        )
    for column in table.columns:
        column.justify = "right"
    console.print(table)
    if response := document["imbalance_response"]:
        bps = 1e4 * response / published.market.mid
        console.print(f"both follow the book's imbalance: {response:+.4g} ({bps:+.2f} bps) per unit, by half the "
                      "nearer depth at most")  # fmt: skip


def _text(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
