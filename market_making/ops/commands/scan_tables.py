"""The ranking of `mm scan` as text: a table of the coins that pay, and one of those that do not."""

from math import isfinite

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from calibration.scanning.prospect import Figures, Prospect
from market_making.quoting.risk.toxicity import Regime
from market_making.settings.settings import Settings

_COLUMNS = (
    "coin", "fee\n\\[bps]", "net\nper hour", "95 %\ninterval", "per 100\nheld", "noise\nper hour",
    "breaks\neven\n\\[bps]", "toxi-\ncity", "state", "quotes",
)  # fmt: skip
_STYLES = {Regime.QUOTE: "green", Regime.WIDEN: "yellow", Regime.PAUSE: "red"}


def show_ranking(prospects: list[Prospect], settings: Settings, source: str, *, with_tiers: bool = False) -> None:
    """Print both tables, and what they assume; `with_tiers`, also from which volume on each coin would pay."""
    console = Console()
    model = settings.model
    capital = (model.maximum_inventory + 1) * model.order_notional / settings.leverage
    sides = "one order at a time" if settings.role.leg is None else "both sides by two bots"
    console.print(
        f"Expected earnings of the bot, {sides} ({settings.sides}), {source}: at each market's own maker fee and the "
        f"age that the bot's quotes have there, orders of {model.order_notional:g}, at most {model.maximum_inventory} "
        f"of them held, capital {capital:g} per coin"
    )
    pays, refused = ([p for p in prospects if p.refused is answer] for answer in (False, True))
    if pays:
        console.print(_table(pays))
    else:
        console.print("[bold]No coin pays.[/bold]")
    if refused:
        console.print(_refused(refused))
    if with_tiers:
        console.print(_tiers(prospects))


def _table(prospects: list[Prospect]) -> Table:
    table = Table(*_COLUMNS, title=f"{len(prospects)} worth quoting", title_justify="left", box=SIMPLE_HEAD)
    for column in table.columns[:-1]:
        column.no_wrap = True
    for column in table.columns[1:-2]:
        column.justify = "right"
    table.collapse_padding = True
    for prospect in prospects:
        if prospect.figures:
            style = _STYLES[prospect.state]
            state = f"[{style}]{prospect.state}[/{style}]"
            table.add_row(prospect.coin, *_numbers(prospect.figures), state, prospect.reason)
    return table


def _numbers(figures: Figures) -> tuple[str, ...]:
    return (
        f"{figures.maker_fee_bps:.2f}",
        f"[bold]{figures.net_per_hour:.2f}[/bold]",
        f"{figures.low:.2f} … {figures.high:.2f}",
        f"{figures.net_per_100:.3f}",
        f"± {figures.noise_per_hour:.2f}",
        _break_even(figures),
        f"{figures.toxicity:.2f}",
    )


def _refused(prospects: list[Prospect]) -> Table:
    table = Table(
        *("coin", "net\nper hour", "breaks\neven\n\\[bps]", "why not"),
        title=f"{len(prospects)} refused",
        title_justify="left",
        box=SIMPLE_HEAD,
        style="dim",
    )
    for column in table.columns[1:-1]:
        column.justify = "right"
    for prospect in prospects:
        figures = prospect.figures
        known = (f"{figures.net_per_hour:.2f}", _break_even(figures)) if figures else ("–", "–")
        table.add_row(prospect.coin, *known, prospect.reason)
    return table


def _tiers(prospects: list[Prospect]) -> Table:
    table = Table(
        *("coin", "fee now\n\\[bps]", "breaks even\n\\[bps]", "pays from a volume of 14 days"),
        title="Fee tiers", title_justify="left", box=SIMPLE_HEAD,
    )  # fmt: skip
    for prospect in prospects:
        if prospect.figures:
            volume, figures = prospect.pays_from_volume, prospect.figures
            said = "no tier" if volume is None else "any" if not volume else f"{volume / 1e6:,.0f} million USDC"
            table.add_row(prospect.coin, f"{figures.maker_fee_bps:.2f}", _break_even(figures), said)
    return table


def _break_even(figures: Figures) -> str:
    return f"{figures.break_even_fee_bps:.1f}" if isfinite(figures.break_even_fee_bps) else "–"
