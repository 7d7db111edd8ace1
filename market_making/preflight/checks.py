"""All checks in their order."""

from market_making.preflight.account_checks import account_checks
from market_making.preflight.machine_checks import machine_checks
from market_making.preflight.market_checks import market_checks
from market_making.preflight.outcome import Outcome
from market_making.preflight.subject import Subject


def check_all(subject: Subject) -> list[Outcome]:
    """Run every check; one that is not possible never hides another."""
    return [*machine_checks(subject), *account_checks(subject), *market_checks(subject)]
