"""What somebody who mistyped a name may have meant."""

from collections.abc import Iterable
from difflib import get_close_matches

_ALIKE = 0.6


def nearest(word: str, known: Iterable[str], *, alike: float = _ALIKE) -> str | None:
    """The known name most like `word`, upper and lower case being the same; None if none is like it.

    `alike` is the least similarity, from 0 to 1.

    >>> nearest("eth", ["BTC", "ETH"])
    'ETH'
    """
    names = {name.lower(): name for name in sorted(known, reverse=True)}
    found = get_close_matches(word.lower(), names, n=1, cutoff=alike)
    return names[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a message that refuses `word`; empty if no known name is like it.

    >>> did_you_mean("tolerence_bps", ["tolerance_bps", "minimum_life_s"])
    ', did you mean tolerance_bps?'
    """
    found = nearest(word, known)
    return "" if found is None else f", did you mean {found}?"
