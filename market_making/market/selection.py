"""Which markets are meant: by any of their names, or by a regular expression of Freqtrade's pair lists."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from market_making.market.names import Names, file_key

_PATTERN = frozenset("*+?^$|()[]{}\\")  # a dash, a slash or a colon is part of a plain name


class Choice(NamedTuple):
    """The markets that a selection means, in its order, and what of it means none."""

    chosen: tuple[Names, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Selection:
    """Markets somebody wants.

    Parameters
    ----------
    wanted : tuple of str
        Names on the wire, of Freqtrade or of files; else regular expressions that match whole pairs, in capitals or
        not, as in Freqtrade's `pair_whitelist`.
    excluded : tuple of str
        The same, of what is not wanted, as in `pair_blacklist`.
    strict : bool
        Whether one that is not listed is a mistake, rather than left out.
    """

    wanted: tuple[str, ...]
    excluded: tuple[str, ...] = ()
    strict: bool = False

    @classmethod
    def everything(cls) -> "Selection":
        """Every market."""
        return cls((".*",))

    @property
    def may_grow(self) -> bool:
        """Whether another market may be meant later: something is no plain name."""
        return any(not _PATTERN.isdisjoint(name) for name in self.wanted)

    def choose(self, known: Iterable[Names]) -> Choice:
        """Look among the markets there are.

        >>> from market_making.market.names import perpetual_names
        >>> Selection(("KPEPE/USDC:USDC", "OLD")).choose([perpetual_names("kPEPE"), perpetual_names("ETH")])
        Choice(chosen=(Names(wire='kPEPE', pair='KPEPE/USDC:USDC', key='kPEPE'),), missing=('OLD',))
        """
        markets = list(known)
        excluded = {names for name in self.excluded for names in _meant(name, markets)}
        found = {name: _meant(name, markets) for name in self.wanted}
        chosen = dict.fromkeys(names for some in found.values() for names in some if names not in excluded)
        return Choice(tuple(chosen), tuple(name for name, some in found.items() if not some))


def _meant(name: str, markets: list[Names]) -> list[Names]:
    exact = [names for names in markets if name in names or file_key(name) == names.key]
    if exact:
        return exact
    try:
        pattern = re.compile(name, re.IGNORECASE)
    except re.error:
        return []
    return [names for names in markets if pattern.fullmatch(names.pair)]
