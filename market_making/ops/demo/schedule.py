"""How a recording is shared out: a past to calibrate from, the start of the programs, trading, and winding down."""

from dataclasses import dataclass

from market_making.market.errors import NotEnoughData
from market_making.settings.settings import Settings

STARTUP_S = 90.0
WIND_DOWN_S = 75.0
_AROUND_S = STARTUP_S + WIND_DOWN_S
_PAST_S = 1800.0
# What a short recording must have: four programs start within half a minute, and a calibration needs some orders.
_LEAST_AROUND_S = 60.0
_LEAST_PAST_S = 60.0
_LEAST_TRADING_S = 60.0
_ROUNDING_S = 1e-6


@dataclass(frozen=True)
class Schedule:
    """What the demo does with a market, and with how much less than usual it makes do.

    Attributes
    ----------
    minutes : float
        How long the bot trades [min].
    past_s : float
        What is recorded before it starts [s].
    startup_s, wind_down_s : float
        How long the programs may take to start, and the bot to leave what it holds [s].
    shortened : str
        What had to be shortened, as a sentence; empty if nothing had to.
    """

    minutes: float
    past_s: float = _PAST_S
    startup_s: float = STARTUP_S
    wind_down_s: float = WIND_DOWN_S
    shortened: str = ""

    @property
    def live_s(self) -> float:
        """What is played while the programs run [s]."""
        return self.startup_s + 60 * self.minutes + self.wind_down_s

    @property
    def minimum_exposure_s(self) -> float:
        """Recorded time that the demo's calibrator asks for [s]: the usual, or what a short past can offer."""
        return min(Settings().calibration.minimum_exposure_s, 0.9 * self.past_s)

    @classmethod
    def of_recording(cls, duration_s: float, minutes: float, what: str) -> "Schedule":
        """Share out the longest unbroken part of a recording.

        Where it is too short for everything, a long past gives way first, then trading down to a minute, then the
        rest of the past, and last the time to start and to wind down.

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
        wanted_s, usual_past_s = 60 * minutes, Settings().calibration.minimum_exposure_s
        parts = {"trading": min(wanted_s, _LEAST_TRADING_S), "around": _LEAST_AROUND_S, "past": _LEAST_PAST_S}
        needed_s = sum(parts.values())
        if duration_s < needed_s:
            raise NotEnoughData(
                f"{what} has {duration_s / 60:.1f} unbroken minutes, the demo needs {needed_s / 60:.1f}: "
                f"{parts['past'] / 60:g} to calibrate from, {parts['trading'] / 60:g} to trade, "
                f"{parts['around'] / 60:g} to start and to wind down"
            )
        spare_s = duration_s - needed_s
        enough = ("around", _AROUND_S), ("past", usual_past_s), ("trading", wanted_s), ("past", _PAST_S)
        for part, enough_s in enough:
            more_s = min(max(enough_s - parts[part], 0.0), spare_s)
            parts[part] += more_s
            spare_s -= more_s
        return cls._of_parts(parts, wanted_s, usual_past_s, f"{what} has {duration_s / 60:.1f} unbroken minutes")

    @classmethod
    def _of_parts(cls, parts: dict[str, float], wanted_s: float, usual_past_s: float, told: str) -> "Schedule":
        traded, past_s, share = parts["trading"] / 60, parts["past"], parts["around"] / _AROUND_S
        is_short = wanted_s - parts["trading"] > _ROUNDING_S or usual_past_s - past_s > _ROUNDING_S
        calibrated = f"the first calibration is from {past_s / 60:.1f}"
        shortened = f"{told}: the bot trades {traded:.1f} of them, {calibrated}" if is_short else ""
        return cls(traded, past_s, share * STARTUP_S, share * WIND_DOWN_S, shortened)
