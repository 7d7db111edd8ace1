"""What a schedule is: drawn from its seed alone, so that a failure can be played again."""

from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Any


class Target(StrEnum):
    """The create that is aimed at."""

    ENTRY = "entry"
    ADDITION = "addition"
    EXIT = "exit"


class Stage(StrEnum):
    """Where in the life of an order a bot is killed."""

    ASKED = "asked"  # decided and written down, not yet sent
    RECEIVED = "received"  # on the exchange's desk, takes effect after the bot's end
    ACCEPTED = "accepted"  # rests, not answered
    ANSWERED = "answered"  # answered, perhaps not in the database
    COMMITTED = "committed"  # in the database
    CANCELLING = "cancelling"  # its cancel is accepted, not answered


class Kind(StrEnum):
    """What goes wrong."""

    KILL = "kill"
    STOP = "stop"
    LOST = "lost"
    LATE = "late"
    DOUBLED = "doubled"
    OUTAGE = "outage"
    DISK = "disk"
    CLOCK = "clock"


EXCHANGE_KINDS = frozenset((Kind.LOST, Kind.LATE, Kind.DOUBLED, Kind.OUTAGE, Kind.CLOCK))
# Of each twenty schedules: a kill at each stage of each target, then the others.
_TURN = (
    *((Kind.KILL, target, stage) for target in Target for stage in Stage),
    *((kind, target, None) for target in Target for kind in (Kind.LOST, Kind.LATE, Kind.DOUBLED, Kind.STOP, Kind.DISK)),
    (Kind.OUTAGE, None, None),
    (Kind.CLOCK, None, None),
    (Kind.OUTAGE, None, None),
    (Kind.CLOCK, None, None),
)
_FIRST_FILLS = (None, 1.0, 5.0, 11.0)  # USDC


@dataclass(frozen=True)
class Plan:
    """One schedule.

    Parameters
    ----------
    first_fill : float or None
        Value of the first part that is filled of the order before the fault [USDC].
    is_filled : bool
        Whether somebody trades through everything that rests during the fault, after `filled_after_s`.
    seconds : float
        How long a fault lasts that has no end by itself [s].
    faults : tuple of dict
        For the venue, at the time of the fault; `noise` from before on.
    """

    seed: int
    kind: Kind
    target: Target | None
    stage: Stage | None
    leverage: int
    is_short: bool
    has_socket: bool
    first_fill: float | None
    is_filled: bool
    filled_after_s: float
    seconds: float
    faults: tuple[dict[str, Any], ...]
    noise: tuple[dict[str, Any], ...]

    @property
    def name(self) -> str:
        """In a few words."""
        words = [self.kind, *filter(None, (self.target, self.stage))]
        words += [f"x{self.leverage}", "short" if self.is_short else "long", "socket" if self.has_socket else "polling"]
        words += [] if self.first_fill is None else [f"first fill {self.first_fill:g}"]
        words += ["filled"] if self.is_filled else []
        words += ["noise"] if self.noise else []
        return " ".join(words)

    @property
    def side(self) -> str:
        """Side of the order that is aimed at."""
        grows = self.target is not Target.EXIT
        return "buy" if grows != self.is_short else "sell"


def draw(seed: int) -> Plan:
    """The schedule of a seed; consecutive seeds go through all kinds, targets and stages."""
    chance = Random(seed)
    kind, target, stage = _TURN[seed % len(_TURN)]
    is_short = chance.random() < 0.4
    grows = target is not Target.EXIT
    side = "buy" if grows != is_short else "sell"
    seconds, first_fill = chance.uniform(3.0, 9.0), chance.choice(_FIRST_FILLS)
    return Plan(
        seed=seed,
        kind=kind,
        target=target,
        stage=stage,
        leverage=chance.choice((1, 3)),
        is_short=is_short,
        has_socket=chance.random() < 0.5,
        first_fill=first_fill if stage is not Stage.CANCELLING else None,  # Freqtrade does not cancel a rest
        is_filled=chance.random() < 0.5,
        filled_after_s=chance.uniform(0.1, 2.0),
        seconds=30.0 if kind is Kind.OUTAGE else seconds,
        faults=tuple(_faults(kind, side, stage, chance)),
        noise=_noise(chance) if chance.random() < 0.25 else (),
    )


def _faults(kind: Kind, side: str, stage: Stage | None, chance: Random) -> list[dict[str, Any]]:
    create: dict[str, Any] = {"action": "order", "side": side, "times": 1}
    late: dict[str, Any] = {"fault": "late", "seconds": 0.5}
    stages: dict[Stage | None, list[dict[str, Any]]] = {
        Stage.RECEIVED: [create | {"fault": "delay", "seconds": 0.5}],
        Stage.ACCEPTED: [create | late],
        Stage.CANCELLING: [create | late | {"action": "cancel"}],
    }
    match kind:
        case Kind.OUTAGE:
            return _outage(chance)
        case Kind.LOST:
            return [create | _lost(chance) | {"times": chance.choice((1, 1, 2, 3))}]
    drawn: dict[Kind, list[dict[str, Any]]] = {
        Kind.KILL: stages.get(stage, []),
        Kind.LATE: [create | {"fault": "late", "seconds": round(chance.uniform(1.5, 14.0), 1)}],
        Kind.DOUBLED: [create | {"fault": "twice", "times": 2}],
        Kind.DISK: [create | late],
        Kind.CLOCK: [{"fault": "clock", "offset_ms": chance.choice((-45_000, 45_000))}],
    }
    return drawn.get(kind, [])


def _lost(chance: Random) -> dict[str, Any]:
    executed = chance.random() < 0.8
    return chance.choice(
        (
            {"fault": "swallow", "executed": executed},
            {"fault": "cut", "executed": executed},
            {"fault": "half", "executed": executed},
            {"fault": "status", "code": chance.choice((429, 502, 504)), "executed": executed},
            {"fault": "null"},
        )
    )


def _outage(chance: Random) -> list[dict[str, Any]]:
    """Nothing is answered; in half of them actions still take effect."""
    executed = chance.random() < 0.5
    answer = chance.choice(({"fault": "status", "code": 502}, {"fault": "cut"}))
    return [
        answer | {"action": "any", "executed": executed},
        answer | {"info": "any", "executed": False},
        {"fault": "cut", "stream": "any"},
        {"fault": "disconnect"},
    ]


def _noise(chance: Random) -> tuple[dict[str, Any], ...]:
    """Some questions are not answered, or late."""
    share = round(chance.uniform(0.05, 0.2), 2)
    return (
        {"fault": "status", "code": chance.choice((429, 502)), "info": "any", "probability": share},
        {"fault": "late", "info": "any", "seconds": 1.0, "probability": share},
    )
