"""Which coins can be quoted, what that would earn, and why the others cannot.

All coins are solved for their best stationary quotes in one call. The quotes are widened and bounded as the bot does
it, and then held fixed while the true market is drawn from the intervals of the estimates: the interval of the earnings
is that of the quotes that would be shown, not of quotes that know the truth.

In the model quoting always pays a little, because a quote may be as deep as it likes. Here a depth counts only as far
as market orders of the window reached it (`candidates.ENOUGH_REACHED`), adverse selection grows with the depth where
that was seen, and a coin must earn more than a minimum and the price of its actions.
"""

from collections.abc import Sequence

from calibration.scanning import MINIMUM_PER_HOUR
from calibration.scanning.candidates import Candidate, Unknown
from calibration.scanning.coin_panel import CoinPanel
from calibration.scanning.prospect import Figures, Prospect, Terms
from market_making.market.errors import InvalidFlow
from market_making.settings.settings import Settings


def scan(
    found: Sequence[Candidate | Unknown], settings: Settings, minimum_per_hour: float = MINIMUM_PER_HOUR
) -> list[Prospect]:
    """Rank coins by what quoting them is expected to earn.

    Parameters
    ----------
    found : sequence of Candidate or Unknown
        The coins.
    settings : Settings
        Lot, inventory bound, fee, thresholds, cadence of the quotes.
    minimum_per_hour : float
        What a coin must earn to be worth it [quote currency].

    Returns
    -------
    list of Prospect
        Those that pay, best first; then the refused ones, best first; last those of which nothing can be said.
    """
    terms = Terms(minimum_per_hour, settings.model.pause_toxicity)
    prospects = [Prospect.unknown(coin.coin, coin.reason) for coin in found if isinstance(coin, Unknown)]
    solvable = [coin for coin in found if isinstance(coin, Candidate)]
    try:
        figures = _figures(solvable, settings, minimum_per_hour)
    except InvalidFlow:  # of one coin, which is now found and left out
        faults = {coin.coin: _fault(coin, settings) for coin in solvable}
        prospects += [Prospect.unknown(coin, f"no quotes: {fault}") for coin, fault in faults.items() if fault]
        solvable = [coin for coin in solvable if not faults[coin.coin]]
        figures = _figures(solvable, settings, minimum_per_hour)
    prospects += [Prospect.judged(*each, terms) for each in zip(solvable, figures, strict=True)]
    return sorted(prospects, key=lambda prospect: prospect.rank)


def _figures(candidates: Sequence[Candidate], settings: Settings, minimum_per_hour: float) -> list[Figures]:
    return CoinPanel(candidates, settings).figures(minimum_per_hour) if candidates else []


def _fault(candidate: Candidate, settings: Settings) -> str:
    """Why a coin has no quotes; empty if it has."""
    try:
        CoinPanel([candidate], settings)
    except InvalidFlow as error:
        return str(error)
    return ""
