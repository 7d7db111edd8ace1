"""Which markets are recorded, by the names of their folders."""

from collections.abc import Iterable
from pathlib import Path

from market_making.market.names import Names
from market_making.market.selection import Selection
from market_making.recording.store.presence import folders_of, not_recorded


def names_among(root: Path | str, venue: str, coins: Iterable[str], selection: Selection) -> list[Names]:
    """Names of the markets of these folders of the store at `root`."""
    # Whoever names a coin that is not recorded is told so without the libraries that read recordings.
    from market_making.recording.other_venues.venues import names_of  # noqa: PLC0415

    return [names_of(root, venue, coin, selection.wanted) for coin in coins]


def recorded_coins(root: Path | str, venue: str, selection: Selection) -> tuple[str, ...]:
    """Folders of what is selected; one that is not strict goes on with what is recorded of it.

    Raises
    ------
    UnknownCoin
        With what is recorded.
    """
    known = folders_of(root, venue)
    if not known:
        raise not_recorded(root, venue, selection.wanted[0], known)
    choice = selection.choose(names_among(root, venue, known, selection))
    if choice.missing and (selection.strict or not choice.chosen):
        raise not_recorded(root, venue, choice.missing[0], known)
    return tuple(names.key for names in choice.chosen)
