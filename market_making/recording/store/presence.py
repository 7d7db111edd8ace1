"""Whether a coin is recorded at all, found out without the library that reads recordings, which takes 0.2 s to load."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from market_making.market.errors import UnknownCoin
from market_making.market.suggestion import did_you_mean


def not_recorded(root: Path | str, venue: str, coin: str, known: Sequence[str]) -> UnknownCoin:
    """The error of a coin of which the store at `root` holds nothing; `known` are those that it holds."""
    held = f"it holds {', '.join(known)}" if known else "it holds nothing yet: mm collect records it"
    return UnknownCoin(f"{root} holds no {coin} of {venue}; {held}{did_you_mean(coin, known)}")


def folders_of(root: Path | str, venue: str) -> list[str]:
    """Coins that have a folder in a store; of one that is not on this machine, those of which something is recorded."""
    if "://" in str(root):
        from market_making.recording.store.tick_store import TickStore  # noqa: PLC0415 - only where it is needed

        return list(TickStore(root, venue).coins())
    folder = Path(root) / venue
    return sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []


def require_folders(root: Path | str, venue: str, coins: Iterable[str]) -> None:
    """Refuse coins that have no folder in a store on this machine; of a store elsewhere nothing is asked.

    Raises
    ------
    UnknownCoin
        With the coins that have one.
    """
    if "://" in str(root):
        return
    known = folders_of(root, venue)
    for coin in coins:
        if coin not in known:
            raise not_recorded(root, venue, coin, known)
