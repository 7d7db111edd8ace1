"""How long other programs have been silent, measured by the reader's own clock.

A state file is written at the end of every loop. Its own stamp tells its age only as far as two clocks agree and nobody
sets them. So a reader remembers which stamp it saw last, and adds up its own steps since then. A step counts at most
`LONGEST_STEP_S`: a reader that was itself stopped for a minute has not seen a minute of silence.
"""

from collections.abc import Hashable
from dataclasses import dataclass

LONGEST_STEP_S = 1.0


@dataclass
class _Pulse:
    """The last stamp seen, and for how long nothing newer was."""

    stamp: Hashable
    silent_s: float
    looked_s: float


class Heartbeats:
    """Silence of programs by name."""

    def __init__(self) -> None:
        self._pulses: dict[str, _Pulse] = {}

    def look(self, name: str, stamp: Hashable, age_s: float, now_s: float) -> float:
        """Take note of the newest stamp of a program and return its silence [s].

        Parameters
        ----------
        name : str
            The program.
        stamp : hashable
            What changes with every loop of it.
        age_s : float
            Age of the stamp by the program's own clock [s]; only used when nothing of it was seen before.
        now_s : float
            Clock of the reader that only goes forward [s].
        """
        pulse = self._pulses.get(name)
        if pulse is None:
            pulse = self._pulses[name] = _Pulse(stamp, max(age_s, 0.0), now_s)
        elif pulse.stamp != stamp:
            pulse.stamp, pulse.silent_s = stamp, 0.0
        else:
            pulse.silent_s += min(max(now_s - pulse.looked_s, 0.0), LONGEST_STEP_S)
        pulse.looked_s = now_s
        return pulse.silent_s

    def forget(self, name: str) -> None:
        """Forget a program whose state file is gone."""
        self._pulses.pop(name, None)
