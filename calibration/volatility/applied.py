"""The optional forecast at work: a calibration whose volatility looks ahead."""

from dataclasses import replace

import numpy as np

from calibration.estimators.seconds import Seconds
from calibration.flow.calibrate import Calibration
from calibration.volatility.model import SPANS, VolatilityModel, blended, realised

_MINUTE_S = 60


def with_forecast(calibration: Calibration, seconds: Seconds, model: VolatilityModel | None) -> Calibration:
    """Blend the forecast into the volatility of a calibration.

    Without a model, or where mid is not known at each of the last 26 full minutes, the calibration stays as it is.
    """
    mids = seconds.mid[::-1][: max(SPANS) * _MINUTE_S + 1 : _MINUTE_S][::-1]
    if model is None or len(mids) <= max(SPANS) or not np.isfinite(mids).all():
        return calibration
    variance = model.variance(realised(np.diff(np.log(mids))))[-1]
    return replace(calibration, volatility=blended(calibration.volatility, float(variance), calibration.mid))
