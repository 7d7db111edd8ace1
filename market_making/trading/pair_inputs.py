"""Everything that the plan of one pair is made from in one loop."""

from dataclasses import dataclass

from market_making.market.reasons import Because
from market_making.quoting.risk.rules import NO_OBJECTION, Verdict
from market_making.safety.state_file import CalibrationState
from market_making.trading.fills import Fees
from market_making.trading.plan import Planner


@dataclass(frozen=True)
class PairInputs:
    """What one loop knows about one pair.

    `no_opening` is the reason why its position may not grow, if there is one; `leaving`, that it must be closed at the
    touch. `cash` is what the account is worth without the position's open result, `open_rate` the price at which that
    result is zero; without `cash` the risk rules are not asked, and they judge the account's value only where both are
    `settled`: of one moment with what is held. `lost` tells of each fill judged since the last loop whether it lost;
    `verdict` is what the risk rules say, which the desk asks; `fees` are the venue's, and
    `calibration` tells of the parameter file.
    """

    planner: Planner
    calibration_id: str
    no_opening: Because | None = None
    leaving: bool = False
    cash: float | None = None
    open_rate: float = 0.0
    settled: bool = True
    lost: tuple[bool, ...] = ()
    verdict: Verdict = NO_OBJECTION
    fees: Fees = Fees()  # noqa: RUF009 - immutable
    calibration: CalibrationState = CalibrationState()  # noqa: RUF009 - immutable
