"""What a check found: passed, failed or not possible, with the reason and the remedy."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from market_making.market.errors import DataError


class Result(StrEnum):
    """How a check ended; `unknown` where what it needs was not to be had."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Outcome:
    """One check: its name, how it ended, what was seen, and what to do about it."""

    name: str
    result: Result
    reason: str
    remedy: str = ""


def passed(name: str, reason: str) -> Outcome:
    """Return a check that found nothing wrong."""
    return Outcome(name, Result.PASSED, reason)


def judged(name: str, good: bool, reason: str, remedy: str) -> Outcome:
    """Return a check that passed or failed by one condition."""
    return passed(name, reason) if good else Outcome(name, Result.FAILED, reason, remedy)


def unknown(name: str, reason: str, remedy: str) -> Outcome:
    """Return a check that was not possible."""
    return Outcome(name, Result.UNKNOWN, reason, remedy)


def attempted(name: str, check: Callable[[], Outcome]) -> Outcome:
    """Run a check; where an answer or a file is not as expected it was not possible, and hides no other."""
    try:
        return check()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return unknown(name, f"the exchange's answer is not as expected: {error!r}", "run mm check again later")
    except DataError as error:
        return unknown(name, str(error), "mend or remove what is named, then run mm check again")


def is_safe(outcomes: Iterable[Outcome], forced: Iterable[str] = ()) -> bool:
    """Whether a bot may start: every check passed, or was forced by its name. What is not known is not safe."""
    allowed = set(forced)
    return all(each.result is Result.PASSED or each.name in allowed for each in outcomes)


def overridden(outcomes: Iterable[Outcome], forced: Iterable[str]) -> Iterator[Outcome]:
    """Checks that did not pass and were forced."""
    allowed = set(forced)
    return (each for each in outcomes if each.result is not Result.PASSED and each.name in allowed)
