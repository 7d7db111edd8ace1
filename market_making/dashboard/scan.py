"""The ranking of `mm scan` from the published parameter files, made again when it is asked for and has become old."""

import threading
from typing import Any

from calibration.scanning.candidates import candidates_from_files
from calibration.scanning.scan import scan
from market_making.market.errors import MarketMakingError
from market_making.settings.settings import Settings

_OLD_MS = 15_000


class Scan:
    """The last ranking."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made_ms = -_OLD_MS
        self._document: dict[str, Any] = {}
        self._lock = threading.Lock()

    def document(self, now_ms: int) -> dict[str, Any]:
        """Return coins best first, or what is missing."""
        with self._lock:
            if now_ms - self._made_ms >= _OLD_MS:
                self._document, self._made_ms = self._scan(now_ms), now_ms
            return self._document

    def _scan(self, now_ms: int) -> dict[str, Any]:
        model = self._settings.model
        around = {"fee_bps": 1e4 * model.maker_fee, "order_notional": model.order_notional, "made_ms": now_ms}
        try:
            found = scan(candidates_from_files((), self._settings, now_ms), self._settings)
        except (MarketMakingError, OSError) as error:
            return around | {"coins": [], "missing": f"Nothing to rank: {error}."}
        missing = "" if found else "No coin is calibrated: start `mm collect` and `mm calibrate`."
        return around | {"coins": [prospect.document() for prospect in found], "missing": missing}
