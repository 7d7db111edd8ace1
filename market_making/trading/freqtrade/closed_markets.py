"""Markets that take no opening order for now: halted, or at their cap of open interest, by the exchange's own words.

No listing tells of either in time; the refusal of an order does. An order that is sent all the same costs an action,
and Freqtrade ends the loop of all pairs at each refusal. So after one nothing is opened in the pair for a minute.
"""

from collections.abc import Callable

from market_making.market.reasons import Because, Reason

AGAIN_MS = 60_000
# Of the exchange's texts: halted; open interest is capped, at its cap, or would grow too quickly.
_SIGNS = ("trading is halted", "open interest")


class ClosedMarkets:
    """Listens to what the exchange says of refused orders.

    Parameters
    ----------
    words : Callable[[str], str]
        The last that was said of a pair; empty if nothing was.
    """

    def __init__(self, words: Callable[[str], str] = lambda _: "") -> None:
        self._words = words
        self._closed: dict[str, tuple[str, int | None]] = {}

    def about(self, pair: str) -> str:
        """What was said of a refused order of a pair; it is remembered if it closes the market."""
        said = self._words(pair)
        if any(sign in said.lower() for sign in _SIGNS):
            self._closed[pair] = (said, None)
        return said

    def no_opening(self, pair: str, now_ms: int) -> Because | None:
        """Why nothing may be opened in a pair, if there is a reason; after a minute it is tried again."""
        if pair not in self._closed:
            return None
        said, since_ms = self._closed[pair]
        since_ms = now_ms if since_ms is None else since_ms
        self._closed[pair] = (said, since_ms)
        if not 0 <= now_ms - since_ms < AGAIN_MS:
            del self._closed[pair]
            return None
        return Because(Reason.MARKET_CLOSED, f"the market takes no opening order: {said}")
