"""The faults in force: those the venue was started with, and those that were injected since."""

from collections import deque
from collections.abc import Callable
from itertools import chain
from typing import Any

from market_making.market.errors import ConfigurationError
from market_making.venue.faults.course import UNDISTURBED, Course
from market_making.venue.faults.document import Faults
from market_making.venue.faults.effects import Clock
from market_making.venue.faults.fault import Fault, Occasion, Target
from market_making.venue.faults.injector import Injector, Moment, bent

REMEMBERED_STRIKES = 1_000


class FaultDesk:
    """Decides what goes wrong, and remembers what did.

    Parameters
    ----------
    faults : Faults or None
        What the venue is started with; None lets nothing go wrong, ever.
    seed : int
        Seed of the draws.
    clock_s : Callable[[], float]
        Monotonic time [s].
    """

    def __init__(self, faults: Faults | None, seed: int, clock_s: Callable[[], float]) -> None:
        self.is_open = faults is not None
        self._seed = seed
        self._clock_s = clock_s
        self._start_s = clock_s()
        self._injectors = [Injector(faults, seed, self._start_s)] if faults and faults.faults else []
        self._strikes: deque[dict[str, Any]] = deque(maxlen=REMEMBERED_STRIKES)

    def inject(self, document: Any) -> None:
        """Add a schedule, whose times count from now on.

        Raises
        ------
        ConfigurationError
            If it is none; see `Faults.parse`.
        """
        seed = self._seed
        if isinstance(document, dict) and "seed" in document:
            seed = document["seed"]
            if type(seed) is not int:
                raise ConfigurationError(f"seed must be a whole number, got {seed!r:.40}")
            document = {key: value for key, value in document.items() if key != "seed"}
        self._injectors.append(Injector(Faults.parse(document), seed, self._clock_s()))

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        self._injectors.clear()

    def report(self) -> dict[str, Any]:
        """The schedules in force, how often each fault has struck, and the last strikes, ready for JSON."""
        return {
            "schedules": [
                {"seed": injector.seed, **injector.faults.document(), "struck": injector.struck}
                for injector in self._injectors
            ],
            "strikes": list(self._strikes),
        }

    @property
    def wants_accounts(self) -> bool:
        """Whether a fault may ask for the account of an action before the action takes effect."""
        return self._aims_at(Target.ACTION)

    def course(self, occasion: Occasion) -> Course:
        """What becomes of a request."""
        struck = self.strike(occasion)
        return bent(struck) if struck else UNDISTURBED

    def strike(self, occasion: Occasion) -> list[Fault]:
        """The faults that strike a request or a message."""
        if not self._injectors:
            return []
        now_s = self._clock_s()
        struck = list(chain.from_iterable(injector.strike(occasion, now_s) for injector in self._injectors))
        for fault in struck:
            self._note(fault, occasion.kind, user=occasion.user, oids=sorted(occasion.oids))
        return struck

    def due(self) -> list[Moment]:
        """The happenings that are due."""
        now_s = self._clock_s()
        return [moment for injector in self._injectors for moment in injector.due(now_s)]

    def note_happening(self, fault: Fault, user: str, oids: list[int]) -> None:
        """Remember what has happened to an account."""
        self._note(fault, fault.name, user=user, oids=oids)

    @property
    def offset_ms(self) -> int:
        """How far the exchange's clock is ahead of this machine's [ms]."""
        now_s = self._clock_s()
        return sum(injector.offset_ms(now_s) for injector in self._injectors)

    @property
    def touches_streams(self) -> bool:
        """Whether a message of a stream may be struck, or its stamps moved."""
        return self._aims_at(Target.STREAM) or any(
            isinstance(fault.effect, Clock) for injector in self._injectors for fault in injector.faults.faults
        )

    def _aims_at(self, target: Target) -> bool:
        return any(fault.where.target is target for injector in self._injectors for fault in injector.faults.faults)

    def _note(self, fault: Fault, kind: str, *, user: str, oids: list[int]) -> None:
        at_s = round(self._clock_s() - self._start_s, 3)
        self._strikes.append({"at_s": at_s, "fault": fault.name, "kind": kind, "user": user, "oids": oids})
