"""What the coin of each pair is called in files and records: as the venue writes it, not as the pair does."""

from collections.abc import Callable

from market_making.market.names import file_key


class PairCoins:
    """Coins by pair.

    Parameters
    ----------
    ask : Callable[[str], str | None], optional
        Tells the coin of a pair, None where it knows none. Without it only what was noted is known.
    """

    def __init__(self, ask: Callable[[str], str | None] = lambda _: None) -> None:
        self._ask = ask
        self._known: dict[str, str] = {}

    def note(self, pair: str, coin: str) -> None:
        """Take note of the coin of a pair."""
        self._known[pair] = coin

    def of(self, pair: str) -> str:
        """The coin of a pair; the pair itself, made fit for the name of a file, where no market is known."""
        known = self._known.get(pair)
        if known is None and (known := self._ask(pair)) is not None:
            self.note(pair, known)
        return file_key(pair) if known is None else known
