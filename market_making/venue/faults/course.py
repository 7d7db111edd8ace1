"""The course of one request, from its arrival to what the client sees of the answer."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Delivery(Enum):
    """How much of an answer reaches the client."""

    WHOLE = "whole"
    TWICE = "twice"
    HALF = "half, then the connection is closed"
    CUT = "nothing, the connection is closed"
    NEVER = "nothing, the connection stays open"


@dataclass(frozen=True, slots=True)
class Course:
    """What becomes of one request; the default is that all is well.

    Parameters
    ----------
    hold_s : float
        Delay before the request takes effect [s].
    takes_effect : bool
        Whether the request reaches the exchange.
    refusal : str or None
        The exchange refuses the action in these words.
    refuses_whole : bool
        It refuses a batch as a whole instead of each item.
    rewrite : Callable[[Any], Any] or None
        Turns the answer into what the client gets instead.
    late_s : float
        Delay between taking effect and the answer [s].
    status : int
        HTTP status; the body of an answer is kept only under 200.
    delivery : Delivery
        How much of the answer arrives.
    """

    hold_s: float = 0.0
    takes_effect: bool = True
    refusal: str | None = None
    refuses_whole: bool = False
    rewrite: Callable[[Any], Any] | None = None
    late_s: float = 0.0
    status: int = 200
    delivery: Delivery = Delivery.WHOLE


UNDISTURBED = Course()
