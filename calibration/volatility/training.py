"""Training of the optional volatility forecast, and its file.

A model is published only if, on the last part of the data, which it has not seen, it beats an exponentially weighted
variance by QLIKE. Without a file, or with one that cannot be read, the calibration's own volatility stands.
"""

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from calibration.volatility.model import AHEAD, SPANS, VolatilityModel, ewma_variance, fit, qlike, realised, targets
from market_making.market.durable_file import write_durably
from market_making.market.errors import InvalidParameters, NotEnoughData
from market_making.market.tape import FloatArray, IntArray

FOLDER = "volatility"
MINUTE_MS = 60_000
_LEARNED_SHARE = 0.7
_LEAST_JUDGED = 300

Finite = Annotated[float, Field(allow_inf_nan=False)]


class TrainedVolatility(BaseModel):
    """A trained forecast with what it was trained on and how well it did out of sample."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    schema_version: Literal["1.0"] = Field(default="1.0", alias="schema")
    coin: str
    first_ms: int
    last_ms: int
    constant: Finite
    weights: tuple[Finite, Finite, Finite]
    correction: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    judged: int
    qlike: Finite
    qlike_ewma: Finite

    @property
    def is_better(self) -> bool:
        """Whether the forecast beats the exponentially weighted variance out of sample."""
        return self.qlike < self.qlike_ewma

    @property
    def model(self) -> VolatilityModel:
        """The coefficients."""
        return VolatilityModel(self.constant, self.weights, self.correction)

    def write(self, folder: Path) -> Path:
        """Publish as ``<folder>/volatility/<COIN>.json``, whole or not at all."""
        path = folder / FOLDER / f"{self.coin}.json"
        write_durably(path, self.model_dump_json(by_alias=True, indent=1))
        return path

    def withdraw(self, folder: Path) -> None:
        """Remove what was published of the coin before, if anything was."""
        (folder / FOLDER / f"{self.coin}.json").unlink(missing_ok=True)


def train(coin: str, open_ms: IntArray, close: FloatArray) -> TrainedVolatility:
    """Learn from one-minute candles and judge on the last 30 % of them.

    Parameters
    ----------
    coin : str
        The venue's name.
    open_ms : IntArray, shape (n,)
        When each candle begins, ascending.
    close : FloatArray, shape (n,)
        Closing prices.

    Raises
    ------
    NotEnoughData
        With the number of rows seen and needed.
    """
    runs = [_rows(close[run]) for run in _without_holes(open_ms)]
    if not runs:
        raise NotEnoughData(f"{len(close)} one-minute candles of {coin}, none in a run of {max(SPANS) + AHEAD + 1}")
    past, ahead, ewma = (np.concatenate(columns) for columns in zip(*runs, strict=True))
    learned = int(len(ahead) * _LEARNED_SHARE)
    # The last rows before the cut look ahead into what is judged: they are left out.
    model = fit(past[: learned - AHEAD], ahead[: learned - AHEAD])
    judged = ahead[learned:]
    if len(judged) < _LEAST_JUDGED:
        raise NotEnoughData(f"{len(judged)} rows of {coin} to judge by, need {_LEAST_JUDGED}")
    return TrainedVolatility(
        coin=coin,
        first_ms=int(open_ms[0]),
        last_ms=int(open_ms[-1]) + MINUTE_MS,
        constant=model.constant,
        weights=model.weights,
        correction=model.correction,
        judged=len(judged),
        qlike=qlike(judged, model.variance(past[learned:])),
        qlike_ewma=qlike(judged, ewma[learned:]),
    )


def read_volatility(folder: Path, coin: str) -> VolatilityModel | None:
    """Read the trained forecast of a coin; None where there is none.

    Raises
    ------
    InvalidParameters
        If the file is torn, of another version or coin, or its forecast was not the better one.
    """
    path = folder / FOLDER / f"{coin}.json"
    try:
        trained = TrainedVolatility.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise InvalidParameters(f"{path}: {where}: {first['msg']}") from None
    if trained.coin != coin:
        raise InvalidParameters(f"{path} must be for {coin}, got {trained.coin}")
    if not trained.is_better:
        raise InvalidParameters(f"{path}: its QLIKE {trained.qlike:.4f} is not below {trained.qlike_ewma:.4f}")
    return trained.model


def _without_holes(open_ms: IntArray) -> list[slice]:
    """Runs of consecutive minutes long enough to learn from."""
    breaks = np.flatnonzero(np.diff(open_ms) != MINUTE_MS) + 1
    edges = [0, *breaks.tolist(), len(open_ms)]
    shortest = max(SPANS) + AHEAD + 1
    return [slice(a, b) for a, b in pairwise(edges) if b - a >= shortest]


def _rows(close: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """What was known, what came, and what the exponentially weighted variance said."""
    returns = np.diff(np.log(close))
    ahead = targets(returns)
    return realised(returns)[: len(ahead)], ahead, ewma_variance(returns)[: len(ahead)]
