"""How busy the last minute was, against the half hour before, forecasts the next minute better than the half hour does.

One-minute candles are the only large sample of activity there is: five days of each coin. The calibrator's own form is
tried on them with a minute in the place of its ten seconds: traded volume by the root of its own ratio, the range by
that of both signs, (volume ratio)^(1/8) · (range ratio)^(1/4), the root of the activity of orders beyond the touch, for
a rate doubles where the range grows by a half. Scored by the Poisson deviance against the mean of the last half hour;
below 1 is better. The interval is a bootstrap over hours, of all coins as if they were independent.

    python benchmarks/candle_activity.py FOLDER     # files <COIN>_1m-futures.parquet with ts, high, low, close, volume
"""

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from market_making.market.tape import FloatArray

WINDOW = 30
MINUTE_MS = 60_000
PRIOR = 0.05  # of a usual minute: keeps the logarithm of nothing finite
HOUR = 60
DRAWS = 1000


def deviance(seen: FloatArray, expected: FloatArray) -> FloatArray:
    """Poisson deviance of each minute; it takes numbers that are no counts as well."""
    logarithm = np.log(np.where(seen > 0, seen, 1.0) / expected)
    return np.asarray(np.where(seen > 0, seen * logarithm, 0.0) - (seen - expected))


def compared(model: FloatArray, mean: FloatArray) -> str:
    """Ratio of the deviances with its 95 % interval."""
    hours = [part.sum(axis=1) for part in np.array_split(np.array([model, mean]), max(2, len(model) // HOUR), axis=1)]
    sums, random = np.array(hours), np.random.default_rng(1)
    drawn = sums[random.integers(0, len(sums), (DRAWS, len(sums)))].sum(axis=1)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    return f"{model.sum() / mean.sum():.3f} [{low:.3f}, {high:.3f}]"


class Scored(NamedTuple):
    """Deviance of each minute against the usual, of forecast and mean, shape (2, minutes), of volume and range."""

    volume: FloatArray
    range: FloatArray

    def told(self, name: str) -> str:
        """Ratios of the deviances, as one line."""
        figures = ", ".join(f"{what} {compared(*each)}" for what, each in self._asdict().items())
        return f"{name:6s} {self.volume.shape[1]} minutes: {figures}"


def score(path: Path) -> Scored:
    """Forecasts of one coin."""
    candles = pd.read_parquet(path).sort_values("ts")
    time_ms = candles["ts"].to_numpy(dtype=np.int64)
    volume = (candles["volume"] * candles["close"]).to_numpy(dtype=float)
    spread = ((candles["high"] - candles["low"]) / candles["close"]).to_numpy(dtype=float)
    last = np.arange(WINDOW - 1, len(candles) - 1)
    whole = time_ms[last + 1] - time_ms[last - WINDOW + 1] == WINDOW * MINUTE_MS
    last = last[whole]
    mean, ratio = {}, {}
    for name, values in (("volume", volume), ("range", spread)):
        mean[name] = np.convolve(values, np.full(WINDOW, 1 / WINDOW), "valid")[last - WINDOW + 1]
        ratio[name] = (values[last] / mean[name] + PRIOR) / (1 + PRIOR)
    forecast = {
        "volume": mean["volume"] * ratio["volume"] ** 0.5,
        "range": mean["range"] * ratio["volume"] ** 0.125 * ratio["range"] ** 0.25,
    }
    return Scored(
        *(
            np.array([deviance(values[last + 1], expected[name]) for expected in (forecast, mean)]) / mean[name].mean()
            for name, values in (("volume", volume), ("range", spread))
        )
    )


def main() -> None:
    scores = []
    for path in sorted(Path(sys.argv[1]).glob("*_1m-futures.parquet")):
        scores.append(score(path))
        print(scores[-1].told(path.name.split("_")[0]))
    print(Scored(*map(np.hstack, zip(*scores, strict=True))).told("all"))


if __name__ == "__main__":
    main()
