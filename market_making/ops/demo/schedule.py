"""How a recording is shared out: a past to calibrate from, the start of the programs, trading, and winding down."""

from dataclasses import dataclass

from market_making.market.errors import NotEnoughData
from market_making.settings.settings import Settings

STARTUP_S = 90.0
WIND_DOWN_S = 75.0
_PAST_S = 1800.0
_LEAST_PAST_S = 300.0
_LEAST_MINUTES = 1.0


@dataclass(frozen=True)
class Schedule:
    """What the demo does with a market, and with how much less than usual it makes do.

    Attributes
    ----------
    minutes : float
        How long the bot trades [min].
    past_s : float
        What is recorded before it starts [s].
    shortened : str
        What had to be shortened, as a sentence; empty if nothing had to.
    """

    minutes: float
    past_s: float = _PAST_S
    shortened: str = ""

    @property
    def live_s(self) -> float:
        """What is played while the programs run [s]."""
        return STARTUP_S + 60 * self.minutes + WIND_DOWN_S

    @property
    def minimum_exposure_s(self) -> float:
        """Recorded time that the demo's calibrator asks for [s]: the usual, or what a short past can offer."""
        return min(Settings().calibration.minimum_exposure_s, 0.9 * self.past_s)

    @classmethod
    def of_recording(cls, duration_s: float, minutes: float, what: str) -> "Schedule":
        """Share out the longest unbroken part of a recording: a shorter past first, then less trading.

        Parameters
        ----------
        duration_s : float
            Length of that part [s].
        minutes : float
            How long the bot should trade [min].
        what : str
            What messages call the recording.

        Raises
        ------
        NotEnoughData
            With the minutes that there are and that are needed.
        """
        least, usual_s = min(minutes, _LEAST_MINUTES), Settings().calibration.minimum_exposure_s
        needed_s = _LEAST_PAST_S + cls(least).live_s
        if duration_s < needed_s:
            raise NotEnoughData(
                f"{what} has {duration_s / 60:.1f} unbroken minutes, the demo needs {needed_s / 60:.1f}: "
                f"{_LEAST_PAST_S / 60:g} to calibrate from, {least:g} to trade, "
                f"{(STARTUP_S + WIND_DOWN_S) / 60:.1f} to start and to wind down"
            )
        room_s = duration_s - STARTUP_S - WIND_DOWN_S
        traded = min(minutes, max(least, (room_s - usual_s) / 60))
        past_s = min(_PAST_S, room_s - 60 * traded)
        if traded == minutes and past_s >= usual_s:
            return cls(minutes, past_s)
        told = f"{what} has {duration_s / 60:.1f} unbroken minutes: the bot trades {traded:.1f} of them, "
        return cls(traded, past_s, f"{told}the first calibration is from {past_s / 60:.1f}")
