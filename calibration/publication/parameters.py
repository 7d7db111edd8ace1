"""The parameter file: what the calibrator publishes and everything else reads.

Written whole and atomically (temporary file in the same folder, fsync, rename). A reader refuses an unknown major
schema, another venue or coin, values out of bounds and a file past `valid_until_ms`, and says which.
"""

import math
from pathlib import Path
from typing import Self

from pydantic import ConfigDict, Field, ValidationError

from calibration.publication.document import (
    Document,
    Market,
    Model,
    PublishedFairValue,
    PublishedFlow,
    PublishedRegime,
    PublishedShadow,
    PublishedWindow,
    Quality,
    Table,
)
from market_making.market.durable_file import write_durably
from market_making.market.errors import InvalidParameters, MissingParameters, SafetyError, StaleParameters
from market_making.market.reasons import Reason
from market_making.market.sides import Directions
from market_making.quoting.order_flow import OrderFlow

SCHEMA = "1.3"  # as that of the history; a file of an older minor schema lacks what came later
_CLOCK_TOLERANCE_MS = 5_000
# How far mid may move while a file is valid: for a minute; for longer it grows with the square root of time.
# In 133 days BTC, ETH and SOL moved 5.2 % at most within a 5-minute candle, HYPE 14.4 %: 6.4 % for a minute.
_FURTHEST_MOVE = 0.10
_FURTHEST_WITHIN_MS = 60_000


class Parameters(Document):
    """One published calibration of one coin."""

    schema_version: str = Field(default=SCHEMA, alias="schema")
    venue: str
    coin: str
    pair: str
    wire: str | None = None
    asset: int | None = None
    created_ms: int
    valid_until_ms: int
    calibration_id: str
    window: PublishedWindow
    market: Market
    buy: PublishedFlow
    sell: PublishedFlow
    model: Model
    hjb: Table
    regime: PublishedRegime
    quality: Quality
    shadow: PublishedShadow | None = None
    fair_value: PublishedFairValue | None = None

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    def require_good(self) -> Self:
        """Return these parameters, unless their quality forbids to quote from them.

        Raises
        ------
        SafetyError
            With the flags.
        """
        if self.quality.status == "bad":
            flags = ", ".join(self.quality.flags) or "no reason given"
            raise SafetyError(f"the calibration is bad: {flags}", reason=Reason.CALIBRATION_BAD)
        return self

    def require_market(self, pair: str, mid: float, wire: str = "") -> Self:
        """Return these parameters, unless they are those of another market.

        Parameters
        ----------
        pair : str
            Freqtrade's name of the market that is to be quoted.
        mid : float
            Mid of its book [price].
        wire : str
            The venue's name of it, if it is known: ccxt may call two markets alike.

        Raises
        ------
        InvalidParameters
            If the pair or the venue's name is another one, or if the mid of the file is so far from the book's that no
            market moves by as much while a file is valid: it then is of another coin, unit, network or time.
        """
        if pair != self.pair:
            raise InvalidParameters(f"the parameters of {self.coin} must be for {pair}, got those for {self.pair}")
        if wire and self.wire is not None and wire != self.wire:
            raise InvalidParameters(
                f"the parameters of {self.coin} must be for {wire}, which is what orders in {pair} go to, "
                f"got those for {self.wire}"
            )
        periods = max(1.0, (self.valid_until_ms - self.created_ms) / _FURTHEST_WITHIN_MS)
        limit, apart = _FURTHEST_MOVE * math.sqrt(periods), abs(mid / self.market.mid - 1)
        if not apart <= limit:
            raise InvalidParameters(
                f"the parameters of {pair} were made at {self.market.mid:g} and its book stands at {mid:g}, "
                f"{100 * apart:.0f} % apart, limit {100 * limit:.0f} %"
            )
        return self

    def order_flow(self) -> OrderFlow:
        """What the quoting models need of it."""
        both = Directions(self.buy, self.sell)
        age = self.shadow.age_cost.value if self.shadow else 0.0
        return OrderFlow(
            arrival_rate=both.map(lambda flow: flow.arrival_rate.value),
            fill_intensity=both.map(lambda flow: flow.fill_intensity.value),
            fill_decay=both.map(lambda flow: flow.fill_decay.value),
            adverse_selection=both.map(lambda flow: flow.adverse_selection.value),
            adverse_selection_on_fill=both.map(lambda flow: flow.adverse_selection_on_fill.value + age),
            adverse_selection_slope=both.map(lambda flow: flow.adverse_selection_slope.value),
            volatility=self.market.volatility,
            half_spread=self.market.half_spread,
            funding_rate=self.market.funding_rate,
            imbalance_response=self.fair_value.response if self.fair_value else 0.0,
        )

    def write(self, folder: Path) -> Path:
        """Publish as ``<folder>/<COIN>.json``: a reader sees the old file or the new one, never a part."""
        path = folder / f"{self.coin}.json"
        write_durably(path, self.model_dump_json(by_alias=True, indent=1))
        return path


def read_parameters(folder: Path, coin: str, *, venue: str, now_ms: int | None) -> Parameters:
    """Read the published parameters of one coin, if they may be quoted from at `now_ms`.

    `now_ms` None leaves out the check of age: for people who look at an old file, never for a strategy.

    Raises
    ------
    MissingParameters, InvalidParameters, StaleParameters
        With what was seen and what is needed.
    """
    path = folder / f"{coin}.json"
    parameters = _parse(path)
    if parameters.schema_version.split(".")[0] != SCHEMA.split(".", maxsplit=1)[0]:
        raise InvalidParameters(f"{path} has schema {parameters.schema_version}, this program reads {SCHEMA}")
    if (parameters.venue, parameters.coin) != (venue, coin):
        raise InvalidParameters(f"{path} must be for {coin} on {venue}, got {parameters.coin} on {parameters.venue}")
    if now_ms is not None:
        _check_age(parameters, path, now_ms)
    return parameters


def _check_age(parameters: Parameters, path: Path, now_ms: int) -> None:
    valid_for_s = (parameters.valid_until_ms - parameters.created_ms) / 1e3
    if now_ms > parameters.valid_until_ms:
        raise StaleParameters(
            f"{path} expired {(now_ms - parameters.valid_until_ms) / 1e3:.0f} s ago (valid for {valid_for_s:.0f} s); "
            'is the calibrator running? "mm calibrate" starts it'
        )
    if parameters.created_ms > now_ms + _CLOCK_TOLERANCE_MS:
        raise InvalidParameters(
            f"{path} was created {(parameters.created_ms - now_ms) / 1e3:.0f} s in the future; check the clocks"
        )


def _parse(path: Path) -> Parameters:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise MissingParameters(f'there is no {path}; is the calibrator running? "mm calibrate" starts it') from None
    except OSError as error:
        raise MissingParameters(f"{path} cannot be read: {error.strerror}") from None
    try:
        return Parameters.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise InvalidParameters(f"{path} is torn or out of bounds: {where}: {first['msg']}") from None


def finite_or_none(value: float) -> float | None:
    """JSON has no NaN: a value that does not exist is null."""
    return value if math.isfinite(value) else None
